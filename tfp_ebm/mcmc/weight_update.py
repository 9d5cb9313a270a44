"""How weights and log Z follow a machine's parameters, and what is done where they cannot."""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.fingerprint import fingerprint
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter

__all__ = ["Followed", "fingerprint_of_states", "follow"]

# How many units of a state tell which it is.
_NUM_TOLD = 16


class Followed(NamedTuple):
    """Chains at new parameters, not yet moved."""

    units: tf.Tensor
    log_weights: tf.Tensor
    log_partition: LogPartitionFilter


def follow(
    machine: AnnealedMachine,
    chains: Followed,
    log_marginals: tf.Tensor,
    inflation: tf.Tensor,
    is_known: tf.Tensor,
    seed: Seed,
) -> Followed:
    """Adds the increments of the log marginals to the weights, and their mean to log Z.

    A chain whose log marginal is not finite starts afresh and weighs nothing. Where no chain is
    left, or the log marginals are not those of the states, as after a checkpoint of other chains,
    all weigh the same and log Z is lost: its variance is as large as can be.

    Args:
      machine: the machine at the new parameters.
      chains: states `[n, *B, m]`, float64 log weights `[n, *B]`, and log Z at the old parameters.
      log_marginals: `[n, *B]`, of the states at the old parameters.
      inflation: `[*B]`, by how much variances exceed those of independent draws.
      is_known: whether log marginals and weights belong to the states, a boolean scalar.
      seed: seed of states that start afresh.
    """
    units, log_weights, log_partition = chains
    now = machine.log_marginal(units)
    is_finite = tf.math.is_finite(now)
    units = tf.cond(
        tf.reduce_all(is_finite),
        lambda: units,
        lambda: _some_afresh(machine, units, is_finite, seed),
    )
    # The difference first, of numbers of one size; their sum over updates is what float32 loses.
    change = tf.cast(now - log_marginals, tf.float64)
    change = tf.where(is_finite & is_known & tf.math.is_finite(change), change, -float("inf"))
    is_lost = tf.logical_not(tf.reduce_any(change + log_weights > -float("inf"), axis=0))
    zero = tf.zeros_like(change)
    moved = log_partition.predict(
        tf.where(is_lost, zero, log_weights), tf.where(is_lost, zero, change), inflation
    )
    weights = tf.where(is_lost, zero, log_weights + change)
    return Followed(units, weights, moved.lost_where(is_lost))


def _some_afresh(machine, units, is_kept, seed):
    fresh = machine.sample_reference(tf.shape(units)[0], seed)
    return tf.ensure_shape(tf.where(is_kept[..., tf.newaxis], units, fresh), units.shape)


def fingerprint_of_states(
    units: tf.Tensor, log_weights: tf.Tensor, log_marginals: tf.Tensor
) -> tf.Tensor:
    """Returns numbers that tell whether weights and log marginals belong to the states."""
    some = tf.convert_to_tensor(units)[..., :_NUM_TOLD]
    return fingerprint((some, log_weights, log_marginals))
