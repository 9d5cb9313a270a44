"""Log partition functions: exact and estimated, always with their error."""

from tfp_ebm.partition.annealed_importance_sampling import annealed_importance_sampling
from tfp_ebm.partition.enumeration import enumerate_log_partition
from tfp_ebm.partition.log_partition import LogPartition, StoredLogPartition

__all__ = [
    "LogPartition",
    "StoredLogPartition",
    "annealed_importance_sampling",
    "enumerate_log_partition",
]
