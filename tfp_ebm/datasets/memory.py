"""Arrays that stay in a file, and passes over arrays in pieces."""

import math
import mmap
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["blocks", "fill_column", "is_mapped", "new_array", "release"]

_BLOCK_BYTES = 1 << 24
# Larger arrays are written to a file, whose pages the system writes out when memory is short.
_MAX_IN_MEMORY = 1 << 28


def _mapping(array):
    """Returns the mapping of the file that an array, or what it is a view of, lies in; or None."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def is_mapped(array: object) -> bool:
    """Returns whether an array, or what it is a view of, is mapped from a file.

    >>> is_mapped(np.zeros([3]))
    False
    """
    return _mapping(array) is not None


def new_array(shape: Sequence[int], dtype: np.dtype | type, in_file: bool = False) -> np.ndarray:
    """Returns an array to be filled: in memory, or a large one in a file without a name.

    The file lies in the folder for temporary files, `TMPDIR`, and is gone with the array.

    Args:
      shape: its shape.
      dtype: its dtype.
      in_file: whether it lies in a file however small it is, as one of many.
    """
    shape, size = tuple(shape), math.prod(shape) * np.dtype(dtype).itemsize
    if size <= _MAX_IN_MEMORY and not (in_file and size):
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="tfp_ebm") as file:
        try:
            file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=shape)
        except OSError as error:
            raise OSError(
                f"There is no room for {size / 2**30:.1f} GiB in {tempfile.gettempdir()}, "
                f"({error}); name another folder by TMPDIR."
            ) from error


def release(array: np.ndarray) -> None:
    """Gives back the memory that pages of a mapped array take; they are read again when needed."""
    if (mapping := _mapping(array)) is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def fill_column(array: np.ndarray, index: int, values: np.ndarray) -> None:
    """Writes values `[N]` into a column of an array `[N, D]`, whose every page holds a part of it.

    Pages of a mapped array are given back after some MiB, not all at the end.
    """
    step = max(1, _BLOCK_BYTES // array[:1].nbytes)
    for start in range(0, len(values), step):
        array[start : start + step, index] = values[start : start + step]
        release(array)


def blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields pieces of an array of some MiB each, along its first axis, with their starts.

    Args:
      array: `[N, ...]`.
    """
    row = max(1, array.nbytes // max(1, len(array)))
    step = max(1, _BLOCK_BYTES // row)
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])
        release(array)
