"""Data sets of images by name, in fixed parts."""

from tfp_ebm.datasets.image_dataset import ImageDataset
from tfp_ebm.datasets.registry import load, names

__all__ = ["ImageDataset", "load", "names"]
