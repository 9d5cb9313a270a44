"""log Z from annealing in both directions, along two paths, and whether all of it agrees."""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.importance import (
    bennett_log_ratio,
    disagree,
    effective_share,
    systematic_resampling,
    take,
)
from tfp_ebm.internal.protocols import AnnealedBase
from tfp_ebm.internal.replicas import gather_over_replicas
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.jumps import ProposalMixture, draw_bits, random_states
from tfp_ebm.partition.annealed_importance_sampling import (
    anneal_backward,
    anneal_forward,
    log_weight_summary,
)
from tfp_ebm.partition.log_partition import DIRECTIONS, LogPartition
from tfp_ebm.partition.posterior_annealing import anneal_from_posterior, anneal_to_posterior
from tfp_ebm.partition.schedules import inverse_temperatures

__all__ = ["bidirectional_annealing"]

# States of each kind that propose, and sweeps of theirs before they do.
_NUM_PROPOSING = 64
_NUM_SWEEPS = 16
# A step from the aggregated posterior costs about as much as so many sweeps.
_COST = 8
# Fewer draws than this, or than this share of all, behind either direction prove nothing.
_LEAST_EFFECTIVE_SIZE, _LEAST_SHARE = 16.0, 1 / 8
# Each round takes so many times the steps of the one before.
_GROWTH = 3


class _Path(NamedTuple):
    """What annealing both ways along a path tells of log Z of the machine; `[*B]`, float64."""

    num_chains: int
    forward: tf.Tensor
    forward_error: tf.Tensor
    reverse: tf.Tensor
    reverse_error: tf.Tensor
    value: tf.Tensor
    variance: tf.Tensor
    effective_size: tf.Tensor
    is_usable: tf.Tensor


def bidirectional_annealing(
    base: AnnealedBase,
    num_chains: int = 256,
    num_steps: int = 1000,
    schedule: str | Sequence[float] = "linear",
    seed: Seed = None,
    progress: Callable[[float], None] | None = None,
    max_rounds: int = 2,
) -> LogPartition:
    """Estimates log Z by annealing there and back along two paths, and says whether they agree.

    A small standard error of annealing proves nothing: all chains may have missed the same mode.
    Here chains anneal along two paths that share no bottleneck,

    * from independent units at inverse temperature 0, as `annealed_importance_sampling` does;
    * from the aggregated posterior of many states, q(h) = mean_m p(h | state_m), whose normaliser
      is 1: states where the first path ended, states of the base's own chains, and states that
      were swept from random hidden layers (machines with a hidden layer in closed form only).

    Both ends together, by their weights, are draws of the machine, from which both paths are
    walked back. (Machines without the second path: from the base's chains, if it has some.) The
    Bennett acceptance ratio combines the directions of a path. An annealed mean weight exceeds Z
    by a factor e^t with probability e^-t at most, and one of the way back falls short of it so:
    a forward estimate clearly above the value, or a reverse one clearly below, refutes it, as two
    paths that disagree do. Then all is done again with three times the steps, proposed by what was
    found, in up to `max_rounds` rounds.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> estimate = partition.bidirectional_annealing(base, 16, num_steps=10, seed=(0, 1))
    >>> estimate.method, bool(estimate.is_consistent)
    ('BAR', True)

    Args:
      base: an energy-based distribution; its `chains`, if it has some, are one source of states.
      num_chains: number of chains in each direction of each path.
      num_steps: number of temperatures of the first path; the second takes as much time.
      schedule: of the first path, see `tfp_ebm.partition.inverse_temperatures`.
      seed: seed; a pair of integers repeats exactly.
      progress: called now and then with the share of the first round that is done.
      max_rounds: how often it is tried, with three times the steps each time; in a `tf.function`
        once only.

    Returns:
      A `LogPartition` in nats of method `"BAR"`, whose `is_consistent` tells whether all estimates
      agree within four of their errors and whose `lower` and `upper` enclose log Z as far as they
      tell. It warns where they do not agree. What no chain ever found remains unseen.

    Raises:
      TypeError: if `base` has no machine.
      ValueError: as `annealed_importance_sampling`.

    Source: Bennett, "Efficient estimation of free energy differences from Monte Carlo data" (1976);
    Grosse, Ghahramani and Adams, "Sandwiching the marginal likelihood using bidirectional Monte
    Carlo" (2015).
    """
    states.check_base(base)
    checks.positive_integer("num_chains", num_chains, minimum=2)
    max_rounds = checks.positive_integer("max_rounds", max_rounds)
    machine = base.machine()
    found = _sources(base, machine, samplers.split_seed(seed, n=1, salt="sources")[0])
    for index in range(max_rounds):
        own_seed = samplers.split_seed(seed, n=1, salt=f"bidirectional_annealing_{index}")[0]
        paths, found = _anneal_both_ways(
            machine, found, num_chains, num_steps, schedule, own_seed, progress
        )
        result = _combine(paths)
        if not tf.executing_eagerly() or bool(tf.reduce_all(result.is_consistent)):
            break
        if index + 1 < max_rounds:
            num_steps, progress = _GROWTH * num_steps, None
    if tf.executing_eagerly() and not bool(tf.reduce_all(result.is_consistent)):
        _warn(result)
    return _record(base, result, num_steps)


