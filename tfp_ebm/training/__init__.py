"""Training by Keras `fit`."""

from tfp_ebm.training import checkpoint
from tfp_ebm.training.callbacks import BestWeights, LogPartitionCallback, MetricsFile
from tfp_ebm.training.checkpoints import Checkpoints
from tfp_ebm.training.likelihood_model import LikelihoodModel, energy_based_parts

__all__ = [
    "BestWeights",
    "Checkpoints",
    "LikelihoodModel",
    "LogPartitionCallback",
    "MetricsFile",
    "checkpoint",
    "energy_based_parts",
]
