"""Every method of the machine of Gaussian units and bits against sums over all bits."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, logsumexp

from tests import oracles
from tfp_ebm.machines.gaussian_machine import GaussianMachine

WEIGHTS, BIAS = oracles.random_machine(3, 2, scale=0.8)
LOC, HIDDEN_BIAS = BIAS[:3], BIAS[3:]
SCALE = np.array([0.5, 0.8, 1.3])
BITS = (oracles.all_states(2) + 1) / 2
COUNT = 40_000


def machine():
    return GaussianMachine.from_parameters(WEIGHTS, LOC, HIDDEN_BIAS, SCALE)


def log_marginal(points, beta):
    coupled = beta * (points / SCALE) @ WEIGHTS @ BITS.T + BITS @ HIDDEN_BIAS
    residual = (points - LOC) / SCALE
    return logsumexp(coupled, axis=-1) - 0.5 * np.sum(residual**2, axis=-1)


def log_bit_weights(beta):
    pushed = beta * BITS @ WEIGHTS.T
    return BITS @ HIDDEN_BIAS + pushed @ (LOC / SCALE) + 0.5 * np.sum(pushed**2, axis=-1)


def log_partition(beta):
    return logsumexp(log_bit_weights(beta)) + np.sum(np.log(SCALE * np.sqrt(2 * np.pi)))


def mixture_moments(probabilities, beta):
    """Moments of the Gaussian units, given probabilities of the bits' states."""
    means = LOC + SCALE * (beta * BITS @ WEIGHTS.T)
    pair = np.einsum("s,si,sj->ij", probabilities, means, means) + np.diag(SCALE**2)
    return probabilities @ means, pair


def test_log_marginals_and_partition_functions():
    points = np.random.default_rng(0).normal(size=[5, 3])
    np.testing.assert_allclose(machine().log_marginal(points), log_marginal(points, 1), rtol=1e-12)
    for start, stop in ((0.0, 0.3), (0.3, 1.0)):
        expected = log_marginal(points, stop) - log_marginal(points, start)
        increment = machine().log_marginal_increment(points, start, stop)
        np.testing.assert_allclose(increment, expected, atol=1e-12)
    np.testing.assert_allclose(machine().reference_log_partition(), log_partition(0))
    np.testing.assert_allclose(machine().enumerate_log_partition(), log_partition(1))
    assert machine().num_enumerated == 2


@pytest.mark.parametrize("scale", [0.8, SCALE, np.stack([SCALE, 2 * SCALE])])
@pytest.mark.parametrize("num_hidden", [2, 256])
def test_hidden_signals_and_their_gradients(scale, num_hidden):
    rng = np.random.default_rng(1)
    weights = rng.normal(size=[3, num_hidden])
    batch = np.shape(scale)[:-1]
    points = rng.normal(size=[5, *batch, 3])
    upstream = rng.normal(size=[5, *batch, num_hidden])
    parameters = [tf.constant(weights), tf.constant(scale, tf.float64)]
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        wide = GaussianMachine.from_parameters(
            parameters[0], np.zeros(3), np.zeros(num_hidden), parameters[1]
        )
        signal = wide.hidden_signal(points)
    np.testing.assert_allclose(signal, points / scale @ weights, atol=1e-12)
    of_weights, of_scale = tape.gradient(signal, parameters, upstream)
    relative = (points / scale).reshape(-1, 3)
    np.testing.assert_allclose(
        of_weights, relative.T @ upstream.reshape(-1, num_hidden), atol=1e-12
    )
    by_scale = -points / np.square(scale) * (upstream @ weights.T)
    expected = by_scale.sum() if np.ndim(scale) == 0 else by_scale.sum(axis=0)
    np.testing.assert_allclose(of_scale, expected)


def test_moments_are_those_of_the_mixture():
    log_weights = log_bit_weights(1)
    mean, pair = mixture_moments(np.exp(log_weights - logsumexp(log_weights)), 1)
    units = machine().enumerate_units()
    np.testing.assert_allclose(units.mean(), mean, rtol=1e-9)
    np.testing.assert_allclose(units.covariance(), pair - np.outer(mean, mean), rtol=1e-9)
    np.testing.assert_allclose(units.variance(), np.diag(pair) - mean**2, rtol=1e-9)
    of_means, of_variances = machine().visible_moments(BITS)
    np.testing.assert_allclose(of_means, LOC + SCALE * (BITS @ WEIGHTS.T))
    np.testing.assert_allclose(of_variances + tf.zeros_like(of_means), np.tile(SCALE**2, [4, 1]))


def test_the_volume_of_one_scale_for_all_units():
    single = GaussianMachine.from_parameters(WEIGHTS, LOC, HIDDEN_BIAS, 0.8)
    expected = 3 * np.log(0.8 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(single.log_gaussian_volume(), expected)


def test_bits_are_drawn_at_the_temperature():
    points = np.array([0.7, -0.4, 1.1])
    bits = machine().sample_hidden(np.tile(points, [COUNT, 1]), 0.4, (0, 1))
    odds = expit(0.4 * (points / SCALE) @ WEIGHTS + HIDDEN_BIAS)
    pair = np.outer(odds, odds) + np.diag(odds - odds**2)
    assert oracles.within_standard_errors(bits, odds, pair)


def test_draws():
    log_weights = log_bit_weights(1)
    expected = mixture_moments(np.exp(log_weights - logsumexp(log_weights)), 1)
    state = machine().sample_exactly(COUNT, (0, 1))
    assert oracles.within_standard_errors(state, *expected)
    np.testing.assert_array_equal(machine().complete(state, (0, 2)), state)
    reference = machine().sample_reference(COUNT, (0, 3))
    expected = LOC, np.outer(LOC, LOC) + np.diag(SCALE**2)
    assert oracles.within_standard_errors(reference, *expected)


@pytest.mark.parametrize("columns", [False, True])
def test_a_sweep_has_the_exact_transition(columns):
    beta, start = 2.0, np.array([1.9, 1.6, 1.8])
    odds = expit(beta * (start / SCALE) @ WEIGHTS + HIDDEN_BIAS)
    of_bits = np.prod(np.where(BITS == 1, odds, 1 - odds), axis=1)
    expected = mixture_moments(of_bits, beta)
    tiled = tf.constant(np.tile(start, [COUNT, 1]))
    if columns:
        moved = tf.transpose(machine().sweep_columns(tf.transpose(tiled), beta, (0, 1)))
    else:
        moved = machine().sweep(tiled, beta, (0, 1))
    assert oracles.within_standard_errors(moved, *expected)
