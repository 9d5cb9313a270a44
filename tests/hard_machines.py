"""Machines on which annealing is easily deceived, with log Z known apart from it."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp

from tests import oracles


class Hard(NamedTuple):
    """Weights `[num_visible, num_hidden]`, fields of all spins, and log Z in nats."""

    weights: np.ndarray
    bias: np.ndarray
    log_partition: float


def _summed(weights, bias):
    """Sums over the states of at most 12 hidden spins, in NumPy."""
    num_visible, num_hidden = weights.shape
    hidden = oracles.all_states(num_hidden)
    fields = hidden @ weights.T + bias[:num_visible]
    log_weights = hidden @ bias[num_visible:] + np.logaddexp(fields, -fields).sum(axis=-1)
    return Hard(weights, bias, logsumexp(log_weights))


def two_modes(rng, size=100, weight=75 / 160, num_idle=23):
    """A broad mode and a narrow one that outweighs it, which no inverse temperature connects.

    Two hidden spins see the magnetisation M: a sum over it is log Z.
    """
    del rng
    field = -0.6 * size * weight
    weights = np.zeros([size, 2 + num_idle])
    weights[:, :2] = weight
    bias = np.concatenate([np.full(size, 2 * weight), [field, field], np.zeros(num_idle)])
    num_up = np.arange(size + 1)
    magnetisation = 2 * num_up - size
    log_count = gammaln(size + 1) - gammaln(num_up + 1) - gammaln(size - num_up + 1)
    hidden = 2 * np.log(2 * np.cosh(weight * magnetisation + field))
    log_z = logsumexp(log_count + 2 * weight * magnetisation + hidden) + num_idle * np.log(2)
    return Hard(weights, bias, log_z)


def random_two_modes(rng):
    """As `two_modes`, of other sizes and strengths."""
    sizes = int(rng.integers(60, 140)), rng.uniform(0.3, 0.6), int(rng.integers(8, 30))
    return two_modes(rng, *sizes)


def glass(rng):
    """Strong random couplings of either sign."""
    return _summed(rng.normal(size=[40, 12]), 0.3 * rng.normal(size=52))


def memories(rng):
    """Patterns of very different strengths and thresholds."""
    patterns = rng.choice([-1, 1], size=[60, 12]) * rng.uniform(0.3, 0.8, size=12)
    return _summed(patterns, np.append(0.1 * rng.normal(size=60), 3 * rng.normal(size=12)))


def ferromagnet(rng):
    """Equal couplings in opposed fields: two states of magnetisation."""
    fields = np.append(np.full(80, rng.uniform(-1, 1)), np.full(12, rng.uniform(-8, 8)))
    return _summed(np.full([80, 12], rng.uniform(0.05, 0.3)), fields)


def clusters(rng):
    """One hidden spin for each of a few far states of the visible layer."""
    centres = rng.choice([-1, 1], size=[100, 8])
    weights = 0.8 * centres + 0.05 * rng.normal(size=[100, 8])
    return _summed(weights, np.append(np.zeros(100), rng.uniform(-60, 20, size=8)))


KINDS = (random_two_modes, glass, memories, ferromagnet, clusters)
