"""Metrics: bits per dimension, Frechet and kernel distances, Inception score, as records."""

from tfp_ebm.metrics.bits_per_dimension import BitsPerDimension, bits_per_dimension
from tfp_ebm.metrics.features import (
    FeatureNetwork,
    as_network,
    efficientnet_lite0,
    inception_v3,
    load_classifier,
    train_classifier,
)
from tfp_ebm.metrics.frechet import FrechetDistance, frechet_distance
from tfp_ebm.metrics.inception_score import InceptionScore, inception_score
from tfp_ebm.metrics.kernel import KernelDistance, kernel_distance
from tfp_ebm.metrics.likelihood import LikelihoodRecord, likelihood_record
from tfp_ebm.metrics.linear_probe import ProbeAccuracy, linear_probe
from tfp_ebm.metrics.record import Record, difference
from tfp_ebm.metrics.sample_quality import SampleQuality

__all__ = [
    "BitsPerDimension",
    "FeatureNetwork",
    "FrechetDistance",
    "InceptionScore",
    "KernelDistance",
    "LikelihoodRecord",
    "ProbeAccuracy",
    "Record",
    "SampleQuality",
    "as_network",
    "bits_per_dimension",
    "difference",
    "efficientnet_lite0",
    "frechet_distance",
    "inception_score",
    "inception_v3",
    "kernel_distance",
    "likelihood_record",
    "linear_probe",
    "load_classifier",
    "train_classifier",
]
