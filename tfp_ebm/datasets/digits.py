"""The handwritten digits of scikit-learn."""

import numpy as np

from tfp_ebm.datasets.dataset import Dataset

__all__ = ["load_digits"]

_ENDS = (1000, 1350)


def load_digits() -> Dataset:
    """Returns 1,797 images of 8x8 pixels in file order: 1000, 350 and 447, of 17 levels.

    Raises:
      ImportError: if scikit-learn is missing.
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError(
            'The digits come with scikit-learn: pip install "tfp-ebm[digits]"'
        ) from None
    data = datasets.load_digits()
    images = data.images.astype(np.uint8)[..., np.newaxis]
    return Dataset("digits", *np.split(images, _ENDS), *np.split(data.target, _ENDS), num_levels=17)
