import os

import numpy as np
import pytest
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
    tfds = pytest.importorskip("tensorflow_datasets")
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


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"'digit'.*Did you mean 'digits'"):
        datasets.load("digit")
