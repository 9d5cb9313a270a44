"""Log partition functions: exact and estimated, always with their error."""

from tfp_ebm.internal.importance import disagree
from tfp_ebm.partition.annealed_importance_sampling import (
    annealed_importance_sampling,
    reverse_annealing,
)
from tfp_ebm.partition.bidirectional_annealing import bidirectional_annealing
from tfp_ebm.partition.bounds import LogProbBounds, log_prob_bounds
from tfp_ebm.partition.enumeration import enumerate_log_partition
from tfp_ebm.partition.log_partition import (
    LogPartition,
    StoredLogPartition,
    combine_over_replicas,
)
from tfp_ebm.partition.negative_phase import NegativePhase
from tfp_ebm.partition.schedules import inverse_temperatures

__all__ = [
    "LogPartition",
    "LogProbBounds",
    "NegativePhase",
    "StoredLogPartition",
    "annealed_importance_sampling",
    "bidirectional_annealing",
    "combine_over_replicas",
    "disagree",
    "enumerate_log_partition",
    "inverse_temperatures",
    "log_prob_bounds",
    "reverse_annealing",
]
