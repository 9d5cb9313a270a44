"""Weights and log Z where they can follow a machine, and where they cannot."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.distributions import GaussianBernoulliRBM
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc import WeightedChains, start_chains
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter
from tfp_ebm.mcmc.weight_update import Followed, follow


def machine(scale=1.0):
    weights, bias = oracles.random_machine(6, 5, scale=0.3)
    return SpinMachine.from_parameters(tf.constant(scale * weights), tf.constant(bias))


def followed(before, after, is_known=True, log_marginals=None, num_chains=8):
    units = before.sample_exactly(num_chains, (0, 1))
    log_weights = tf.constant(np.linspace(-1, 1, num_chains))
    known = LogPartitionFilter(tf.constant(3.0, tf.float64), tf.constant(0.01, tf.float64))
    marginals = before.log_marginal(units) if log_marginals is None else log_marginals
    chains = Followed(units, log_weights, known)
    one = tf.constant(1.0, tf.float64)
    return chains, follow(after, chains, marginals, one, tf.constant(is_known), (0, 2))


def test_weights_and_log_z_move_by_the_increments():
    before, after = machine(), machine(1.1)
    chains, moved = followed(before, after)
    change = (after.log_marginal(chains.units) - before.log_marginal(chains.units)).numpy()
    weights = chains.log_weights.numpy()
    np.testing.assert_allclose(moved.log_weights, weights + change)
    share = np.exp(weights) / np.exp(weights).sum()
    expected = 3 + np.log(np.sum(share * np.exp(change)))
    np.testing.assert_allclose(moved.log_partition.value, expected)
    assert 0.01 < float(moved.log_partition.variance) < 0.1
    np.testing.assert_array_equal(moved.units, chains.units)


def test_what_is_unknown_is_lost_not_guessed():
    chains, moved = followed(machine(), machine(1.1), is_known=False)
    np.testing.assert_array_equal(moved.log_weights, np.zeros(8))
    assert float(moved.log_partition.variance) == 1e6
    np.testing.assert_array_equal(moved.units, chains.units)


def test_a_chain_that_is_not_finite_starts_afresh_without_weight():
    class Odd(SpinMachine):
        def log_marginal(self, state):
            bad = tf.range(tf.shape(state)[0]) == 2
            return tf.where(bad, np.nan, super().log_marginal(state))

    before, odd = machine(), Odd(*machine(1.1))
    chains, moved = followed(before, odd)
    _, fine = followed(before, machine(1.1))
    kept = np.arange(8) != 2
    assert float(moved.log_weights[2]) == -np.inf
    np.testing.assert_allclose(moved.log_weights.numpy()[kept], fine.log_weights.numpy()[kept])
    np.testing.assert_array_equal(moved.units.numpy()[kept], chains.units.numpy()[kept])
    fresh = odd.sample_reference(8, (0, 2))
    np.testing.assert_array_equal(moved.units[2], fresh[2])
    assert np.any(fresh[2] != chains.units[2])
    share = tf.nn.softmax(chains.log_weights).numpy()
    change = (fine.log_weights - chains.log_weights).numpy()
    expected = 3 + np.log(np.sum((share * np.exp(change))[kept]))
    np.testing.assert_allclose(moved.log_partition.value, expected)


def test_without_a_finite_chain_log_z_is_lost():
    chains, moved = followed(machine(), machine(np.nan))
    np.testing.assert_array_equal(moved.log_weights, np.zeros(8))
    assert float(moved.log_partition.variance) == 1e6
    del chains


def followed_chains():
    chains = WeightedChains.start(machine(0.0), 64, seed=(0, 1))
    chains.advance(machine(0.5), 2, seed=(0, 2))
    return chains


@pytest.mark.parametrize("name", ["units", "log_marginals", "log_weights"])
def test_states_assigned_by_hand_are_noticed(name):
    chains = followed_chains()
    assert float(chains.log_partition_variance) < 0.1
    variable = getattr(chains, name)
    variable.assign(tf.random.shuffle(-variable, seed=1))
    # Neither jumps nor weights may claim what is not known: the first measurement counts alone.
    chains._num_moves.assign(1)
    chains.advance(machine(0.6), 2, seed=(0, 3))
    assert float(chains.log_partition_variance) == 1e6
    np.testing.assert_array_equal(chains.log_weights, np.zeros(64))


@pytest.mark.slow
def test_no_move_is_taken_for_one_by_hand():
    chains = followed_chains()
    compiled = tf.function(chains.advance, jit_compile=True, autograph=False)
    for index, advance in enumerate([chains.advance, compiled, chains.advance, compiled]):
        advance(machine(0.6 + 0.1 * index), 2, (0, 4 + index))
        assert float(chains.log_partition_variance) < 0.1
    exact = machine(0.9).enumerate_log_partition()
    assert abs(float(chains.log_partition - exact)) < 0.3


def test_chains_recover_from_parameters_that_were_not_finite():
    base = GaussianBernoulliRBM.create(2, 13, num_chains=64, seed=(0, 1))
    kept = base.weights.numpy()
    base.update_chains(2, seed=(0, 1))
    base.weights.assign(np.nan * kept)
    base.update_chains(2, seed=(0, 2))
    base.weights.assign(kept)
    for index in range(8):
        base.update_chains(2, seed=(0, 3 + index))
    exact = float(base.machine().enumerate_log_partition())
    assert np.all(np.isfinite(base.chains.units))
    record = base.stored_log_partition.read()
    assert abs(float(record.value) - exact) < 5 * float(record.standard_error)


def test_another_method_or_option_is_named():
    with pytest.raises(ValueError, match="`size` is no option of the method 'weighted', which"):
        start_chains("weighted", machine(), 4, size=10)
