"""Reads tensors from a PyTorch checkpoint of the legacy kind, without PyTorch."""

import collections
import pathlib
import pickle
from typing import BinaryIO, NamedTuple

import numpy as np

__all__ = ["read_legacy_checkpoint"]

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}


class _Storage(NamedTuple):
    """A storage by its key, before its bytes were read."""

    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    """A strided view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage, offset, shape, strides, *_):
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _RestrictedUnpickler(pickle.Unpickler):
    """Makes dictionaries, numbers, strings and strided tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> type:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise ValueError(f"{module}.{name} has no place in a file of tensors.")

    def persistent_load(self, pid: object) -> _Storage:
        _, dtype, key, _, size, *_ = pid
        return _Storage(key, dtype, size)


def read_legacy_checkpoint(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a state dictionary by name, as little-endian arrays.

    The file is a sequence of pickles: a magic number, a protocol version, the machine's type sizes,
    the state dictionary with its storages by key, the list of keys; then for each key the number of
    entries as int64 and the entries. The unpickler runs no code from the file: any name but those
    of tensors and dictionaries is refused.

    Args:
      path: a `.pth` file written by PyTorch before 1.6, or later in its old format.

    Raises:
      ValueError: if the file is of another kind, names anything else, or is cut short.
    """
    path = pathlib.Path(path)
    with path.open("rb") as file:
        try:
            if _RestrictedUnpickler(file).load() != _MAGIC:
                raise ValueError("its magic number is missing.")
            for _ in range(2):
                _RestrictedUnpickler(file).load()
            tensors = _RestrictedUnpickler(file).load()
            keys = _RestrictedUnpickler(file).load()
            entries = _read_storages(file, tensors, keys)
        except (pickle.UnpicklingError, EOFError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} is no whole legacy checkpoint of tensors: {error}") from None
    return {name: _strided(tensor, entries) for name, tensor in tensors.items()}


def _read_storages(file: BinaryIO, tensors: dict[str, _Tensor], keys: list[str]):
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    entries = {}
    for key in keys:
        storage = storages[key]
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        dtype = np.dtype(storage.dtype)
        content = file.read(count * dtype.itemsize)
        if count != storage.size or len(content) != count * dtype.itemsize:
            raise ValueError("it is cut short.")
        entries[key] = np.frombuffer(content, dtype)
    return entries


def _strided(tensor, entries):
    array = entries[tensor.storage.key][tensor.offset :]
    steps = [stride * array.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(array, tensor.shape, steps, writeable=False)
    return np.ascontiguousarray(view)
