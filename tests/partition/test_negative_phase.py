import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.distributions import RestrictedBoltzmannMachine
from tfp_ebm.mcmc import PersistentChains, StartChains
from tfp_ebm.partition import LogPartition, NegativePhase


def machine(sizes=(4, 3)):
    return RestrictedBoltzmannMachine(*oracles.random_machine(*sizes)).machine()


def phase(chains=None, sizes=(4, 3)):
    return NegativePhase(machine(sizes), tf.TensorShape([]), tf.float64, chains, "Machine")


def test_small_machines_need_nothing_but_what_is_asked_for():
    assert phase().is_exact and phase().variables == ()
    assert not bool(phase().is_stale(machine())) and not bool(phase().are_chains_stale(machine()))
    assert not phase(StartChains("persistent", 8)).is_exact
    assert not phase(sizes=(14, 13)).is_exact


def test_it_owns_the_chains_that_it_was_given():
    chains = PersistentChains.start(machine(), 8, (0, 1))
    owner = phase(chains)
    assert owner.chains is chains and chains in owner.submodules
    assert bool(owner.is_stale(machine())) and not bool(owner.are_chains_stale(machine()))
    owner.store(LogPartition.exact(np.float64(2.0)), machine())
    assert not bool(owner.is_stale(machine()))
    assert float(owner.stored.value) == 2.0


def test_chains_move_and_samples_come_from_them():
    owner = phase(StartChains("persistent", 8, seed=(0, 1)), (14, 13))
    given = machine((14, 13))
    before = owner.chains.units.numpy()
    owner.update(given, 2, (0, 2), None)
    assert np.any(owner.chains.units.numpy() != before)
    drawn = owner.sample(given, 5, 3, (0, 3))
    assert drawn.shape == (5, 27)
    np.testing.assert_array_equal(drawn, owner.sample(given, 5, 3, (0, 3)))


def test_variables_cannot_be_made_in_a_function():
    with pytest.raises(ValueError, match=r"with `chains`, .* construct it outside"):
        tf.function(lambda: tf.constant(phase(sizes=(14, 13)).is_exact), autograph=False)()
