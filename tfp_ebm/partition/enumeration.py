"""The exact log partition function of machines with a small layer."""

import tensorflow as tf

from tfp_ebm.internal import states
from tfp_ebm.internal.protocols import AnnealedBase
from tfp_ebm.partition.log_partition import LogPartition

__all__ = ["MAX_ENUMERATED_UNITS", "enumerate_log_partition"]

MAX_ENUMERATED_UNITS = 25


def enumerate_log_partition(base: AnnealedBase) -> LogPartition:
    """Returns the exact log partition function, by a sum over all states of the smaller layer.

    `log Z = log sum_s prod_j 2 cosh(...)`: the larger layer is summed in closed form, so the cost
    is `2^n (n + m)` for layers of `n <= m` units.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> bool(abs(partition.enumerate_log_partition(base).value - base.log_partition()) < 1e-5)
    True

    Args:
      base: an energy-based distribution, such as `tfp_ebm.distributions.SmoothedRBM`.

    Returns:
      A `LogPartition` without error, in nats.

    Raises:
      TypeError: if `base` has no machine.
      ValueError: if the smaller layer has more than 25 units.
    """
    states.check_base(base)
    machine = base.machine()
    if machine.num_enumerated > MAX_ENUMERATED_UNITS:
        raise ValueError(
            f"Enumeration needs a layer of at most {MAX_ENUMERATED_UNITS} units, the smaller one "
            f"of `{base.name}` has {machine.num_enumerated}; use "
            "`annealed_importance_sampling` instead."
        )
    return LogPartition.exact(_enumerate(machine) + base.log_partition_offset())


@tf.function(autograph=False)
def _enumerate(machine):
    return machine.enumerate_log_partition()
