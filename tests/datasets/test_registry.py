import logging
import os

import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

from tfp_ebm import datasets


def test_digits_in_file_order():
    data = datasets.load("digits")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [1000, 350, 447]
    assert data.image_shape == (8, 8, 1) and data.num_levels == 17 and data.num_classes == 10
    assert data.train.dtype == np.uint8 and data.train.max() == 16
    everything = np.concatenate([data.train, data.validation, data.test])[..., 0]
    np.testing.assert_array_equal(everything, load_digits().images)
    labels = [data.train_labels, data.validation_labels, data.test_labels]
    np.testing.assert_array_equal(np.concatenate(labels), load_digits().target)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape"),
    [("mnist", (28, 28, 1)), ("fashion_mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))],
)
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
    def load(*args, **kwargs):
        raise error

    monkeypatch.setattr(tfds, "load", load)
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

    def load(*args, **kwargs):
        for total in reversed(range(10)):
            broken = (
                f"Retry(total={total}, connect=None)",
                "NameResolutionError('...')",
                "/mnist.gz",
            )
            logger.warning("Retrying (%s) after connection broken by '%s': %s", *broken)

    monkeypatch.setattr(tfds, "load", load)
    with pytest.raises(OSError, match=r"nor downloaded \(no network: "):
        datasets.load("mnist", str(tmp_path))
    assert caplog.records == [] and logger.filters == []


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"'digit'.*Did you mean 'digits'"):
        datasets.load("digit")