class _Found(NamedTuple):
    num_chains: int
    value: tf.Tensor
    variance: tf.Tensor
    effective_size: tf.Tensor
    is_consistent: tf.Tensor
    lower: tf.Tensor
    upper: tf.Tensor


def _record(base, found, num_steps):
    offset = tf.cast(base.log_partition_offset(), tf.float64)
    dtype = base.dtype
    return LogPartition(
        tf.cast(found.value + offset, dtype),
        tf.cast(tf.sqrt(found.variance), dtype),
        tf.cast(found.effective_size, dtype),
        "BAR",
        DIRECTIONS["BAR"],
        num_steps,
        found.num_chains,
        found.is_consistent,
        tf.cast(found.lower + offset, dtype),
        tf.cast(found.upper + offset, dtype),
    )


def _warn(found):
    gap = float(tf.reduce_max(tf.where(found.is_consistent, 0.0, found.upper - found.lower)))
    warnings.warn(
        f"Estimates of log Z disagree, by up to {gap:.3g} nats: forward and reverse annealing, or "
        "annealing from independent units and from what was found, do not meet. The value may be "
        "wrong by as much (`is_consistent` is False; `lower` and `upper` enclose the estimates). "
        "Take more steps or chains.",
        stacklevel=3,
    )


def _has_jumps(machine):
    return hasattr(machine, "log_latent_weight")


def _sources(base, machine, seed):
    """Returns states from everywhere but annealing, `[m, *B, n]`, or None."""
    reference_seed, chain_seed, state_seed, sweep_seed = samplers.split_seed(seed, n=4)
    found = []
    if _has_jumps(machine):
        reference = machine.sample_reference(_NUM_PROPOSING, reference_seed)
        found = [reference, random_states(machine, reference, state_seed)]
    chains = getattr(base, "chains", None)
    if chains is not None:
        found.append(chains.draw(_NUM_PROPOSING, chain_seed))
    return _swept(machine, tf.concat(found, axis=0), sweep_seed) if found else None


@tf.function(autograph=False)
def _swept(machine, units, seed):
    return block_gibbs.run(machine, units, _NUM_SWEEPS, seed)


