"""Annealing forward and in reverse, against weights known in closed form and exact log Z."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import distributions, partition
from tfp_ebm.distributions import RestrictedBoltzmannMachine, SmoothedRBM
from tfp_ebm.partition.annealed_importance_sampling import anneal_backward, anneal_forward

LOG_Z, OFFSET = 3.0, 0.7


def base(kind):
    return machines.Base(machines.counter(kind, LOG_Z), OFFSET)


def summary(log_weights):
    """Log mean weight, its error by the delta method, and the effective sample size, in NumPy."""
    weights = np.exp(log_weights)
    mean, count = weights.mean(axis=0), len(weights)
    error = weights.std(axis=0, ddof=1) / np.sqrt(count) / mean
    return np.log(mean), error, weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)


def test_the_record_sums_up_the_weights():
    estimate = partition.annealed_importance_sampling(base(machines.Still), 7, 5, seed=(0, 1))
    value, error, size = summary(np.linspace(0, 1, 7))
    assert float(estimate.value) == pytest.approx(value + LOG_Z + OFFSET)
    assert float(estimate.standard_error) == pytest.approx(error)
    assert float(estimate.effective_sample_size) == pytest.approx(size)
    assert estimate.num_steps == 5 and estimate.num_chains == 7
    assert estimate.method == "AIS" and estimate.direction == "lower bound in expectation"


def test_the_error_of_huge_weights_does_not_overflow():
    estimate = partition.annealed_importance_sampling(
        machines.Base(machines.counter(machines.Still), 5000.0), 7, 5
    )
    assert float(estimate.standard_error) == pytest.approx(summary(np.linspace(0, 1, 7))[1])


def test_states_are_weighted_before_they_move_to_the_next_temperature():
    """From temperature k on a state is the inverse temperature b_k itself."""
    betas = np.array([0.0, 0.1, 0.4, 1.0])
    estimate = partition.annealed_importance_sampling(base(machines.Thermometer), 4, 3, betas)
    start, steps = np.linspace(0, 1, 4), np.diff(betas)
    log_weights = steps[0] * start + np.sum(steps[1:] * betas[1:-1])
    assert float(estimate.value) == pytest.approx(summary(log_weights)[0] + LOG_Z + OFFSET)


def test_reverse_chains_start_at_the_points_and_move_before_they_are_weighted():
    betas = np.array([0.0, 0.1, 0.4, 1.0])
    points = np.array([[0.5], [2.0]])
    estimate = partition.reverse_annealing(base(machines.Counter), points, 2, 3, betas)
    state, log_weight = points[:, 0] + 1, 0.0  # What `chain_state` adds.
    for start, stop in ((0.4, 1.0), (0.1, 0.4), (0.0, 0.1)):
        state = state + stop
        log_weight = log_weight + (stop - start) * state
    np.testing.assert_allclose(estimate.value, log_weight + LOG_Z + OFFSET)
    np.testing.assert_allclose(estimate.standard_error, [0, 0], atol=1e-12)
    assert estimate.num_steps == 3 and estimate.num_chains == 2
    assert estimate.method == "RAISE" and "not for single points" in estimate.direction


def test_reverse_chains_of_a_point_average_inverse_weights():
    points = np.array([[0.5], [2.0], [-1.0]])
    estimate = partition.reverse_annealing(base(machines.Spread), points, 4, 1)
    log_weights = points[:, 0] + 1 + np.arange(4.0)[:, None]
    value, error, size = summary(-log_weights)
    np.testing.assert_allclose(estimate.value, -value + LOG_Z + OFFSET)
    np.testing.assert_allclose(estimate.standard_error, error)
    np.testing.assert_allclose(estimate.effective_sample_size, size)
    alone = partition.reverse_annealing(base(machines.Spread), points, 1, 1)
    np.testing.assert_array_equal(alone.standard_error, [np.nan] * 3)
    default = partition.reverse_annealing(base(machines.Spread), points)
    assert (default.num_chains, default.num_steps) == (16, 1000)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_every_sweep_draws_anew(direction):
    """Log weights of a random walk: one noise for all sweeps would vary fifteen times as much."""
    steps, count = 30, 4000
    walker, betas = machines.counter(machines.Walker), tf.constant(np.linspace(0, 1, steps + 1))
    if direction == "forward":
        log_weights = anneal_forward(walker, count, betas, (0, 1), None)[1].numpy()
        log_weights -= np.linspace(0, 1, count)
        expected = np.sum(np.arange(1, steps) ** 2) / steps**2
    else:
        log_weights = anneal_backward(walker, tf.zeros([count, 1], tf.float64), betas, (0, 1))
        expected = np.sum(np.arange(1, steps + 1) ** 2) / steps**2
    assert np.var(log_weights) == pytest.approx(expected, rel=0.1)


def test_chains_seeds_and_points_differ():
    walker = machines.Base(machines.counter(machines.Walker))
    values = [float(partition.annealed_importance_sampling(walker, 3, 4, seed=(0, n)).value)
              for n in (1, 1, 2)]  # fmt: skip
    assert values[0] == values[1] != values[2]
    points = np.zeros([5, 1])
    reverse = [partition.reverse_annealing(walker, points, 2, 4, seed=(0, n)).value.numpy()
               for n in (1, 1, 2)]  # fmt: skip
    np.testing.assert_array_equal(reverse[0], reverse[1])
    assert len(set(reverse[0])) == 5 and np.all(reverse[0] != reverse[2])


@pytest.mark.parametrize("num_steps", [7, 120])
def test_progress_is_told_and_changes_no_digit(num_steps):
    walker, shares = machines.Base(machines.counter(machines.Walker)), []
    told = partition.annealed_importance_sampling(
        walker, 3, num_steps, seed=(0, 1), progress=shares.append
    )
    quiet = partition.annealed_importance_sampling(walker, 3, num_steps, seed=(0, 1))
    assert told.value == quiet.value
    assert shares[-1] == 1 and np.all(np.diff(shares) >= 0) and len(shares) == 50


def test_increments_are_summed_in_float64():
    """Of a float32 machine: 3000 increments of a third of a nat, without rounding on the way."""

    class Single(machines.Still):
        def log_marginal_increment(self, state, start, stop):
            return (1000 * (stop - start) * state)[..., 0]

        def sample_reference(self, num_samples, seed):
            return tf.ones([num_samples, 1])

    single = Single(tf.constant(0.0))
    betas = partition.inverse_temperatures("linear", 3000, single)
    assert betas.dtype == tf.float32
    log_weights = anneal_forward(single, 2, betas, (0, 1), None)[1]
    np.testing.assert_allclose(log_weights, [1000, 1000], rtol=1e-7)
    backward = anneal_backward(single, tf.ones([2, 1]), betas, (0, 1))
    np.testing.assert_allclose(backward, [1000, 1000], rtol=1e-7)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_annealed_importance_sampling_covers_the_exact_value(seed):
    weights, bias = oracles.random_machine(12, 12, scale=0.3, seed=seed)
    base = SmoothedRBM(weights, bias, 4.0)
    exact = partition.enumerate_log_partition(base)
    estimate = partition.annealed_importance_sampling(base, seed=(0, seed))
    assert abs(estimate.value - exact.value) < 0.05
    assert abs(estimate.value - exact.value) < 3 * estimate.standard_error
    assert 100 < estimate.effective_sample_size <= 256
    assert estimate.method == "AIS" and estimate.num_steps == 1000


@pytest.mark.slow
def test_float32_annealing_agrees_with_float64():
    weights, bias = oracles.random_machine(40, 30, scale=0.15)
    values = [
        partition.annealed_importance_sampling(
            RestrictedBoltzmannMachine(weights.astype(dtype), bias.astype(dtype)),
            256,
            200,
            seed=(0, 1),
        )
        for dtype in (np.float32, np.float64)
    ]
    error = np.hypot(values[0].standard_error, values[1].standard_error)
    assert abs(float(values[0].value) - float(values[1].value)) < 4 * error


def test_a_batch_of_machines_is_annealed_together():
    machines = [oracles.random_machine(5, 4, seed=seed) for seed in range(3)]
    weights, bias = (np.stack(parts) for parts in zip(*machines, strict=True))
    base = RestrictedBoltzmannMachine(weights, bias)
    estimate = partition.annealed_importance_sampling(base, 2000, 200, seed=(0, 1))
    expected = [oracles.spin_log_partition(*machine) for machine in machines]
    np.testing.assert_array_less(abs(estimate.value - expected), 4 * estimate.standard_error)


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


def test_a_tenth_of_the_chains_is_enough_not_to_warn():
    """Of 20 chains, one of weight w beside 19 of weight 1 has the effective size asked for."""

    class Heavy(machines.Still):
        def sample_reference(self, num_samples, seed):
            return self.log_z * tf.one_hot([0] + [1] * 19, 1, dtype=tf.float64)

    for log_weight, is_low in ((3.6, False), (4.2, True)):
        heavy = machines.Base(machines.counter(Heavy, log_weight))
        weights = np.array([np.exp(log_weight), *[1.0] * 19])
        assert (weights.sum() ** 2 / (weights**2).sum() < 2) == is_low
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimate = partition.annealed_importance_sampling(heavy, 20, 2)
        assert (len(caught) == 1) == is_low == estimate.has_few_effective_samples


annealed, heated = partition.annealed_importance_sampling, partition.reverse_annealing
RBM = RestrictedBoltzmannMachine(np.zeros([3, 2]), np.zeros(5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: annealed(RBM, 1),
            "`num_chains` must be .* 2, got 1",
        ),
        (
            lambda: annealed(RBM, 4, 0),
            "`num_steps` must be .* 1, got 0",
        ),
        (lambda: heated(RBM, np.ones([2, 5]), 0), "`num_chains` must be .* 1"),
        (lambda: heated(RBM, np.ones([2, 4])), r"\[\.\.\., 5\], .* \(2, 4\)"),
        (lambda: heated(RBM, tf.ones([5])), "`value` must have dtype float64"),
        (lambda: heated(RBM, "up"), "`value` must be a tensor, an array or"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_has_no_machine_is_refused():
    with pytest.raises(TypeError, match=r"`base` must be an energy-based .* got SpinMachine"):
        partition.annealed_importance_sampling(RBM.machine())
    with pytest.raises(TypeError, match="`base` must be an energy-based"):
        partition.reverse_annealing(None, np.ones([2, 5]))


def test_lists_are_taken():
    estimate = partition.reverse_annealing(RBM, [[1, 1, -1, 1, -1]], 2, 3)
    np.testing.assert_allclose(estimate.value, [5 * np.log(2)])
