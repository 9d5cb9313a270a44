"""Training by Keras `fit`."""

from tfp_ebm.training.callbacks import (
    BestWeights,
    ChainHealth,
    LogPartitionCallback,
    LowRankStart,
    MetricsFile,
    NonFiniteError,
    QualityCurves,
    SampleGrids,
    TensorBoard,
    TerminateOnNonFinite,
)
from tfp_ebm.training.conditional_likelihood_model import ConditionalLikelihoodModel
from tfp_ebm.training.diagnosis import first_nonfinite
from tfp_ebm.training.likelihood_model import LikelihoodModel, energy_based_parts
from tfp_ebm.training.parameter_groups import parameter_groups
from tfp_ebm.training.sampling import BatchSampler
from tfp_ebm.training.saving import Checkpoints, checkpoint
from tfp_ebm.training.schedules import WarmupDecay, learning_rate_schedule
from tfp_ebm.training.semi_supervised_model import SemiSupervisedModel
from tfp_ebm.training.strategies import is_chief, make_strategy
from tfp_ebm.training.trained_variables import require_all_trained

__all__ = [
    "BatchSampler",
    "BestWeights",
    "ChainHealth",
    "Checkpoints",
    "ConditionalLikelihoodModel",
    "LikelihoodModel",
    "LogPartitionCallback",
    "LowRankStart",
    "MetricsFile",
    "NonFiniteError",
    "QualityCurves",
    "SampleGrids",
    "SemiSupervisedModel",
    "TensorBoard",
    "TerminateOnNonFinite",
    "WarmupDecay",
    "checkpoint",
    "energy_based_parts",
    "first_nonfinite",
    "is_chief",
    "learning_rate_schedule",
    "make_strategy",
    "parameter_groups",
    "require_all_trained",
]
