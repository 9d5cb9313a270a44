"""Training by Keras `fit`."""

from tfp_ebm.training import checkpoint
from tfp_ebm.training.callbacks import BestWeights, LogPartitionCallback, MetricsFile
from tfp_ebm.training.checkpoints import Checkpoints
from tfp_ebm.training.likelihood_model import LikelihoodModel, energy_based_parts
from tfp_ebm.training.quality_curves import QualityCurves
from tfp_ebm.training.sampling import BatchSampler

__all__ = [
    "BatchSampler",
    "BestWeights",
    "Checkpoints",
    "LikelihoodModel",
    "LogPartitionCallback",
    "MetricsFile",
    "QualityCurves",
    "checkpoint",
    "energy_based_parts",
]
