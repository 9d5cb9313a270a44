"""Where weighted chains start: at the independent reference, led to the machine if it is far."""

import tensorflow as tf

from tfp_ebm.internal.importance import effective_share, log_mean_exp, resample_where_poor
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter

__all__ = ["LEAST_SHARE", "first_chains"]

# Chains are drawn again when their weights are worth fewer than this share of them.
LEAST_SHARE = 0.5
_NUM_STEPS = 100


def first_chains(
    machine: AnnealedMachine, num_chains: int, seed: Seed
) -> tuple[tf.Tensor, tf.Tensor, LogPartitionFilter]:
    """Returns chains at the reference, their weights for the machine, and what they know of log Z.

    Where most of these weights would be worth nothing, the chains are annealed in a hundred steps
    and drawn again on the way: a sequential Monte Carlo sampler.

    Args:
      machine: the machine.
      num_chains: number of chains.
      seed: seed; a pair of integers repeats exactly.

    Returns:
      States `[num_chains, *B, n]`, float64 log weights `[num_chains, *B]`, and log Z.
    """
    start_seed, seed = samplers.split_seed(seed, n=2, salt="first_chains")
    units = machine.sample_reference(num_chains, start_seed)
    zero, one = tf.zeros([], units.dtype), tf.ones([], units.dtype)
    weights = tf.cast(machine.log_marginal_increment(units, zero, one), tf.float64)
    reference = machine.reference_log_partition()
    if not tf.executing_eagerly() or bool(tf.reduce_all(effective_share(weights) > LEAST_SHARE)):
        return units, weights, LogPartitionFilter.start(reference, weights)
    units, weights, passed, variance = _annealed(machine, units, seed)
    log_partition = LogPartitionFilter.start(reference, weights)
    return (
        units,
        weights,
        LogPartitionFilter(log_partition.value + passed, log_partition.variance + variance),
    )


@tf.function(autograph=False)
def _annealed(machine, units, seed):
    """Returns states, log weights since they were drawn, and log Z and its variance until then."""
    betas = tf.cast(tf.linspace(0.0, 1.0, _NUM_STEPS + 1), units.dtype)

    def body(step, units, weights, passed, variance):
        resample_seed, sweep_seed = samplers.split_seed(samplers.fold_in(seed, step), n=2)
        increment = machine.log_marginal_increment(units, betas[step], betas[step + 1])
        weights += tf.cast(increment, tf.float64)
        level, share = log_mean_exp(weights), effective_share(weights)
        count = tf.cast(tf.shape(units)[0], tf.float64)
        units, weights, is_poor = resample_where_poor(units, weights, LEAST_SHARE, resample_seed)
        passed += tf.where(is_poor, level, 0.0)
        variance += tf.where(is_poor, (1 / share - 1) / count, 0.0)
        moved = machine.sweep(units, betas[step + 1], sweep_seed)
        return step + 1, tf.ensure_shape(moved, units.shape), weights, passed, variance

    weights = tf.zeros(tf.shape(units)[:-1], tf.float64)
    none = tf.zeros(tf.shape(units)[1:-1], tf.float64)
    _, *state = tf.while_loop(
        lambda step, *_: step < _NUM_STEPS,
        body,
        (0, units, weights, none, none),
        parallel_iterations=1,
    )
    return tuple(state)
