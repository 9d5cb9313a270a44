"""Metropolis moves between modes, proposed from what other states say of the hidden layer."""

import math
from typing import NamedTuple, Protocol

import tensorflow as tf

from tfp_ebm.internal.numeric import move_axis
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed

__all__ = [
    "JumpInfo",
    "LatentMachine",
    "LatentState",
    "ProposalMixture",
    "draw_bits",
    "draw_part",
    "jump",
    "partial_jump",
    "random_states",
]

# Probabilities of proposed bits stay within [0.01, 0.99], so that every state can be proposed.
_MAX_LOG_ODDS = math.log(0.99 / 0.01)
# The shares of the bits that a partial jump draws anew.
_SHARES = (0.5, 0.25)


class LatentMachine(Protocol):
    """A machine whose hidden layer, as bits h in {0, 1}, has a marginal in closed form."""

    def latent_log_odds(self, state: tf.Tensor) -> tf.Tensor:
        """Returns log p(h_j = 1 | state) - log p(h_j = 0 | state), `[..., num_hidden]`."""

    def log_latent_weight(self, bits: tf.Tensor) -> tf.Tensor:
        """Returns the log of the unnormalised probability of the bits, which add up to Z."""

    def sample_given_latent(self, bits: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws a chain's state given the bits."""


class ProposalMixture(NamedTuple):
    """The aggregated posterior q(h) = mean over m of p(h | state_m), a mixture of product laws.

    Attributes:
      log_odds: `[*B, M, num_hidden]`.
      log_down: `[*B, M, num_hidden]`, the log-probabilities of 0.
    """

    log_odds: tf.Tensor
    log_down: tf.Tensor

    @classmethod
    def of_states(cls, machine: LatentMachine, states: tf.Tensor) -> "ProposalMixture":
        """Returns the mixture of what states `[M, *B, n]` say of the bits."""
        log_odds = move_axis(machine.latent_log_odds(states), 0, -2)
        log_odds = tf.clip_by_value(log_odds, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
        return cls(log_odds, -tf.nn.softplus(log_odds))

    def log_prob(self, bits: tf.Tensor, chosen: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log q of the bits, or of the chosen ones among them, `[n, *B]`.

        Args:
          bits: `[n, *B, num_hidden]`.
          chosen: 1 where a bit counts, 0 where it is summed out; None: all count.
        """
        log_odds, log_down = self.log_odds, self.log_down
        bits = move_axis(bits, 0, -2)
        if chosen is None:
            none_up = tf.reduce_sum(log_down, axis=-1)[..., tf.newaxis, :]
        else:
            chosen = move_axis(chosen, 0, -2)
            none_up = tf.matmul(chosen, log_down, transpose_b=True)
            bits *= chosen
        terms = tf.matmul(bits, log_odds, transpose_b=True) + none_up
        count = tf.cast(tf.shape(terms)[-1], terms.dtype)
        return move_axis(tf.reduce_logsumexp(terms, axis=-1) - tf.math.log(count), -1, 0)

    def sample(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws bits, `[num_samples, *B, num_hidden]`."""
        member_seed, bit_seed = samplers.split_seed(seed, n=2, salt="proposal_mixture")
        shape = tf.shape(self.log_odds)
        drawn = tf.concat([shape[:-2], [num_samples]], axis=0)
        member = samplers.uniform(drawn, maxval=shape[-2], seed=member_seed, dtype=tf.int32)
        log_odds = tf.gather(self.log_odds, member, axis=-2, batch_dims=member.shape.rank - 1)
        return move_axis(draw_bits(log_odds, bit_seed), -2, 0)


def draw_bits(log_odds: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Draws independent bits with given log-odds of 1."""
    uniform = samplers.uniform(tf.shape(log_odds), seed=seed, dtype=log_odds.dtype)
    return tf.cast(uniform < tf.sigmoid(log_odds), log_odds.dtype)


def random_states(machine: LatentMachine, like: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Returns a state given a random hidden layer for each of some states, `[m, *B, n]`.

    Bits of a layer are up with a probability that is drawn for it, so that layers with few and with
    nearly all bits up are among them. A machine may keep most of its mass where many bits are up
    that data and the independent reference hardly ever set, as one of hundreds of Gaussian units
    does; sweeps from these states find it.

    Args:
      machine: the machine.
      like: as many states of the machine, which only tell the shape.
      seed: seed; a pair of integers repeats exactly.
    """
    share_seed, bit_seed, state_seed = samplers.split_seed(seed, n=3, salt="random_states")
    shape = tf.shape(machine.latent_log_odds(like))
    single = tf.concat([shape[:-1], [1]], axis=0)
    share = samplers.uniform(single, seed=share_seed, dtype=like.dtype)
    uniform = samplers.uniform(shape, seed=bit_seed, dtype=like.dtype)
    states = machine.sample_given_latent(tf.cast(uniform < share, like.dtype), state_seed)
    return tf.ensure_shape(states, like.shape)


class LatentState(NamedTuple):
    """The bits of chains, `[n, *B, num_hidden]`, and the log weight of each, `[n, *B]`."""

    bits: tf.Tensor
    log_weight: tf.Tensor


class JumpInfo(NamedTuple):
    """What a jump tells.

    Attributes:
      accepted: `[n, *B]`, booleans.
      log_ratio_of_chains: `[n, *B]`, log p*(h) - log q(h) before the jump.
      log_ratio_of_proposals: `[n, *B]`, the same at the proposals, independent draws of q.
    """

    accepted: tf.Tensor
    log_ratio_of_chains: tf.Tensor
    log_ratio_of_proposals: tf.Tensor


def _choose(machine, state, proposed, log_q, log_q_proposed, seed):
    """Returns the state after Metropolis' choice and its `JumpInfo`."""
    log_weight = machine.log_latent_weight(proposed)
    before, after = state.log_weight - log_q, log_weight - log_q_proposed
    uniform = samplers.uniform(tf.shape(before), seed=seed, dtype=before.dtype)
    accepted = tf.math.log(uniform) < after - before
    bits = tf.where(accepted[..., tf.newaxis], proposed, state.bits)
    moved = LatentState(bits, tf.where(accepted, log_weight, state.log_weight))
    return moved, JumpInfo(accepted, before, after)


def jump(
    machine: LatentMachine, state: LatentState, mixture: ProposalMixture, seed: Seed
) -> tuple[LatentState, JumpInfo]:
    """Offers every chain a state drawn from the mixture, which leaves the machine invariant.

        h' ~ q;   accepted with probability min(1, p*(h') q(h) / (p*(h) q(h')))

    At the maximum of the likelihood the aggregated posterior of the data is the machine's own
    marginal of h, so that acceptance rises as the machine learns, however high its barriers.

    Args:
      machine: the machine.
      state: bits of the chains and their log weights.
      mixture: the proposals, independent of the chains.
      seed: seed; a pair of integers repeats exactly.
    """
    draw_seed, choice_seed = samplers.split_seed(seed, n=2, salt="jump")
    proposed = mixture.sample(tf.shape(state.bits)[0], draw_seed)
    log_q, log_q_proposed = mixture.log_prob(state.bits), mixture.log_prob(proposed)
    return _choose(machine, state, proposed, log_q, log_q_proposed, choice_seed)


def draw_part(mixture: ProposalMixture, bits: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a random half or quarter of each chain's bits anew from the mixture.

    Returns:
      The bits after that, `[n, *B, num_hidden]`, and 1 where they were drawn.
    """
    share_seed, mask_seed, draw_seed = samplers.split_seed(seed, n=3, salt="draw_part")
    shape, dtype = tf.shape(bits), bits.dtype
    which = samplers.uniform(shape[:-1], maxval=len(_SHARES), seed=share_seed, dtype=tf.int32)
    share = tf.gather(tf.constant(_SHARES, dtype), which)[..., tf.newaxis]
    chosen = tf.cast(samplers.uniform(shape, seed=mask_seed, dtype=dtype) < share, dtype)
    drawn = mixture.sample(shape[0], draw_seed)
    return tf.where(chosen > 0, drawn, bits), chosen


def partial_jump(
    machine: LatentMachine, state: LatentState, mixture: ProposalMixture, seed: Seed
) -> tuple[LatentState, JumpInfo]:
    """Offers every chain new values for a random half or quarter of its bits.

    The other bits stay; the mixture's marginal of the chosen ones takes the place of q in the
    acceptance of `jump`, whose arguments it has. It reaches states that combine what the mixture
    proposes apart.
    """
    part_seed, choice_seed = samplers.split_seed(seed, n=2, salt="partial_jump")
    proposed, chosen = draw_part(mixture, state.bits, part_seed)
    log_q, log_q_proposed = (mixture.log_prob(bits, chosen) for bits in (state.bits, proposed))
    return _choose(machine, state, proposed, log_q, log_q_proposed, choice_seed)
