"""Every method of the machine with couplings of all kinds against sums over all its states."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from tests import oracles
from tfp_ebm.distributions import DiscreteMixture, SmoothedBoltzmannMachine
from tfp_ebm.machines.connected_machine import ConnectedMachine, color_table

SIZE, COUNT = 5, 40_000
# A path 0-1-2-3-4 with one chord, 1-3: three colors.
COLORS = [[0, 2, 4], [1], [3]]
STATES = oracles.all_states(SIZE)


def parameters():
    rng = np.random.default_rng(0)
    coupling = np.zeros([SIZE, SIZE])
    for i, j in ((0, 1), (1, 2), (2, 3), (3, 4), (1, 3)):
        coupling[i, j] = coupling[j, i] = rng.normal()
    return coupling, 0.5 * rng.normal(size=SIZE)


def machine():
    coupling, bias = parameters()
    return ConnectedMachine(
        tf.constant(coupling),
        tf.constant(bias),
        tf.constant(color_table(COLORS)),
        tf.constant(COLORS[0]),
        tf.constant([1, 3]),
    )


def log_weights(beta):
    coupling, bias = parameters()
    return 0.5 * beta * np.einsum("si,ij,sj->s", STATES, coupling, STATES) + STATES @ bias


def log_marginal(beta):
    """For every state, over all others with the same spins 1 and 3."""
    same = np.all(STATES[:, None, [1, 3]] == STATES[None, :, [1, 3]], axis=-1)
    return logsumexp(np.where(same, log_weights(beta), -np.inf), axis=1)


def moments(probabilities):
    return probabilities @ STATES, np.einsum("s,si,sj->ij", probabilities, STATES, STATES)


def test_a_color_shorter_than_others_repeats_its_first_spin():
    np.testing.assert_array_equal(color_table(COLORS), [[0, 2, 4], [1, 1, 1], [3, 3, 3]])


def test_log_marginals_and_partition_functions():
    np.testing.assert_allclose(machine().log_marginal(STATES), log_marginal(1.0), rtol=1e-12)
    for start, stop in ((0.0, 0.3), (0.3, 1.0)):
        increment = machine().log_marginal_increment(
            STATES, tf.constant(start, tf.float64), tf.constant(stop, tf.float64)
        )
        expected = log_marginal(stop) - log_marginal(start)
        np.testing.assert_allclose(increment, expected, atol=1e-12)
    np.testing.assert_allclose(machine().reference_log_partition(), logsumexp(log_weights(0)))
    np.testing.assert_allclose(machine().enumerate_log_partition(), logsumexp(log_weights(1)))
    assert machine().num_enumerated == 2


def test_draws():
    exact = np.exp(log_weights(1) - logsumexp(log_weights(1)))
    sample = machine().sample_exactly(COUNT, (0, 1))
    assert oracles.within_standard_errors(sample, *moments(exact))
    free = np.exp(log_weights(0) - logsumexp(log_weights(0)))
    assert oracles.within_standard_errors(machine().sample_reference(COUNT, (0, 2)), *moments(free))


def transition(probabilities, colors, beta):
    """The law of the states after the spins of every color were drawn anew, color by color."""
    for color in colors:
        rest = [spin for spin in range(SIZE) if spin not in color]
        same = np.all(STATES[:, None, rest] == STATES[None, :, rest], axis=-1)
        conditional = np.where(same, log_weights(beta), -np.inf)
        conditional = np.exp(conditional - logsumexp(conditional, axis=1, keepdims=True))
        probabilities = probabilities @ conditional
    return probabilities


def test_a_sweep_draws_color_by_color():
    start = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    tiled = tf.constant(np.tile(start, [COUNT, 1]))
    certain = np.all(start == STATES, axis=1).astype(float)
    expected = moments(transition(certain, COLORS, 0.6))
    assert oracles.within_standard_errors(machine().sweep(tiled, 0.6, (0, 1)), *expected)


def test_refreshing_draws_the_summed_spins_alone():
    start = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    tiled = tf.constant(np.tile(start, [COUNT, 1]))
    certain = np.all(start == STATES, axis=1).astype(float)
    expected = moments(transition(certain, COLORS[:1], 0.6))
    assert oracles.within_standard_errors(machine().refresh(tiled, 0.6, (0, 1)), *expected)


@pytest.mark.parametrize("num_units", [1, 3])
def test_uncoupled_spins_of_one_color(num_units):
    """No spin is left to enumerate."""
    factor, bias = tf.Variable(1.5 * np.eye(num_units)), tf.Variable(np.linspace(-1, 1, num_units))
    colors = [list(range(num_units))]
    base = SmoothedBoltzmannMachine(factor, bias, colors=colors)
    points = np.random.default_rng(0).normal(size=[4, num_units])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(base.log_prob(points))
        gradients = tape.gradient(total, [factor, bias])
    expected = DiscreteMixture(bias, np.float64(2.25))
    np.testing.assert_allclose(total, tf.reduce_sum(expected.log_prob(points)), rtol=1e-12)
    with tf.GradientTape() as tape:
        same = tf.reduce_sum(expected.log_prob(points))
    np.testing.assert_allclose(gradients[1], tape.gradient(same, bias), rtol=1e-10)
    assert np.all(np.isfinite(outer.gradient(gradients[1], bias)))
    assert base.sample(5, seed=(0, 1)).shape == (5, num_units)
    np.testing.assert_allclose(base.mean(), np.tanh(bias))
