import re

import numpy as np
import pytest

from tfp_ebm import datasets
from tfp_ebm.datasets.memory import is_mapped

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, [20, 5, 3], dtype=np.uint8)
IMAGES[0, 0, 0] = 255


def npy(folder, array):
    np.save(folder / "array.npy", array)
    return folder / "array.npy"


def npz(folder, **arrays):
    np.savez(folder / "arrays.npz", **arrays)
    return folder / "arrays.npz"


def everything(data):
    return np.concatenate([data.train, data.validation, data.test])


@pytest.mark.parametrize(
    ("array", "num_levels", "dtype"),
    [
        (IMAGES, 256, np.uint8),
        (IMAGES > 99, 2, np.uint8),
        (IMAGES.astype(np.uint16) * 200, 65536, np.uint16),
        (IMAGES.astype(">u2"), 65536, np.uint16),
        (np.stack(3 * [IMAGES], axis=-1), 256, np.uint8),
    ],
    ids=["bytes", "bits", "words", "big-endian", "colours"],
)
def test_images_of_levels_by_their_type(tmp_path, array, num_levels, dtype):
    data = datasets.load(npy(tmp_path, array), shuffle=False)
    expected = array.reshape(20, 5, 3, -1)
    assert data.num_levels == num_levels and data.train.dtype == dtype
    assert data.image_shape == expected.shape[1:] and len(data.train) == 16
    np.testing.assert_array_equal(everything(data), expected)
    assert data.train_labels is None and data.num_classes is None and data.columns is None


def test_other_integers_have_the_greatest_plus_1_and_say_so(tmp_path):
    path = npy(tmp_path, IMAGES.astype(np.int64) + 300)
    with pytest.warns(
        UserWarning, match=r"from \d+ to 555, so that `num_levels` is taken to be 556"
    ):
        data = datasets.load(path)
    assert data.num_levels == 556 and "556" in data.notes[0] and data.train.max() < 556
    assert datasets.load(path, num_levels=600).num_levels == 600
    with pytest.raises(ValueError, match=r"levels from 0 to 554, .* got 555 at"):
        datasets.load(path, num_levels=555)
    with pytest.raises(ValueError, match=r"levels from 0 to 499, .* got \d+ at \[\d+, \d, \d, 0\]"):
        datasets.load(path, num_levels=500)


