import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import datasets
from tfp_ebm.datasets.memory import blocks, is_mapped


def stored(tmp_path, array):
    np.save(tmp_path / "array.npy", array)
    return np.load(tmp_path / "array.npy", mmap_mode="r")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64, ">f4"])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"horizontal_flips": True}], ids=str)
def test_batches_from_a_file_are_those_from_memory(tmp_path, dtype, options):
    array = np.random.default_rng(0).integers(0, 200, [23, 2, 3, 1]).astype(dtype)
    mapped = np.asarray(stored(tmp_path, array))[2:]
    native = array[2:].astype(array.dtype.newbyteorder("="))
    batches = [
        list(datasets.training_batches(x, 5, (0, 1), start=3, **options).take(7))
        for x in (native, mapped)
    ]
    for one, two in zip(*batches, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


def test_labels_go_along_and_shapes_are_known(tmp_path):
    array = stored(tmp_path, np.arange(12, dtype=np.int32).reshape(6, 2))
    batches = datasets.training_batches((array, np.arange(6)), 3, (0, 1))
    assert batches.element_spec[0] == tf.TensorSpec([3, 2], tf.int32)
    events, labels = next(iter(batches))
    np.testing.assert_array_equal(events[:, 0] // 2, labels)


def test_only_the_rows_of_a_batch_are_read(tmp_path, monkeypatch):
    read = []

    class Watched(np.memmap):
        def __getitem__(self, index):
            if isinstance(index, np.ndarray):
                read.append(index.size)
            return super().__getitem__(index)

        def __array__(self, *args, **kwargs):
            raise AssertionError("read whole")

    monkeypatch.setattr(tf, "constant", lambda part: pytest.fail("read whole"))
    np.arange(40, dtype=np.uint8).tofile(tmp_path / "bytes")
    array = Watched(tmp_path / "bytes", np.uint8, "r", shape=(20, 2))
    next(iter(datasets.training_batches(array, 4, (0, 1))))
    assert read and set(read) == {4} and len(read) <= 4  # The first, and some made ahead.


def test_views_of_files_are_known_as_such(tmp_path):
    mapped = stored(tmp_path, np.zeros([6, 2, 2], bool))
    assert is_mapped(mapped) and is_mapped(np.asarray(mapped[1:])[..., None].view(np.uint8))
    assert not is_mapped(mapped[[0, 1]]) and not is_mapped([0.0])


def test_blocks_cover_an_array(monkeypatch):
    monkeypatch.setattr("tfp_ebm.datasets.memory._BLOCK_BYTES", 50)
    array = np.arange(35).reshape(7, 5)
    pieces = list(blocks(array))
    assert [start for start, _ in pieces] == list(range(7))
    np.testing.assert_array_equal(np.concatenate([block for _, block in pieces]), array)
