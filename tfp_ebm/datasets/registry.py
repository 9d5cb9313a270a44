"""The data sets by name."""

import logging
import os
import re

import numpy as np

from tfp_ebm.datasets.densities import Density2D, density_2d, density_names
from tfp_ebm.datasets.image_dataset import ImageDataset
from tfp_ebm.internal import checks

__all__ = ["descriptions", "load", "names"]

# Images of the training part of TensorFlow Datasets that are kept for validation, its last ones.
_NUM_VALIDATION = {"mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 5_000}


_DESCRIPTIONS = {
    "digits": "handwritten digits, 8x8x1, 1000 + 350 + 447 images, 17 levels, in scikit-learn",
    "mnist": "handwritten digits, 28x28x1, 50000 + 10000 + 10000 images, 256 levels",
    "fashion_mnist": "garments, 28x28x1, 50000 + 10000 + 10000 images, 256 levels",
    "cifar10": "colour photographs, 32x32x3, 45000 + 5000 + 10000 images, 256 levels",
}


def names() -> tuple[str, ...]:
    """Returns the names of images that `load` knows; `density_names` has the others."""
    return tuple(sorted(["digits", *_NUM_VALIDATION]))


def descriptions() -> dict[str, str]:
    """Returns what each data set is, by name: shape, numbers of images, levels."""
    return {name: _DESCRIPTIONS[name] for name in names()}


def load(name: str, data_dir: str | None = None) -> ImageDataset | Density2D:
    """Returns a data set of images as unsigned bytes, in fixed parts, or a density over the plane.

    | name | images | train / validation / test | levels |
    |---|---|---|---|
    | digits | 8x8x1 | 1000 / 350 / 447, in file order | 17 |
    | mnist | 28x28x1 | 50000 / 10000 / 10000 | 256 |
    | fashion_mnist | 28x28x1 | 50000 / 10000 / 10000 | 256 |
    | cifar10 | 32x32x3 | 45000 / 5000 / 10000 | 256 |

    `digits` comes with scikit-learn, the others through TensorFlow Datasets, which downloads them
    once. Their validation part is the last of their training images, in the file's order.

    Args:
      name: one of `names()`, or of `density_names()`.
      data_dir: folder of TensorFlow Datasets; by default `TFDS_DATA_DIR`, or its own default.

    Returns:
      An `ImageDataset`, or a `Density2D`.

    Raises:
      ValueError: if no data set has this name; the nearest one is suggested.
      ImportError: if scikit-learn is needed and missing.
      OSError: if TensorFlow Datasets has the images neither in its folder nor to download.
    """
    checks.choice("name", name, (*names(), *density_names()))
    if name in density_names():
        return density_2d(name)
    return _load_digits() if name == "digits" else _load_from_tfds(name, data_dir)


def _load_digits():
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError(
            'The digits come with scikit-learn: pip install "tfp-ebm[digits]"'
        ) from None
    data = load_digits()
    images = data.images.astype(np.uint8)[..., np.newaxis]
    ends = (1000, 1350)
    return ImageDataset(
        "digits", *np.split(images, ends), *np.split(data.target, ends), num_levels=17
    )


def _load_from_tfds(name, data_dir):
    import tensorflow_datasets as tfds

    tfds.display_progress_bar(False)
    folder = data_dir or os.environ.get("TFDS_DATA_DIR")
    if folder and "://" not in folder and not os.path.isdir(os.path.expanduser(folder)):
        source = "`data_dir`" if data_dir else "TFDS_DATA_DIR"
        raise OSError(
            f"{source} must be a folder that exists, of TensorFlow Datasets, got {folder!r}; give "
            f"the one that holds {name}, or make it for a download."
        )
    retries = logging.getLogger("urllib3.connectionpool")
    retries.addFilter(_about_retries)
    try:
        parts = tfds.load(name, split=["train", "test"], data_dir=data_dir, as_supervised=True)
        (images, labels), (test_images, test_labels) = map(_arrays, parts)
    except Exception as error:  # Of many kinds: of files, of networks, of its own.
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise OSError(
            f"{name} could not be read from {folder or 'the default folder'} of TensorFlow "
            f"Datasets, nor downloaded ({reason.rstrip('.')}); give a folder that holds it as "
            "`data_dir`, or in TFDS_DATA_DIR."
        ) from error
    finally:
        retries.removeFilter(_about_retries)
    # A stand-in data set, as in the tests of TensorFlow Datasets, may hold fewer images.
    end = len(images) - min(_NUM_VALIDATION[name], len(images) // 6)
    return ImageDataset(
        name,
        images[:end],
        images[end:],
        test_images,
        labels[:end],
        labels[end:],
        test_labels,
        num_levels=256,
    )


def _about_retries(record):
    """Keeps retries of downloads away from the terminal; ends those of hosts without an address.

    A filter of a logger, which may raise. TensorFlow Datasets would go on for minutes.
    """
    if re.search(r"total=[0-7],.*NameResolutionError", record.getMessage()):
        raise ConnectionError("no network: the host of the data set has no address")
    return False


def _arrays(dataset):
    batches = dataset.batch(4096).as_numpy_iterator()
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
