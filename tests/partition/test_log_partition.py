import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import partition
from tfp_ebm.distributions import RestrictedBoltzmannMachine, SmoothedRBM


@pytest.mark.parametrize("sizes", [(4, 3), (3, 5)])
def test_enumeration_equals_the_sum_over_all_states(sizes):
    weights, bias = oracles.random_machine(*sizes)
    estimate = partition.enumerate_log_partition(RestrictedBoltzmannMachine(weights, bias))
    np.testing.assert_allclose(
        estimate.value, oracles.spin_log_partition(weights, bias), rtol=1e-12
    )
    assert estimate.method == "exact" and estimate.standard_error == 0


def test_enumeration_in_blocks_agrees_with_one_in_the_other_layer():
    weights, bias = oracles.random_machine(14, 15, scale=0.2)
    machine = RestrictedBoltzmannMachine(weights, bias).machine()
    blocked = machine.enumerate_log_partition()
    flipped = machine.transposed()
    states = np.array([[(i >> b & 1) * 2.0 - 1 for b in range(15)] for i in range(2**15)])
    direct = np.logaddexp.reduce(flipped.log_marginal(tf.constant(states)).numpy())
    np.testing.assert_allclose(blocked, direct, rtol=1e-10)


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


def test_float32_annealing_agrees_with_float64():
    weights, bias = oracles.random_machine(40, 30, scale=0.15)
    values = [
        partition.annealed_importance_sampling(
            RestrictedBoltzmannMachine(weights.astype(dtype), bias.astype(dtype)),
            512,
            500,
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


def test_errors():
    weights, bias = oracles.random_machine(21, 22, scale=0.01)
    base = RestrictedBoltzmannMachine(weights, bias)
    with pytest.raises(ValueError, match=r"at most 25 units, .* has 40"):
        partition.enumerate_log_partition(
            RestrictedBoltzmannMachine(np.zeros([40, 41]), np.zeros(81))
        )
    with pytest.raises(ValueError, match="`num_chains` must be an integer of at least 2, got 1"):
        partition.annealed_importance_sampling(base, num_chains=1)
    with pytest.raises(ValueError, match="`num_steps` must be an integer of at least 1, got 0"):
        partition.annealed_importance_sampling(base, num_steps=0)
    with pytest.raises(ValueError, match="has not been estimated"):
        base.stored_log_partition.read()
