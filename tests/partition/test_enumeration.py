import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import distributions, partition
from tfp_ebm.distributions import RestrictedBoltzmannMachine


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


def test_enumeration_of_21_units_is_blocked():
    weights, bias = oracles.random_machine(21, 22, scale=0.02)
    base = distributions.RestrictedBoltzmannMachine(
        weights.astype(np.float32), bias.astype(np.float32)
    )
    exact = partition.enumerate_log_partition(base)
    estimate = partition.annealed_importance_sampling(base, 128, 200, seed=(0, 1))
    assert abs(exact.value - estimate.value) < 5e-4 + 4 * estimate.standard_error


def enumerable(num_units):
    return machines.Base(machines.Enumerable(tf.constant(3.0, tf.float64), num_units), 0.5)


def test_up_to_25_units_and_the_closed_form_are_added():
    assert partition.enumeration.MAX_ENUMERATED_UNITS == 25
    assert float(partition.enumerate_log_partition(enumerable(25)).value) == 3.5
    base = RestrictedBoltzmannMachine(*oracles.random_machine(3, 2), binary=True)
    assert base.log_partition_offset() != 0
    machine = base.machine().enumerate_log_partition()
    estimate = partition.enumerate_log_partition(base)
    np.testing.assert_allclose(estimate.value, machine + base.log_partition_offset())
    assert estimate.effective_sample_size == np.inf


def test_errors():
    with pytest.raises(ValueError, match=r"at most 25 units, .* of `base` has 26"):
        partition.enumerate_log_partition(enumerable(26))
    with pytest.raises(TypeError, match="`base` must be an energy-based distribution"):
        partition.enumerate_log_partition(np.zeros(3))
