import collections
import pickle
import sys
import types

import numpy as np
import pytest

from tfp_ebm.metrics.features.legacy_checkpoint import read_legacy_checkpoint

MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    """What a PyTorch tensor keeps its entries in."""

    def __init__(self, kind, key, entries):
        self.kind, self.key, self.entries = kind, key, entries


class Tensor:
    """A view of a storage, pickled as PyTorch does it."""

    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            kind = getattr(sys.modules["torch"], obj.kind)
            return ("storage", kind, obj.key, "cpu", len(obj.entries), None)
        return None


@pytest.fixture
def write(monkeypatch, tmp_path):
    """Returns a function that writes a checkpoint as PyTorch before 1.6 did."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "DoubleStorage", "LongStorage", "IntStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def rebuild(*arguments):
        raise NotImplementedError

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = torch._utils = rebuild
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def function(tensors, storages, cut=0, count=None):
        path = tmp_path / "weights.pth"
        with path.open("wb") as file:
            for part in (MAGIC, 1001, {"little_endian": True}):
                pickle.dump(part, file, 2)
            Pickler(file, 2).dump(collections.OrderedDict(tensors))
            pickle.dump([storage.key for storage in storages], file, 2)
            for storage in storages:
                file.write(np.int64(count or len(storage.entries)).tobytes())
                file.write(storage.entries.tobytes())
        path.write_bytes(path.read_bytes()[: -cut or None])
        return path

    return function


STORAGES = [
    Storage("FloatStorage", "7", np.arange(12, dtype="<f4")),
    Storage("LongStorage", "3", np.array([5, -6], "<i8")),
    Storage("DoubleStorage", "5", np.array([0.5], "<f8")),
    Storage("IntStorage", "9", np.array([4], "<i4")),
]


def test_tensors_are_views_of_their_storages(write):
    floats, longs, doubles, integers = STORAGES
    tensors = {
        "whole": Tensor(floats, 0, (3, 4), (4, 1)),
        "turned": Tensor(floats, 0, (4, 3), (1, 4)),
        "part": Tensor(floats, 5, (2, 2), (4, 2)),
        "longs": Tensor(longs, 0, (2,), (1,)),
        "scalar": Tensor(doubles, 0, (), ()),
        "int": Tensor(integers, 0, (1,), (1,)),
    }
    found = read_legacy_checkpoint(write(tensors, STORAGES))
    grid = np.arange(12.0).reshape(3, 4)
    expected = {"whole": grid, "turned": grid.T, "part": [[5, 7], [9, 11]], "longs": [5, -6]}
    expected |= {"scalar": 0.5, "int": [4]}
    assert list(found) == list(tensors)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    kinds = {name: array.dtype.str for name, array in found.items()}
    assert kinds == {**dict.fromkeys(("whole", "turned", "part"), "<f4"), "longs": "<i8",
                     "scalar": "<f8", "int": "<i4"}  # fmt: skip
    assert found["turned"].flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("options", [{"cut": 1}, {"cut": 5}, {"count": 11}, {"count": 13}])
def test_files_that_are_cut_short_are_refused(write, options):
    path = write({"x": Tensor(STORAGES[0], 0, (12,), (1,))}, STORAGES[:1], **options)
    with pytest.raises(ValueError, match="is no whole legacy checkpoint"):
        read_legacy_checkpoint(path)


class Dangerous:
    def __reduce__(self):
        return (print, ("code from the file ran",))


@pytest.mark.parametrize(
    "content",
    [
        b"no pickle",
        pickle.dumps(7, 2),
        pickle.dumps(MAGIC, 2),
        pickle.dumps(MAGIC, 2) + 2 * pickle.dumps({}, 2) + pickle.dumps({"a": Dangerous()}, 2),
    ],
)
def test_other_files_are_refused_and_run_no_code(content, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pth is no whole legacy checkpoint"):
        read_legacy_checkpoint(path)
    assert capsys.readouterr().out == ""
