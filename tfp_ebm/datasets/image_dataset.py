"""What a data set of images is here."""

from typing import NamedTuple

import numpy as np

__all__ = ["ImageDataset"]


class ImageDataset(NamedTuple):
    """Images in memory, as integers, in three fixed parts.

    Attributes:
      name: name in the registry.
      train: `[N, H, W, C]` uint8.
      validation: `[N, H, W, C]` uint8, for early stopping and choices.
      test: `[N, H, W, C]` uint8, for reported figures only.
      train_labels: `[N]` class of each image.
      validation_labels: `[N]`.
      test_labels: `[N]`.
      num_levels: pixels are 0 ... num_levels - 1.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    validation_labels: np.ndarray
    test_labels: np.ndarray
    num_levels: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, C)`."""
        return tuple(self.train.shape[1:])

    @property
    def num_classes(self) -> int:
        """Number of classes among the training labels."""
        return int(self.train_labels.max()) + 1
