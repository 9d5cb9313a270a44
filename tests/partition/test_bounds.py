"""Brackets of a likelihood from both sides."""

import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as fakes
from tests import oracles
from tfp_ebm import distributions, partition


def machines():
    weights, bias = oracles.random_machine(9, 8, scale=0.35)
    factor = np.linalg.cholesky(oracles.precision(*[oracles.random_machine(4, 4)[0], 2.9]))
    return {
        "smoothed": distributions.SmoothedRBM(weights, bias, 4.0),
        "discrete": distributions.RestrictedBoltzmannMachine(weights, bias),
        "binary": distributions.RestrictedBoltzmannMachine(weights, bias, binary=True),
        "gaussian": distributions.GaussianBernoulliRBM(weights, bias[:9], bias[9:], 0.8),
        "connected": distributions.SmoothedBoltzmannMachine(factor, bias[:8]),
    }


@pytest.mark.parametrize("name", machines())
def test_both_estimates_bracket_the_exact_value(name):
    base = machines()[name]
    exact = float(partition.enumerate_log_partition(base).value)
    points = base.sample(300, seed=(0, 1))
    bounds = base.log_prob_bounds(points, num_steps=300, num_reverse_chains=4, seed=(0, 2))
    forward, reverse = bounds.forward, bounds.reverse
    assert abs(float(forward.value) - exact) < 4 * float(forward.standard_error) + 1e-3
    error = np.std(reverse.value) / np.sqrt(300)
    assert float(tf.reduce_mean(reverse.value)) > exact - 4 * error
    assert float(tf.reduce_mean(reverse.value)) < exact + 0.3
    assert reverse.method == "RAISE" and "upper" in reverse.direction
    gap = tf.reduce_mean(bounds.upper - bounds.lower)
    exact_log_prob = base.unnormalized_log_prob(points) - exact
    assert tf.reduce_mean(bounds.lower) < tf.reduce_mean(exact_log_prob) + 4 * error
    assert gap < 0.3


def test_a_single_reverse_chain_does_not_know_its_error():
    base = machines()["discrete"]
    points = base.sample(3, seed=(0, 1))
    bounds = base.log_prob_bounds(points, 8, num_reverse_chains=1, num_steps=5, seed=(0, 2))
    assert np.all(np.isnan(bounds.reverse.standard_error)) and bounds.reverse.num_chains == 1
    assert np.all(np.isfinite(bounds.lower)) and bounds.forward.standard_error > 0
    two = partition.reverse_annealing(base, points, 2, 5, seed=(0, 2))
    assert np.all(two.standard_error > 0)


def test_each_side_has_its_own_chains():
    base, points = fakes.Base(fakes.counter(fakes.Spread), 0.7), np.array([[0.5], [2.0]])
    bounds = partition.log_prob_bounds(base, points, 5, 3, 2, seed=(0, 1))
    forward = partition.annealed_importance_sampling(base, 5, 2)
    reverse = partition.reverse_annealing(base, points, 3, 2)
    np.testing.assert_allclose(bounds.forward.value, forward.value)
    np.testing.assert_allclose(bounds.reverse.value, reverse.value)
    np.testing.assert_allclose(bounds.upper, 10 * points[:, 0] - forward.value)
    np.testing.assert_allclose(bounds.lower, 10 * points[:, 0] - reverse.value)
    assert bounds.forward.num_chains == 5 and bounds.reverse.num_chains == 3
    assert bounds.forward.num_steps == bounds.reverse.num_steps == 2
    default = partition.log_prob_bounds(base, points, num_steps=1, schedule=[0.0, 1.0])
    assert default.forward.num_chains == 256 and default.reverse.num_chains == 16


def test_both_sides_have_the_schedule():
    base, points = fakes.Base(fakes.counter(fakes.Counter)), np.array([[0.5], [2.0]])
    betas = [0.0, 0.1, 1.0]
    bounds = partition.log_prob_bounds(base, points, 4, 2, 2, betas)
    forward = partition.annealed_importance_sampling(base, 4, 2, betas)
    reverse = partition.reverse_annealing(base, points, 2, 2, betas)
    np.testing.assert_allclose(bounds.forward.value, forward.value)
    np.testing.assert_allclose(bounds.reverse.value, reverse.value)
    even = partition.log_prob_bounds(base, points, 4, 2, 2)
    assert even.forward.value != forward.value and np.all(even.reverse.value != reverse.value)


def test_points_that_do_not_fit_are_refused():
    base = machines()["discrete"]
    with pytest.raises(ValueError, match="`value` must have shape"):
        partition.log_prob_bounds(base, np.ones([2, 3]))
    with pytest.raises(TypeError, match="`base` must be an energy-based"):
        partition.log_prob_bounds(base.machine(), np.ones([2, 17]))
