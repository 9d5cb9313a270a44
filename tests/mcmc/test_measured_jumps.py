"""Jumps of a machine small enough to be summed, and what they measure."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter
from tfp_ebm.mcmc.measured_jumps import Jumped, jump_and_measure, jump_where_due
from tfp_ebm.mcmc.mixing import Mixing

NUM_CHAINS = 20_000


def machine():
    weights, bias = oracles.random_machine(5, 3, seed=2, scale=0.8)
    return SpinMachine.from_parameters(tf.constant(weights), tf.constant(bias))


def jumped(units, log_weights, proposing, value=0.0, variance=1e6, acceptance=0.5, duplicates=0.0):
    known = (tf.constant(part, tf.float64) for part in (value, variance))
    mixing = Mixing(*(tf.constant(part, tf.float64) for part in (acceptance, duplicates)))
    state = Jumped(units, LogPartitionFilter(*known), mixing)
    return jump_and_measure(machine(), state, proposing, log_weights, (0, 3))


def test_jumps_leave_the_machine_as_it_is_and_measure_log_z():
    units = machine().sample_exactly(NUM_CHAINS, (0, 1))
    proposing = machine().sample_reference(4, (0, 2))
    found = jumped(units, tf.zeros([NUM_CHAINS], tf.float64), proposing)
    exact = float(machine().enumerate_log_partition())
    error = float(found.log_partition.variance) ** 0.5
    assert abs(float(found.log_partition.value) - exact) < 4 * error and error < 0.05
    np.testing.assert_allclose(
        np.mean(found.units, axis=0), np.mean(units, axis=0), atol=4 * np.sqrt(2 / NUM_CHAINS)
    )
    pairs = [np.einsum("ni,nj->ij", part, part) / NUM_CHAINS for part in (found.units, units)]
    np.testing.assert_allclose(*pairs, atol=4 * np.sqrt(2 / NUM_CHAINS))
    assert np.mean(np.any(found.units != units, axis=-1)) > 0.5


def test_weights_of_the_chains_count():
    """Draws of the reference, weighed for the machine, measure as its own do."""
    units = machine().sample_reference(NUM_CHAINS, (0, 1))
    zero, one = np.float64(0), np.float64(1)
    log_weights = machine().log_marginal_increment(units, zero, one)
    proposing = machine().sample_reference(4, (0, 2))
    exact = float(machine().enumerate_log_partition())
    found = jumped(units, log_weights, proposing).log_partition
    assert abs(float(found.value) - exact) < 4 * float(found.variance) ** 0.5
    wrong = jumped(units, 0 * log_weights, proposing).log_partition
    assert abs(float(wrong.value) - exact) > 4 * float(found.variance) ** 0.5


def test_jumps_are_due_more_seldom_where_none_is_accepted():
    units = machine().sample_reference(10, (0, 1))
    zero = tf.constant(0.0, tf.float64)
    state = Jumped(units, LogPartitionFilter(zero, zero + 1e6), Mixing(zero, zero))

    @tf.function
    def acceptance(num_moves, is_accepted):
        even = tf.zeros([10], tf.float64)
        found = jump_where_due(
            lambda: jump_and_measure(machine(), state, units, even, (0, 3)),
            state,
            num_moves,
            is_accepted,
        )
        return found.mixing.acceptance

    for is_accepted, rest in ((True, 4), (False, 12)):
        jumped = [
            bool(acceptance(tf.constant(move), tf.constant(is_accepted)) > 0) for move in range(25)
        ]
        assert jumped == [move % rest == 0 for move in range(25)]


@pytest.mark.slow
def test_acceptance_is_a_running_mean():
    units = machine().sample_exactly(NUM_CHAINS, (0, 1))
    even = tf.zeros([NUM_CHAINS], tf.float64)
    proposing = machine().sample_exactly(500, (0, 2))
    low, high = (jumped(units, even, proposing, acceptance=a).mixing.acceptance for a in (0.0, 1.0))
    assert float(high - low) == pytest.approx(0.7)
    assert 0.06 < float(low) < 0.3


def test_chains_that_mix_badly_measure_less():
    units = machine().sample_exactly(2000, (0, 1))
    even, proposing = tf.zeros([2000], tf.float64), machine().sample_reference(4, (0, 2))
    well = jumped(units, even, proposing, acceptance=1.0)
    badly = jumped(units, even, proposing, acceptance=0.5, duplicates=2.0)
    assert float(badly.log_partition.variance / well.log_partition.variance) == pytest.approx(9)
    accepted = (float(well.mixing.acceptance) - 0.7) / 0.3
    assert float(badly.mixing.duplicates) == pytest.approx(2 * (1 - accepted), abs=1e-6)
