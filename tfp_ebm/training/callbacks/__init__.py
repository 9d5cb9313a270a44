"""Keras callbacks that start and watch training, and keep what it reaches."""

from tfp_ebm.training.callbacks.best_weights import BestWeights
from tfp_ebm.training.callbacks.log_partition_callback import LogPartitionCallback
from tfp_ebm.training.callbacks.low_rank_start import LowRankStart
from tfp_ebm.training.callbacks.metrics_file import MetricsFile
from tfp_ebm.training.callbacks.monitors import (
    ChainHealth,
    NonFiniteError,
    SampleGrids,
    TensorBoard,
    TerminateOnNonFinite,
)
from tfp_ebm.training.callbacks.quality_curves import QualityCurves

__all__ = [
    "BestWeights",
    "ChainHealth",
    "LogPartitionCallback",
    "LowRankStart",
    "MetricsFile",
    "NonFiniteError",
    "QualityCurves",
    "SampleGrids",
    "TensorBoard",
    "TerminateOnNonFinite",
]