def test_an_unused_range_is_noted(tmp_path):
    data = datasets.load(npy(tmp_path, IMAGES // 16))
    assert data.num_levels == 256 and "the greatest level is 15" in data.describe()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_levels", [2, 17, 256, 65536])
def test_scaled_images_become_their_levels_again(tmp_path, dtype, num_levels):
    levels = RNG.integers(0, num_levels, [20, 5, 3])
    path = npy(tmp_path, (levels / (num_levels - 1)).astype(dtype))
    data = datasets.load(path, num_levels=num_levels, shuffle=False)
    np.testing.assert_array_equal(everything(data)[..., 0], levels)
    assert data.train.dtype == (np.uint8 if num_levels <= 256 else np.uint16)


@pytest.mark.parametrize("odd", [0.5, -1 / 255, 256 / 255, np.nan, np.inf])
def test_scaled_images_that_are_no_levels_are_named(tmp_path, odd):
    images = IMAGES / 255
    images[7, 2, 1] = odd
    with pytest.raises(ValueError, match=rf"got {odd}.* at \[7, 2, 1, 0\] of the train part"):
        datasets.load(npy(tmp_path, images), num_levels=256)


def test_vectors_are_reals_or_levels(tmp_path):
    reals = RNG.normal(size=[20, 4])
    data = datasets.load(npy(tmp_path, reals), shuffle=False)
    np.testing.assert_array_equal(everything(data), reals)
    assert data.num_levels is None and data.event_shape == (4,) and data.image_shape is None
    data = datasets.load(npy(tmp_path, IMAGES[:, 0]))
    assert data.num_levels == 256 and data.event_shape == (3,)
    assert datasets.load(npy(tmp_path, reals.astype(np.float16))).train.dtype == np.float32


def test_reals_that_are_rounded_are_warned_of(tmp_path):
    reals = RNG.normal(size=[50, 3])
    reals[:, 1] = np.round(reals[:, 1], 1)
    with pytest.warns(UserWarning, match="column 1 are multiples of a step"):
        datasets.load(npy(tmp_path, reals))


def test_arrays_stay_in_their_file_in_order_or_given_whole(tmp_path):
    path = npy(tmp_path, IMAGES)
    np.save(tmp_path / "test.npy", IMAGES[:6])
    np.save(tmp_path / "val.npy", IMAGES[6:9])
    for options in (
        {"shuffle": False},
        {"validation": tmp_path / "val.npy", "test": str(tmp_path / "test.npy")},
    ):
        data = datasets.load(path, **options)
        assert all(is_mapped(part) for part in (data.train, data.validation, data.test))
    np.testing.assert_array_equal(data.train[..., 0], IMAGES)
    assert (len(data.validation), len(data.test)) == (3, 6)
    assert not is_mapped(datasets.load(path).train)


def test_wide_integers_stay_in_their_file_too_and_are_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("tfp_ebm.datasets.memory._BLOCK_BYTES", 1000)
    images = np.sort(IMAGES.astype(np.int64), axis=0)[::-1]  # The greatest is in the first piece.
    with pytest.warns(UserWarning, match="taken to be 256"):
        data = datasets.load(npy(tmp_path, images), shuffle=False)
    assert is_mapped(data.train) and data.train.dtype == np.int64


def test_a_large_file_is_not_copied_unasked(tmp_path, monkeypatch):
    path = npy(tmp_path, IMAGES)
    monkeypatch.setattr("tfp_ebm.datasets.array_files._MAX_COPIED", 100)
    with pytest.raises(ValueError, match="would copy into memory; give `shuffle=False`"):
        datasets.load(path)
    assert len(datasets.load(path, shuffle=False).train) == 16


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test", "train_labels", "validation_labels", "test_labels"),
        ("x_train", "x_val", "x_test", "y_train", "y_val", "y_test"),
        ("train_images", "val_images", "test_images", "train_labels", "val_labels", "test_labels"),
    ],
)
def test_parts_of_an_archive_by_their_names(tmp_path, names):
    parts = np.split(IMAGES, [9, 14])
    classes = np.split(np.arange(20)[:, np.newaxis] % 5, [9, 14])
    data = datasets.load(npz(tmp_path, **dict(zip(names, parts + classes, strict=True))))
    np.testing.assert_array_equal(data.train[..., 0], parts[0])
    np.testing.assert_array_equal(data.test[..., 0], parts[2])
    np.testing.assert_array_equal(data.validation_labels, classes[1][:, 0])
    assert data.num_classes == 5 and data.test_labels.dtype == np.int64


def test_names_that_are_numbers_go_by_their_value(tmp_path):
    data = datasets.load(npz(tmp_path, x=IMAGES, y=np.where(np.arange(20) % 2, "10", "9")))
    assert data.label_names == ("9", "10")


def test_one_array_with_labels_by_name(tmp_path):
    names = np.where(IMAGES[:, 0, 0] > 99, "high", "a low one")
    data = datasets.load(npz(tmp_path, pictures=IMAGES, labels=names), split_seed=5)
    assert data.label_names == ("a low one", "high") and data.num_classes == 2
    np.testing.assert_array_equal(data.train_labels, data.train[:, 0, 0, 0] > 99)
    kinds = datasets.load(npz(tmp_path, x=IMAGES, kind=IMAGES[:, 0, 0] % 3), label="kind")
    np.testing.assert_array_equal(kinds.test_labels, kinds.test[:, 0, 0, 0] % 3)


