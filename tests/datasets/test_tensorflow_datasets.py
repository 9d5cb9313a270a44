import logging
import os

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfp_ebm import datasets


@pytest.mark.parametrize(("name", "shape"), [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_tfds_by_its_own_stand_in(name, shape, tmp_path):
    with tfds.testing.mock_data(num_examples=60):
        data = datasets.load(name, str(tmp_path))
    assert data.image_shape == shape and data.num_levels == 256
    assert (len(data.train), len(data.validation)) == (50, 10)
    assert data.train.dtype == np.uint8 and data.train_labels.shape == (50,)


@pytest.mark.slow
@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="TFDS_DATA_DIR is not set")
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_real_data(name):
    folder = os.path.join(os.environ["TFDS_DATA_DIR"], name)
    if not os.path.isdir(folder):
        pytest.skip(f"{name} is not in TFDS_DATA_DIR")
    data = datasets.load(name)
    validation = 5_000 if name == "cifar10" else 10_000
    assert len(data.validation) == validation and len(data.test) == 10_000
    assert data.train.min() == 0 and data.train.max() == 255 and data.num_classes == 10


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (tfds.core.DatasetNotFoundError("No network.\nSome traceback."), "No network"),
        (ConnectionError("\nmnist.gz cannot be reached"), "mnist.gz cannot be reached"),
        (KeyError(), "KeyError"),
    ],
)
def test_images_that_are_nowhere_are_told_in_one_line(monkeypatch, tmp_path, error, reason):
    def builder(*args, **kwargs):
        raise error

    monkeypatch.setattr(tfds, "builder", builder)
    with pytest.raises(OSError) as caught:
        datasets.load("mnist", str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"mnist could not be read from {tmp_path} of TensorFlow Datasets")
    assert f"({reason}); give a folder" in message and "\n" not in message


def test_a_folder_that_is_not_there_is_not_made_for_a_download(monkeypatch, tmp_path):
    folder = tmp_path / "mistyped"
    with pytest.raises(OSError, match=r"`data_dir` must be a folder that exists, .*mistyped'"):
        datasets.load("mnist", str(folder))
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    with pytest.raises(OSError, match=r"TFDS_DATA_DIR must be a folder that exists, .*mistyped'"):
        datasets.load("cifar10")
    assert not folder.exists()


def test_without_a_network_downloads_end_soon_and_silently(monkeypatch, tmp_path, caplog):
    logger = logging.getLogger("urllib3.connectionpool")

    def builder(*args, **kwargs):
        for total in reversed(range(10)):
            broken = (
                f"Retry(total={total}, connect=None)",
                "NameResolutionError('...')",
                "/mnist.gz",
            )
            logger.warning("Retrying (%s) after connection broken by '%s': %s", *broken)

    monkeypatch.setattr(tfds, "builder", builder)
    with pytest.raises(OSError, match=r"nor downloaded \(no network: "):
        datasets.load("mnist", str(tmp_path))
    assert caplog.records == [] and logger.filters == []


def mock(name, folder, num_examples=30, **options):
    with tfds.testing.mock_data(num_examples=num_examples):
        return datasets.load(f"tfds:{name}", str(folder), **options)


def test_any_set_of_images_by_its_stand_in(tmp_path):
    data = mock("svhn_cropped", tmp_path)
    assert data.image_shape == (32, 32, 3) and data.num_levels == 256 and data.num_classes == 10
    assert [len(part) for part in (data.train, data.validation, data.test)] == [27, 3, 30]
    assert data.train_labels.dtype == np.int64 and data.label_names is None
    whole = mock("svhn_cropped", tmp_path, validation=1)
    np.testing.assert_array_equal(data.train, whole.train[:27])  # Validation is the last.
    np.testing.assert_array_equal(data.validation, [*whole.train[27:], *whole.validation])
    drawn = mock("svhn_cropped", tmp_path, split_seed=1)
    assert not np.array_equal(data.train, drawn.train)


def test_labels_by_name_and_their_names(tmp_path):
    data = mock("eurosat/rgb", tmp_path)
    assert data.label_names[0] == "AnnualCrop" and data.num_classes == 10
    coarse = mock("cifar100", tmp_path, label="coarse_label").train_labels
    assert coarse.max() < 20 <= mock("cifar100", tmp_path).train_labels.max()
    several = mock("smallnorb", tmp_path, 6)  # Two images and five labels; the set names one.
    assert several.image_shape == (96, 96, 1) and several.train_labels is not None
    with pytest.raises(ValueError, match=r"one of the labels of cifar100, .* got 'colour'"):
        mock("cifar100", tmp_path, label="colour")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("iris", "iris must have one feature of images, got features, label"),
        ("cats_vs_dogs", r"images of one size, got \(None, None, 3\)"),
    ],
)
def test_sets_of_something_else_are_refused_before_any_download(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(f"tfds:{name}", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_a_download_that_fails_leaves_no_folder(tmp_path, monkeypatch, error):
    kept = tmp_path / "downloads" / "other"
    kept.mkdir(parents=True)

    def fail(builder, **kwargs):
        (tmp_path / "svhn_cropped").mkdir()
        (tmp_path / "downloads" / "svhn_cropped" / "file.tmp").mkdir(parents=True)
        raise error

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(type(error)):
        datasets.load("tfds:svhn_cropped", str(tmp_path))
    assert list(tmp_path.rglob("*")) == [tmp_path / "downloads", kept]


def test_an_unknown_set_suggests_the_nearest(tmp_path):
    with pytest.raises(
        ValueError, match=r"no 'tfds:svhn_croped' .* Did you mean 'tfds:svhn_cropped'"
    ):
        datasets.load("tfds:svhn_croped", str(tmp_path))
    (tmp_path / "my_images").mkdir()  # Perhaps written by code that is not here.
    with pytest.raises(OSError, match="my_images could not be read from") as caught:
        datasets.load("tfds:my_images", str(tmp_path))
    assert "\n" not in str(caught.value)
