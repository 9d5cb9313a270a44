"""Every method of the machine of spins against sums over all its states."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from tests import oracles
from tfp_ebm.machines.spin_machine import SpinMachine

SIZES = [(3, 2), (2, 4)]
COUNT = 40_000


def make(sizes):
    weights, bias = oracles.random_machine(*sizes, scale=0.8)
    return weights, bias, SpinMachine.from_parameters(weights, bias)


def log_weights(weights, bias, beta):
    """Log weights of all states, `[2^visible, 2^hidden]`."""
    visible, hidden = (oracles.all_states(size) for size in weights.shape)
    split = len(weights)
    fields = (visible @ bias[:split])[:, None] + hidden @ bias[split:]
    return fields + beta * visible @ weights @ hidden.T


@pytest.mark.parametrize("sizes", SIZES)
def test_log_marginals_and_partition_functions(sizes):
    weights, bias, machine = make(sizes)
    visible = oracles.all_states(sizes[0])
    marginals = {b: logsumexp(log_weights(weights, bias, b), axis=1) for b in (0.0, 0.3, 1.0)}
    np.testing.assert_allclose(machine.log_marginal(visible), marginals[1.0], rtol=1e-12)
    for start, stop in ((0.0, 0.3), (0.3, 1.0), (1.0, 0.0)):
        increment = machine.log_marginal_increment(visible, start, stop)
        np.testing.assert_allclose(increment, marginals[stop] - marginals[start], atol=1e-12)
    np.testing.assert_allclose(machine.reference_log_partition(), logsumexp(marginals[0.0]))
    np.testing.assert_allclose(machine.enumerate_log_partition(), logsumexp(marginals[1.0]))
    assert machine.num_enumerated == min(sizes)
    flipped = machine.transposed()
    expected = logsumexp(log_weights(weights, bias, 1.0), axis=0)
    np.testing.assert_allclose(flipped.log_marginal(oracles.all_states(sizes[1])), expected)


def moments(states, probabilities):
    return probabilities @ states, np.einsum("s,si,sj->ij", probabilities, states, states)


@pytest.mark.parametrize("sizes", SIZES)
def test_moments_entropy_and_odds(sizes):
    weights, bias, machine = make(sizes)
    table = log_weights(weights, bias, 1.0)
    share = np.exp(table - logsumexp(table))
    np.testing.assert_allclose(machine.enumerate_entropy(), -np.sum(share * np.log(share)))
    states = oracles.all_states(sum(sizes))
    mean, pair = moments(states, oracles.spin_probabilities(weights, bias))
    mixture = machine.enumerate_units()
    np.testing.assert_allclose(mixture.mean(), mean, rtol=1e-9)
    np.testing.assert_allclose(mixture.covariance(), pair - np.outer(mean, mean), atol=1e-12)
    hidden = oracles.all_states(sizes[1])
    odds = [
        logsumexp(table[:, column > 0], axis=1) - logsumexp(table[:, column < 0], axis=1)
        for column in hidden.T
    ]
    found = machine.latent_log_odds(oracles.all_states(sizes[0]))
    np.testing.assert_allclose(found, np.transpose(odds), rtol=1e-9)


@pytest.mark.parametrize("sizes", SIZES)
def test_draws(sizes):
    weights, bias, machine = make(sizes)
    probabilities = np.exp(oracles.spin_log_weights(weights, bias, oracles.all_states(sum(sizes))))
    expected = moments(oracles.all_states(sum(sizes)), probabilities / probabilities.sum())
    state = machine.sample_exactly(COUNT, (0, 1))
    assert state.shape == (COUNT, sizes[0])
    assert oracles.within_standard_errors(machine.complete(state, (0, 2)), *expected)
    reference = machine.sample_reference(COUNT, (0, 3))
    mean = np.tanh(bias[: sizes[0]])
    pair = np.outer(mean, mean) + np.diag(1 - mean**2)
    assert oracles.within_standard_errors(reference, mean, pair)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("columns", [False, True])
def test_a_sweep_has_the_exact_transition(sizes, columns):
    weights, bias, machine = make(sizes)
    beta, split = 0.6, sizes[0]
    start = np.where(np.arange(split) % 2, -1.0, 1.0)
    visible, hidden = (oracles.all_states(size) for size in sizes)

    def conditional(states, field):
        return np.exp(states @ field - np.sum(np.log(2 * np.cosh(field)), axis=-1))

    of_hidden = conditional(hidden, beta * start @ weights + bias[split:])
    of_visible = [conditional(visible, beta * weights @ h + bias[:split]) for h in hidden]
    expected = moments(visible, of_hidden @ np.array(of_visible))
    tiled = tf.constant(np.tile(start, [COUNT, 1]))
    if columns:
        moved = tf.transpose(machine.sweep_columns(tf.transpose(tiled), beta, (0, 1)))
    else:
        moved = machine.sweep(tiled, beta, (0, 1))
    assert oracles.within_standard_errors(moved, *expected)
