"""Arrays that stay in a file, and passes over arrays in pieces."""

import mmap
from collections.abc import Iterator

import numpy as np

__all__ = ["blocks", "is_mapped"]

_BLOCK_BYTES = 1 << 24


def is_mapped(array: object) -> bool:
    """Returns whether an array, or what it is a view of, is mapped from a file.

    >>> is_mapped(np.zeros([3]))
    False
    """
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields pieces of an array of some MiB each, along its first axis, with their starts.

    Args:
      array: `[N, ...]`.
    """
    row = max(1, array.nbytes // max(1, len(array)))
    step = max(1, _BLOCK_BYTES // row)
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])