def test_training_and_test_alone_give_a_tenth_for_validation(tmp_path):
    data = datasets.load(npz(tmp_path, x_train=IMAGES, x_test=IMAGES[:4]))
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 4)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (RNG.random([9, 3, 8, 8]), r"channels last, got shape \(9, 3, 8, 8\).*np.moveaxis"),
        (np.zeros([9, 1, 28, 28], np.uint8), "channels last"),
        (RNG.random([9, 8, 8]), "images as levels, got float64; give `num_levels`"),
        (np.arange(9.0), r"shape \(9,\).*reshape\(-1, 1\)"),
        (np.zeros([9, 2, 2, 2, 2]), r"got shape \(9, 2, 2, 2, 2\)"),
        (np.array([["a", "b"]] * 9), "integers or floating-point numbers, got <U1"),
        (np.ones([9, 2], complex), "got complex128"),
        (np.array([["a", 1]] * 9, object), "Python objects or another format"),
        (np.array([[1.0, 2], [np.nan, 3], [4, 5]]), r"finite, got nan at \[1, 0\] of the train"),
        (np.array([[1.0, 2], [1, 3], [1, 5]]), r"vary, got 1 in every row of column 0"),
        (np.array([[1, 2], [-3, 3], [1, 5]]), r"levels from 0, got -3 at \[1, 0\]"),
        (np.full([9, 2], 2**40), r"at most 2\^23 = 8388608 levels, .* got 1099511627777"),
        (np.zeros([1, 4, 4], np.uint8), "at least 3 events"),
        (np.zeros([0, 4, 4], np.uint8), "at least one event"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.dtype}{list(value.shape)}",
)
def test_arrays_that_are_no_events(tmp_path, array, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(npy(tmp_path, array))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": IMAGES, "b": IMAGES}, "must hold train, .* got a, b"),
        ({"test": IMAGES}, "must hold train, .* got test"),
        ({"train": IMAGES, "other": IMAGES}, "got train, other"),
        ({"train": IMAGES, "x_train": IMAGES}, "one array of a kind for train, got also 'x_train'"),
        (
            {"train": IMAGES, "test": IMAGES[:, 1:]},
            r"got \(5, 3, 1\) .* \(4, 3, 1\) of uint8 in test",
        ),
        ({"train": IMAGES, "test": IMAGES / 255}, "uint8 in train and .*float64 in test"),
        ({"x": IMAGES, "y": np.arange(19)}, r"shape \(20,\), one for each event, got \(19,\)"),
        ({"x": IMAGES, "y": np.eye(20, dtype=int)}, "np.argmax"),
        ({"x": IMAGES, "y": np.linspace(0, 1, 20)}, "must be integers, .* got float64"),
        ({"x": IMAGES, "y": np.arange(-1, 19)}, "classes from 0, got -1 for event 0"),
        ({"train": IMAGES, "test": IMAGES, "y_train": np.arange(20)}, "labels for train"),
        ({"x": np.array([None, 1])}, "Python objects"),
    ],
)
def test_archives_that_are_no_data(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(npz(tmp_path, **arrays))


@pytest.mark.parametrize("name", ["broken.npz", "broken.npy", "cut.npz", "cut.npy"])
def test_damaged_files(tmp_path, name):
    path = tmp_path / name
    content = b"no array" * 9
    if name.startswith("cut"):
        made = npz(tmp_path, x=IMAGES) if name.endswith("npz") else npy(tmp_path, IMAGES)
        content = made.read_bytes()[:200]
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=f"{re.escape(str(path))} could not be read as a NumPy file"
    ):
        datasets.load(path)


def test_options_that_do_not_apply(tmp_path):
    path = npy(tmp_path, IMAGES)
    with pytest.raises(ValueError, match="does not take `columns`"):
        datasets.load(path, columns={"a": "integer"})
    with pytest.raises(ValueError, match="`label` must be left out"):
        datasets.load(path, label="y")
    with pytest.raises(ValueError, match="`num_levels` must be an integer of at least 2"):
        datasets.load(path, num_levels=1)
    with pytest.raises(ValueError, match=r"`test` must be a \.npy file"):
        datasets.load(path, test="other.npz")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        datasets.load(path, test=str(tmp_path / "nowhere.npy"))
    with pytest.raises(ValueError, match="`split_seed` must be left out with `shuffle=False`"):
        datasets.load(path, split_seed=1, shuffle=False)