def _anneal_both_ways(machine, found, num_chains, num_steps, schedule, seed, progress):
    """Returns a `_Path` for each path, and states for the next round to propose from."""
    seeds = samplers.split_seed(seed, n=9)
    betas = inverse_temperatures(schedule, num_steps, machine, seeds[0])
    ends, forward = gather_over_replicas(
        lambda count, seed: anneal_forward(machine, count, betas, seed, progress),
        num_chains,
        seeds[1],
    )
    reference = tf.cast(machine.reference_log_partition(), tf.float64)
    if not _has_jumps(machine):
        share = effective_share(forward) if found is None else tf.ones_like(reference)
        units = take(ends, systematic_resampling(forward, seeds[2])) if found is None else found
        backward = anneal_backward(machine, units, betas, seeds[3])
        return [_path(forward, backward, reference, share)], found
    recent = ends[: 2 * _NUM_PROPOSING]
    mixture = ProposalMixture.of_states(machine, tf.concat([found, recent], axis=0))
    levels = tf.cast(tf.linspace(0.0, 1.0, max(num_steps // _COST, 1) + 1), ends.dtype)
    bits, from_posterior = anneal_from_posterior(machine, mixture, num_chains, levels, seeds[4])
    # Draws of both paths with their absolute weights are draws of one importance sampler.
    bits_of_ends = draw_bits(machine.latent_log_odds(ends), seeds[5])
    log_weights = tf.concat([forward + reference, from_posterior], axis=0)
    index = systematic_resampling(log_weights, seeds[2])[::2]
    drawn = take(tf.concat([bits_of_ends, bits], axis=0), index)
    share = 2 * effective_share(log_weights)
    units = machine.sample_given_latent(drawn, seeds[6])
    backward = anneal_backward(machine, units, betas, seeds[3])
    to_posterior = anneal_to_posterior(machine, mixture, drawn, levels, seeds[7])
    paths = [
        _path(forward, backward, reference, share),
        _path(from_posterior, to_posterior, tf.zeros_like(reference), share),
    ]
    return paths, tf.concat([units[: 2 * _NUM_PROPOSING], found], axis=0)


def _path(forward, backward, reference, share):
    """Combines log weights `[n, *B]` of both directions; `share` of the latter are distinct."""
    value, error, _ = log_weight_summary(forward)
    negative, reverse_error, _ = log_weight_summary(-backward)
    bennett = bennett_log_ratio(backward, tf.zeros_like(backward), forward, value)
    share, count = tf.minimum(share, 1.0), tf.cast(tf.shape(backward)[0], tf.float64)
    size = tf.minimum(bennett.effective_size, share * count)
    return _Path(
        forward.shape[0],
        value + reference,
        error,
        reference - negative,
        reverse_error / tf.sqrt(share),
        bennett.log_ratio + reference,
        bennett.variance / share,
        size,
        size >= tf.minimum(tf.constant(_LEAST_EFFECTIVE_SIZE, tf.float64), _LEAST_SHARE * count),
    )


def _combine(paths):
    """Returns the value of the usable path of the smallest variance, judged by all."""
    variances = tf.stack([tf.where(p.is_usable, p.variance, 1e12) for p in paths])
    best = tf.argmin(variances, axis=0)

    def chosen(values):
        return tf.reduce_sum(tf.where(_one_hot(best, len(paths)), tf.stack(values), 0.0), axis=0)

    value = chosen([p.value for p in paths])
    variance = chosen([p.variance for p in paths])
    size = chosen([p.effective_size for p in paths])
    is_consistent = tf.reduce_any([p.is_usable for p in paths], axis=0)
    for path in paths:
        gap_of_usable = tf.where(path.is_usable, tf.abs(path.value - value), 0.0)
        for gap, own_variance in (
            (path.forward - value, path.forward_error**2),
            (value - path.reverse, path.reverse_error**2),
            (gap_of_usable, path.variance),
        ):
            is_consistent &= ~disagree(gap, own_variance + variance)
    estimates = [part for p in paths for part in (p.forward, p.reverse)]
    lower = tf.where(is_consistent, value - 2 * tf.sqrt(variance), tf.reduce_min(estimates, axis=0))
    upper = tf.where(is_consistent, value + 2 * tf.sqrt(variance), tf.reduce_max(estimates, axis=0))
    return _Found(paths[0].num_chains, value, variance, size, is_consistent, lower, upper)


def _one_hot(index, depth):
    numbers = tf.reshape(tf.range(depth, dtype=index.dtype), [-1] + [1] * index.shape.rank)
    return tf.equal(numbers, index[tf.newaxis])
