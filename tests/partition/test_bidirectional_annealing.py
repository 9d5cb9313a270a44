"""Annealing both ways on machines that deceive one direction, log Z known."""

import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import hard_machines, oracles
from tfp_ebm import partition
from tfp_ebm.distributions import (
    GaussianBernoulliRBM,
    RestrictedBoltzmannMachine,
    SmoothedRBM,
)
from tfp_ebm.internal.importance import take
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc import PersistentChains
from tfp_ebm.partition.bidirectional_annealing import _combine, _Path


def base_of(hard, kind=SpinMachine):
    weights, bias = (tf.constant(part, tf.float32) for part in hard[:2])
    base = machines.Base(kind.from_parameters(weights, bias))
    base.dtype, base._offset = tf.float32, np.float32(0)
    return base


def estimate_of(hard, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return partition.bidirectional_annealing(base_of(hard), **options)


def test_a_narrow_mode_that_annealing_misses_is_found():
    hard = hard_machines.two_modes(None)
    one_way = partition.annealed_importance_sampling(base_of(hard), 64, 200, seed=(0, 1))
    # The negative control: sure of itself, and wrong.
    assert float(one_way.standard_error) < 0.1 and float(one_way.value) < hard.log_partition - 5
    estimate = estimate_of(hard, num_steps=200, seed=(0, 1))
    error = float(estimate.value) - hard.log_partition
    assert abs(error) < 5 * float(estimate.standard_error) + 0.05
    assert bool(estimate.is_consistent) and estimate.method == "BAR"
    assert float(estimate.lower) < hard.log_partition + 0.1 and float(estimate.standard_error) < 0.1


def test_a_mode_beyond_the_reach_of_cooling_is_found():
    small, log_partition = oracles.far_layer(num_hidden=8, hidden_bias=-2.0, gap=3.0)
    exact = GaussianBernoulliRBM(**small).estimate_log_partition()
    np.testing.assert_allclose(exact.value, log_partition)
    parameters, log_partition = oracles.far_layer()
    base = GaussianBernoulliRBM(**parameters)
    one_way = partition.annealed_importance_sampling(base, 64, 200, seed=(0, 1))
    assert float(one_way.standard_error) < 0.1 and float(one_way.value) < log_partition - 10
    estimate = partition.bidirectional_annealing(base, 64, 200, seed=(0, 1))
    assert abs(float(estimate.value) - log_partition) < 5 * float(estimate.standard_error) + 0.05
    assert bool(estimate.is_consistent)


def test_both_paths_are_walked_back_from_draws_of_both(monkeypatch):
    """Where both find all of an easy machine their draws count alike."""
    indices = []

    def noted(units, index):
        indices.append(index.numpy())
        return take(units, index)

    module = sys.modules["tfp_ebm.partition.bidirectional_annealing"]
    monkeypatch.setattr(module, "take", noted)
    weights, bias = oracles.random_machine(8, 8, scale=0.2)
    estimate_of((weights, bias), num_chains=64, num_steps=100, seed=(0, 1))
    is_of_first_path = indices[0] < 64
    assert len(indices[0]) == 64 and 0.35 < np.mean(is_of_first_path) < 0.65


@pytest.mark.slow
def test_easy_machines_are_not_flagged():
    weights, bias = oracles.random_machine(8, 8, scale=0.2)
    base = SmoothedRBM(weights, bias, 4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = partition.bidirectional_annealing(base, 64, 100, seed=(0, 1))
    exact = partition.enumerate_log_partition(base)
    assert abs(float(estimate.value - exact.value)) < 4 * float(estimate.standard_error)
    assert 0 < float(estimate.standard_error) < 0.05
    assert bool(estimate.is_consistent) and estimate.num_steps == 100
    np.testing.assert_allclose(
        [estimate.lower, estimate.upper],
        estimate.value + np.array([-2, 2]) * estimate.standard_error,
        rtol=1e-9,
    )


class Plain(SpinMachine):
    """Without a hidden layer in closed form."""

    @property
    def log_latent_weight(self):
        raise AttributeError


def test_machines_without_jumps_take_one_path():
    weights, bias = oracles.random_machine(8, 8, scale=0.2)
    base = base_of((weights, bias), Plain)
    estimate = partition.bidirectional_annealing(base, 64, 100, seed=(0, 1))
    exact = float(base.machine().enumerate_log_partition())
    assert abs(float(estimate.value) - exact) < 4 * float(estimate.standard_error) + 1e-3
    assert bool(estimate.is_consistent) and float(estimate.standard_error) > 0


def test_disagreement_is_tried_again_then_warned_about():
    hard = hard_machines.two_modes(None)
    base = base_of(hard, Plain)
    base.chains = PersistentChains(np.ones([64, 100], np.float32))  # In the narrow mode.
    with pytest.warns(UserWarning, match="Estimates of log Z disagree, by up to"):
        estimate = partition.bidirectional_annealing(base, 32, 50, seed=(0, 1))
    assert estimate.num_steps == 150 and not bool(estimate.is_consistent)
    assert float(estimate.lower) < hard.log_partition < float(estimate.upper)


@pytest.mark.slow
def test_batches_are_estimated_each():
    weights, bias = oracles.random_machine(8, 7, scale=0.3)
    base = SmoothedRBM(np.stack([weights, 0 * weights, -weights]), bias, 4.0)
    estimate = partition.bidirectional_annealing(base, 64, 100, seed=(0, 1))
    exact = partition.enumerate_log_partition(base).value
    assert estimate.value.shape == estimate.is_consistent.shape == [3]
    np.testing.assert_array_less(
        np.abs(estimate.value - exact), 4 * estimate.standard_error.numpy() + 1e-9
    )


def path(forward, reverse, value=None, error=0.01, size=100.0):
    value = (forward + reverse) / 2 if value is None else value
    numbers = (forward, 0.02, reverse, 0.03, value, error**2, size)
    return _Path(9, *(tf.constant(number, tf.float64) for number in numbers), size >= 16)


@pytest.mark.parametrize(
    ("paths", "is_consistent", "value"),
    [
        ([path(-0.1, 0.1)], True, 0.0),
        ([path(-8.0, 15.0, size=2.0)], False, 3.5),  # The directions do not meet.
        ([path(-8.0, 15.0, size=2.0), path(-0.1, 0.1)], True, 0.0),
        ([path(-0.1, 0.1), path(0.9, 1.1)], False, 0.0),
        ([path(-0.1, 0.1), path(-5.0, 1.0, value=-1.0)], False, 0.0),
        ([path(-0.1, 0.1), path(1.0, 5.0, size=2.0)], False, 0.0),  # A forward one above.
        ([path(-0.1, 0.1), path(-5.0, -1.0, size=2.0)], False, 0.0),  # A reverse one below.
        ([path(-0.1, 0.1, error=0.02), path(0.0, 0.02)], True, 0.01),  # The surer one.
        ([path(-0.1, 0.1), path(0.05, 0.15, error=0.02)], True, 0.0),  # Within the errors.
    ],
)
def test_what_disagrees_is_said(paths, is_consistent, value):
    found = _combine(paths)
    assert bool(found.is_consistent) == is_consistent
    assert float(found.value) == pytest.approx(value) and found.num_chains == 9
    estimates = [float(part) for p in paths for part in (p.forward, p.reverse)]
    if not is_consistent:
        assert (float(found.lower), float(found.upper)) == (min(estimates), max(estimates))


@pytest.mark.slow
def test_a_graph_gives_the_same():
    weights, bias = oracles.random_machine(6, 6, scale=0.2)
    base = RestrictedBoltzmannMachine(weights, bias)

    @tf.function(autograph=False)
    def estimate():
        record = partition.bidirectional_annealing(base, 16, 20, seed=(0, 1))
        return record.value, record.is_consistent

    eager = partition.bidirectional_annealing(base, 16, 20, seed=(0, 1))
    value, is_consistent = estimate()
    np.testing.assert_allclose(value, eager.value, rtol=1e-9)
    assert bool(is_consistent) == bool(eager.is_consistent)


@pytest.mark.slow
def test_hard_machines_are_right_or_say_that_they_are_not():
    wrong, flagged = [], 0
    for seed in range(8):
        for kind in hard_machines.KINDS:
            hard = kind(np.random.default_rng(seed))
            estimate = estimate_of(hard, seed=(seed, 1))
            error = float(estimate.value) - hard.log_partition
            flagged += not bool(estimate.is_consistent)
            is_wrong = abs(error) > 5 * float(estimate.standard_error) + 0.05
            if is_wrong and bool(estimate.is_consistent):
                wrong.append((kind.__name__, seed, error))
    assert not wrong
    assert flagged <= 6


@pytest.mark.slow
def test_few_easy_machines_are_flagged():
    def is_flagged(seed):
        weights, bias = oracles.random_machine(30, 30, scale=0.15, seed=seed)
        estimate = estimate_of((weights, bias), num_steps=300, seed=(seed, 1))
        return not bool(estimate.is_consistent)

    assert sum(is_flagged(seed) for seed in range(40)) <= 2
