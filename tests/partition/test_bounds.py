"""Schedules, reverse annealing, brackets, and warnings."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

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


def test_few_steps_widen_the_bracket():
    weights, bias = oracles.random_machine(12, 12, scale=0.5)
    base = distributions.RestrictedBoltzmannMachine(weights, bias)
    points = base.sample(400, seed=(0, 1))
    exact = float(partition.enumerate_log_partition(base).value)
    over = [
        float(
            tf.reduce_mean(partition.reverse_annealing(base, points, 1, steps, seed=(0, 2)).value)
        )
        - exact
        for steps in (2, 20, 500)
    ]
    assert over[0] > 3 * over[1] > 3 * over[2] > -0.05


def test_a_single_reverse_chain_does_not_know_its_error():
    base = machines()["discrete"]
    points = base.sample(3, seed=(0, 1))
    bounds = base.log_prob_bounds(points, 8, num_reverse_chains=1, num_steps=5, seed=(0, 2))
    assert np.all(np.isnan(bounds.reverse.standard_error)) and bounds.reverse.num_chains == 1
    assert np.all(np.isfinite(bounds.lower)) and bounds.forward.standard_error > 0
    two = partition.reverse_annealing(base, points, 2, 5, seed=(0, 2))
    assert np.all(two.standard_error > 0)


@pytest.mark.parametrize("schedule", ["linear", "geometric", "adaptive"])
def test_schedules_increase_from_0_to_1_and_all_cover_the_truth(schedule):
    weights, bias = oracles.random_machine(10, 11, scale=0.4)
    base = distributions.RestrictedBoltzmannMachine(weights, bias)
    betas = partition.inverse_temperatures(schedule, 50, base.machine(), (0, 1)).numpy()
    assert betas[0] == 0 and betas[-1] == 1 and np.all(np.diff(betas) > 0) and len(betas) == 51
    estimate = partition.annealed_importance_sampling(base, 512, 400, schedule, seed=(0, 2))
    exact = partition.enumerate_log_partition(base).value
    assert abs(estimate.value - exact) < 3.5 * estimate.standard_error


def test_adaptive_schedule_beats_the_linear_one_on_a_late_transition():
    weights = np.full([10, 10], 0.25)
    base = distributions.RestrictedBoltzmannMachine(weights, np.zeros(20))
    errors = [
        partition.annealed_importance_sampling(base, 512, 40, s, seed=(0, 1)).standard_error
        for s in ("linear", "adaptive")
    ]
    assert errors[1] < errors[0]


def test_a_low_effective_sample_size_is_said_and_warned_about():
    weights, bias = oracles.random_machine(30, 30, scale=1.5)
    base = distributions.RestrictedBoltzmannMachine(weights, bias)
    with pytest.warns(UserWarning, match="low effective sample size"):
        estimate = partition.annealed_importance_sampling(base, 256, 3, seed=(0, 1))
    assert estimate.has_few_effective_samples
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mild = distributions.RestrictedBoltzmannMachine(0.1 * weights, bias)
        estimate = partition.annealed_importance_sampling(mild, 256, 200, seed=(0, 1))
    assert not estimate.has_few_effective_samples


def test_enumeration_of_21_units_is_blocked():
    weights, bias = oracles.random_machine(21, 22, scale=0.02)
    base = distributions.RestrictedBoltzmannMachine(
        weights.astype(np.float32), bias.astype(np.float32)
    )
    exact = partition.enumerate_log_partition(base)
    estimate = partition.annealed_importance_sampling(base, 512, 500, seed=(0, 1))
    assert abs(exact.value - estimate.value) < 5e-4 + 4 * estimate.standard_error


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ([0.0, 0.5, 0.4, 1.0], "must increase strictly from 0 to 1"),
        ([0.1, 0.5, 0.7, 1.0], "must increase strictly from 0 to 1"),
        ([0.0, 0.5, 1.0], r"`num_steps` \+ 1 = 4"),
        ("adaptve", "Did you mean 'adaptive'"),
    ],
)
def test_bad_schedules(schedule, message):
    base = distributions.RestrictedBoltzmannMachine(*oracles.random_machine(3, 3))
    with pytest.raises(ValueError, match=message):
        partition.annealed_importance_sampling(base, 4, 3, schedule)
