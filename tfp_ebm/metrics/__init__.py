"""Metrics: bits per dimension, Frechet and kernel distances, Inception score."""

from tfp_ebm.metrics.bits_per_dimension import BitsPerDimension, bits_per_dimension
from tfp_ebm.metrics.features import extract, inception_v3
from tfp_ebm.metrics.frechet import FrechetDistance, frechet_distance
from tfp_ebm.metrics.inception_score import InceptionScore, inception_score
from tfp_ebm.metrics.kernel import KernelDistance, kernel_distance

__all__ = [
    "BitsPerDimension",
    "FrechetDistance",
    "InceptionScore",
    "KernelDistance",
    "bits_per_dimension",
    "extract",
    "frechet_distance",
    "inception_score",
    "inception_v3",
    "kernel_distance",
]
