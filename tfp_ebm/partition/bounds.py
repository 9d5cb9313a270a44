"""Log-likelihoods bracketed from both sides."""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal import states
from tfp_ebm.internal.protocols import AnnealedBase
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Schedule, Seed, TensorLike
from tfp_ebm.partition.annealed_importance_sampling import (
    annealed_importance_sampling,
    reverse_annealing,
)
from tfp_ebm.partition.log_partition import LogPartition

__all__ = ["LogProbBounds", "log_prob_bounds"]


class LogProbBounds(NamedTuple):
    """Two estimates of log-likelihoods, in nats, that bracket them on average.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> z = base.sample(4, seed=(0, 1))
    >>> partition.log_prob_bounds(base, z, 16, 4, num_steps=10, seed=(0, 2)).lower.shape
    TensorShape([4])

    Attributes:
      lower: `[...]`, from reverse annealing: a lower bound on average over samples of the model. Of
        single points, of data above all, it may lie above the truth more often than below.
      upper: `[...]`, from annealed importance sampling: in expectation an upper bound for every
        point.
      forward: the record behind `upper`.
      reverse: the record behind `lower`, a value for each point.
    """

    lower: tf.Tensor
    upper: tf.Tensor
    forward: LogPartition
    reverse: LogPartition


def log_prob_bounds(
    base: AnnealedBase,
    value: TensorLike,
    num_chains: int = 256,
    num_reverse_chains: int = 16,
    num_steps: int = 1000,
    schedule: Schedule = "linear",
    seed: Seed = None,
) -> LogProbBounds:
    """Brackets `base.log_prob(value)` between two annealed estimates, in nats.

    Over samples of the model either side is a bound in expectation, and the gap shrinks as the
    number of steps grows. For a single point that is no sample of the model, reverse annealing
    bounds nothing: its chains start where the model may have no mass. Values fluctuate by the
    records' standard errors, that of `reverse` being unknown, NaN, with one reverse chain. Whether
    annealing found all of the mass is told by `bidirectional_annealing`.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> z = base.sample(4, seed=(0, 1))
    >>> bounds = partition.log_prob_bounds(base, z, 16, 4, num_steps=10, seed=(0, 2))
    >>> bool(tf.reduce_all(bounds.lower <= bounds.upper + 1e-3))
    True

    Args:
      base: an energy-based distribution.
      value: `[..., *event_shape]`, the points; lists and arrays are cast to the base's dtype.
      num_chains: number of forward chains.
      num_reverse_chains: number of reverse chains at every point.
      num_steps: number of temperatures.
      schedule: see `annealed_importance_sampling`.
      seed: seed; a pair of integers repeats exactly.

    Returns:
      A `LogProbBounds`.

    Raises:
      TypeError: if `base` has no machine.
      ValueError: if another argument does not fit.
    """
    value = states.points(value, base)
    forward_seed, reverse_seed = samplers.split_seed(seed, n=2, salt="log_prob_bounds")
    forward = annealed_importance_sampling(base, num_chains, num_steps, schedule, forward_seed)
    reverse = reverse_annealing(base, value, num_reverse_chains, num_steps, schedule, reverse_seed)
    unnormalized = base.unnormalized_log_prob(value)
    return LogProbBounds(
        unnormalized - reverse.value, unnormalized - forward.value, forward, reverse
    )
