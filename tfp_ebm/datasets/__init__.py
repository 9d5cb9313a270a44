"""Data sets of images by name, in fixed parts, and densities over the plane."""

from tfp_ebm.datasets.batches import num_batches, training_batches
from tfp_ebm.datasets.densities import Density2D, density_2d, density_names
from tfp_ebm.datasets.image_dataset import ImageDataset
from tfp_ebm.datasets.registry import descriptions, load, names

__all__ = [
    "Density2D",
    "ImageDataset",
    "density_2d",
    "density_names",
    "descriptions",
    "load",
    "names",
    "num_batches",
    "training_batches",
]
