"""Annealing of the hidden layer from an aggregated posterior to a machine, and back."""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed
from tfp_ebm.mcmc.jumps import LatentMachine, ProposalMixture, draw_bits, draw_part
from tfp_ebm.partition.annealed_importance_sampling import add_backward

__all__ = ["anneal_from_posterior", "anneal_to_posterior"]


class _Point(NamedTuple):
    """Bits `[n, *B, m]` with the logarithms of machine and mixture, `[n, *B]`."""

    bits: tf.Tensor
    log_machine: tf.Tensor
    log_mixture: tf.Tensor

    def log_ratio(self):
        return self.log_machine - self.log_mixture

    def log_density(self, beta):
        """Returns log of q^(1-beta) p*^beta."""
        return self.log_mixture + beta * self.log_ratio()


@tf.function(autograph=False)
def anneal_from_posterior(
    machine: LatentMachine,
    mixture: ProposalMixture,
    num_chains: Count,
    betas: tf.Tensor,
    seed: Seed,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Anneals chains along q(h)^(1-b) p*(h)^b, from a mixture q whose normaliser is 1.

        log w = sum_k (b_{k+1} - b_k) (log p*(h_k) - log q(h_k)),     Z = E[w]

    Three Metropolis moves follow every step: a draw of q for all bits, one for a part of them, and
    a sweep of the machine. Where q lies near the machine, as the aggregated posterior of states
    from all modes does, no barrier is on the way.

    Args:
      machine: the machine.
      mixture: q, which nothing that follows may depend on but through its states.
      num_chains: number of chains.
      betas: `[num_steps + 1]`, from 0 to 1.
      seed: seed; a pair of integers repeats exactly.

    Returns:
      Bits `[num_chains, *B, m]` at the end, and float64 log weights `[num_chains, *B]`.
    """
    start_seed, loop_seed = samplers.split_seed(seed, n=2, salt="anneal_from_posterior")
    point = _point(machine, mixture, mixture.sample(num_chains, start_seed))

    def body(index, point, log_weights):
        beta, following = betas[index], betas[index + 1]
        log_weights += tf.cast((following - beta) * point.log_ratio(), tf.float64)
        step_seed = samplers.fold_in(loop_seed, index)
        point = _move(machine, mixture, point, following, step_seed, is_reversed=False)
        return index + 1, point, log_weights

    log_weights = tf.zeros(tf.shape(point.bits)[:-1], tf.float64)
    _, point, log_weights = tf.while_loop(
        lambda index, *_: index < tf.shape(betas)[0] - 1,
        body,
        (0, point, log_weights),
        parallel_iterations=1,
    )
    return point.bits, log_weights


@tf.function(autograph=False)
def anneal_to_posterior(
    machine: LatentMachine, mixture: ProposalMixture, bits: tf.Tensor, betas: tf.Tensor, seed: Seed
) -> tf.Tensor:
    """Runs `anneal_from_posterior` backwards, from draws of the machine.

    Args:
      machine: the machine.
      mixture: q.
      bits: `[n, *B, m]`, draws of the machine's hidden layer.
      betas: `[num_steps + 1]`, from 0 to 1, as forwards.
      seed: seed; a pair of integers repeats exactly.

    Returns:
      Float64 log weights `[n, *B]`: 1 / Z = E[1 / w].
    """
    seed = samplers.sanitize_seed(seed, salt="anneal_to_posterior")
    point = _point(machine, mixture, bits)

    def step(index, point):
        previous, beta = betas[index - 1], betas[index]
        step_seed = samplers.fold_in(seed, index)
        point = _move(machine, mixture, point, beta, step_seed, is_reversed=True)
        return point, (beta - previous) * point.log_ratio()

    return add_backward(step, point, tf.shape(bits)[:-1], tf.shape(betas)[0] - 1)


def _point(machine, mixture, bits):
    return _Point(bits, machine.log_latent_weight(bits), mixture.log_prob(bits))


def _move(machine, mixture, point, beta, seed, is_reversed):
    """Returns the point after the three moves; the way back takes them in reversed order."""
    moves = [_jump, _partial_jump, _sweep]
    for index in reversed(range(3)) if is_reversed else range(3):
        draw_seed, choice_seed = samplers.split_seed(samplers.fold_in(seed, index), n=2)
        proposed, log_bias = moves[index](machine, mixture, point, draw_seed)
        log_chance = proposed.log_density(beta) - point.log_density(beta) + log_bias
        uniform = samplers.uniform(tf.shape(log_chance), seed=choice_seed, dtype=log_chance.dtype)
        accepted = tf.math.log(uniform) < log_chance
        point = _Point(
            tf.where(accepted[..., tf.newaxis], proposed.bits, point.bits),
            tf.where(accepted, proposed.log_machine, point.log_machine),
            tf.where(accepted, proposed.log_mixture, point.log_mixture),
        )
    return point


def _jump(machine, mixture, point, seed):
    """Returns a draw of q, and log T(h' -> h) - log T(h -> h')."""
    bits = mixture.sample(tf.shape(point.bits)[0], seed)
    proposed = _point(machine, mixture, bits)
    return proposed, point.log_mixture - proposed.log_mixture


def _partial_jump(machine, mixture, point, seed):
    bits, chosen = draw_part(mixture, point.bits, seed)
    log_bias = mixture.log_prob(point.bits, chosen) - mixture.log_prob(bits, chosen)
    return _point(machine, mixture, bits), log_bias


def _sweep(machine, mixture, point, seed):
    """The machine's own sweep is reversible with respect to p*."""
    state_seed, bit_seed = samplers.split_seed(seed, n=2)
    state = machine.sample_given_latent(point.bits, state_seed)
    bits = draw_bits(machine.latent_log_odds(state), bit_seed)
    proposed = _point(machine, mixture, bits)
    return proposed, point.log_machine - proposed.log_machine
