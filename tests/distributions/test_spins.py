"""IndependentSpins and RestrictedBoltzmannMachine, both over spins."""

import numpy as np
import pytest

from tests import oracles
from tfp_ebm.distributions import IndependentSpins, RestrictedBoltzmannMachine


def test_independent_spins_sum_to_one_and_match_their_moments():
    field = np.array([0.4, -1.0, 0.0])
    spins = IndependentSpins(field)
    states = oracles.all_states(3)
    probabilities = np.exp(spins.log_prob(states))
    np.testing.assert_allclose(probabilities.sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(spins.mean(), probabilities @ states, rtol=1e-12)
    entropy = -(probabilities * np.log(probabilities)).sum()
    np.testing.assert_allclose(spins.entropy(), entropy, rtol=1e-12)
    sample = spins.sample(100_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(sample.mean(0), spins.mean(), atol=0.015)
    assert set(np.unique(sample)) == {-1.0, 1.0}
    np.testing.assert_array_equal(spins.mode(), [1, -1, 1])


def test_values_are_checked_on_request():
    spins = IndependentSpins(np.zeros(3), validate_args=True)
    with pytest.raises(Exception, match="must hold spins"):
        spins.log_prob(np.array([0.0, 1.0, 1.0]))


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_machine_against_enumeration(sizes):
    weights, bias = oracles.random_machine(*sizes)
    machine = RestrictedBoltzmannMachine(weights, bias)
    states = oracles.all_states(sum(sizes))
    expected = oracles.spin_probabilities(weights, bias)
    np.testing.assert_allclose(np.exp(machine.log_prob(states)), expected, rtol=1e-9)
    sample = machine.sample(100_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(sample.mean(0), expected @ states, atol=0.015)
