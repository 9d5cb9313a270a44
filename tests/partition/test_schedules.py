import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import distributions, partition


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


def test_named_schedules_by_number():
    still = machines.counter()
    np.testing.assert_allclose(
        partition.inverse_temperatures("linear", 4, still), [0, 0.25, 0.5, 0.75, 1]
    )
    np.testing.assert_allclose(
        partition.inverse_temperatures("geometric", 4, still), [0, 0.001, 0.01, 0.1, 1]
    )
    np.testing.assert_array_equal(partition.inverse_temperatures("linear", 1, still), [0, 1])


def test_numbers_are_taken_as_given_in_the_dtype_of_the_machine():
    given = [0.0, 0.5, 1.0]
    for schedule in (given, np.array(given), tf.constant(given)):
        betas = partition.inverse_temperatures(schedule, 2, machines.counter())
        np.testing.assert_array_equal(betas, given)
        assert betas.dtype == tf.float64
    single = distributions.RestrictedBoltzmannMachine(tf.zeros([3, 2]), tf.zeros([5])).machine()
    assert partition.inverse_temperatures("adaptive", 3, single).dtype == tf.float32


def test_adaptive_steps_add_equal_variance():
    """Log weights of the faster machine grow as t^2, so that temperatures grow as a root.

    At the start, where they grow at less than a tenth of their mean rate, that is the rate.
    """
    late = machines.counter(machines.Late)
    betas = partition.inverse_temperatures("adaptive", 20, late, seed=(0, 1)).numpy()
    ends = np.linspace(0, 1, 101)
    rate = np.maximum(ends[1:] ** 2 - ends[:-1] ** 2, 0.1 * 0.01)
    length = np.concatenate([[0.0], np.cumsum(rate)])
    expected = np.interp(np.linspace(0, length[-1], 21), length, ends)
    np.testing.assert_allclose(betas, expected, atol=0.03)
    assert betas[0] == 0 and betas[-1] == 1
    again = partition.inverse_temperatures("adaptive", 20, late, seed=(0, 1))
    np.testing.assert_array_equal(again, betas)
    assert np.any(partition.inverse_temperatures("adaptive", 20, late, seed=(0, 2)) != betas)
    many = partition.inverse_temperatures("adaptive", 1000, late, seed=(0, 1))
    assert np.diff(many).max() < 0.011  # Ten even steps.


def test_the_adaptive_schedule_of_a_batch_heeds_the_wildest_machine(monkeypatch):
    """Increments of two chains of two machines, whose deviations are 1, 1 and, later, 0, 3."""
    deviations = np.repeat([[1.0, 0.0], [1.0, 3.0]], 50, axis=0)
    increments = tf.constant(np.stack([deviations, -deviations], axis=1))
    monkeypatch.setattr(partition.schedules, "_pilot_increments", lambda *args: increments)
    betas = partition.inverse_temperatures("adaptive", 4, machines.counter())
    np.testing.assert_allclose(betas, [0, 1 / 2, 2 / 3, 5 / 6, 1], rtol=1e-6)


def test_adaptive_schedules_of_machines_without_couplings_are_even():
    free = distributions.RestrictedBoltzmannMachine(np.zeros([3, 2]), np.ones(5)).machine()
    betas = partition.inverse_temperatures("adaptive", 5, free)
    np.testing.assert_allclose(betas, np.linspace(0, 1, 6), atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ([0.0, 0.5, 0.4, 1.0], "must increase strictly from 0 to 1"),
        ([0.1, 0.5, 0.7, 1.0], "must increase strictly from 0 to 1"),
        ([0.0, 0.5, 0.5, 1.0], "must increase strictly from 0 to 1"),
        ([0.0, 0.5, 0.7, 0.9], "must increase strictly from 0 to 1"),
        ([0.0, np.nan, 0.7, 1.0], "must increase strictly from 0 to 1"),
        ([[0.0, 0.5, 0.7, 1.0]], r"got shape \(1, 4\)"),
        (["a", "b", "c", "d"], "`schedule` must be a tensor, an array or a list of numbers"),
        (None, "`schedule` must be a tensor, an array or a list of numbers, got NoneType"),
        ([0.0, 0.5, 1.0], r"`num_steps` \+ 1 = 4"),
        ("adaptve", "Did you mean 'adaptive'"),
    ],
)
def test_bad_schedules(schedule, message):
    base = distributions.RestrictedBoltzmannMachine(*oracles.random_machine(3, 3))
    with pytest.raises(ValueError, match=message):
        partition.annealed_importance_sampling(base, 4, 3, schedule)


def test_a_distribution_is_no_machine():
    base = distributions.RestrictedBoltzmannMachine(*oracles.random_machine(3, 3))
    with pytest.raises(TypeError, match="pass what its `machine"):
        partition.inverse_temperatures("linear", 3, base)
    with pytest.raises(ValueError, match="`num_steps` must be an integer of at least 1"):
        partition.inverse_temperatures("linear", 0, base.machine())
