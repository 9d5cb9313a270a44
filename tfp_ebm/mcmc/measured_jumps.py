"""Jumps of weighted chains, which measure log Z on the way."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.jumps import (
    LatentMachine,
    LatentState,
    ProposalMixture,
    draw_bits,
    jump,
    partial_jump,
)
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter
from tfp_ebm.mcmc.mixing import Mixing

__all__ = ["Jumped", "jump_and_measure", "jump_where_due"]

# Chains jump in one move of so many; where jumps are hardly ever accepted, more seldom.
_REST, _LONG_REST = 4, 12


class Jumped(NamedTuple):
    """Chains `[n, *B, m]`, what is known of log Z, and how the chains mix."""

    units: tf.Tensor
    log_partition: LogPartitionFilter
    mixing: Mixing


def jump_and_measure(
    machine: LatentMachine,
    state: Jumped,
    proposing: tf.Tensor,
    log_weights: tf.Tensor,
    seed: Seed,
) -> Jumped:
    """Offers every chain a jump of all its bits and one of a part, and measures log Z.

    Args:
      machine: the machine.
      state: chains, log Z and mixing before.
      proposing: `[M, *B, m]`, states that propose.
      log_weights: `[n, *B]`, of the chains.
      seed: seed; a pair of integers repeats exactly.
    """
    bit_seed, whole_seed, part_seed, state_seed = samplers.split_seed(seed, n=4, salt="jumps")
    mixture = ProposalMixture.of_states(machine, proposing)
    bits = draw_bits(machine.latent_log_odds(state.units), bit_seed)
    chains = LatentState(bits, machine.log_latent_weight(bits))
    chains, info = jump(machine, chains, mixture, whole_seed)
    chains, _ = partial_jump(machine, chains, mixture, part_seed)
    accepted = tf.reduce_mean(tf.cast(info.accepted, tf.float64), axis=0)
    return Jumped(
        machine.sample_given_latent(chains.bits, state_seed),
        state.log_partition.measure(info, log_weights, state.mixing.inflation),
        state.mixing.jumped(accepted),
    )


def jump_where_due(
    jump: Callable[[], Jumped], state: Jumped, num_moves: tf.Tensor, is_accepted: tf.Tensor
) -> Jumped:
    """Returns the state after a jump in one move of a few, and else the state that is given.

    Args:
      jump: calls `jump_and_measure`.
      state: chains, log Z and mixing before.
      num_moves: `[]`, how many moves there were.
      is_accepted: `[]` bool, whether jumps carry chains at all.
    """
    is_due = tf.equal(num_moves % tf.where(is_accepted, _REST, _LONG_REST), 0)
    jumped = tf.cond(is_due, jump, lambda: state)
    return jumped._replace(units=tf.ensure_shape(jumped.units, state.units.shape))
