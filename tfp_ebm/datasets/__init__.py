"""Data sets by name, file or folder, in fixed parts, and densities over the plane."""

from tfp_ebm.datasets.batches import num_batches, training_batches
from tfp_ebm.datasets.clusters import Clusters, clusters, on_circle
from tfp_ebm.datasets.columns import Column
from tfp_ebm.datasets.condition_vectors import condition_vectors
from tfp_ebm.datasets.dataset import Dataset, ImageDataset
from tfp_ebm.datasets.densities import Density2D, density_2d, density_names
from tfp_ebm.datasets.registry import descriptions, known_sizes, load, names
from tfp_ebm.datasets.rows import write_table

__all__ = [
    "Clusters",
    "Column",
    "Dataset",
    "Density2D",
    "ImageDataset",
    "clusters",
    "condition_vectors",
    "density_2d",
    "density_names",
    "descriptions",
    "known_sizes",
    "load",
    "names",
    "num_batches",
    "on_circle",
    "training_batches",
    "write_table",
]
