import numpy as np
import pytest

from tests import oracles, registry
from tfp_ebm.distributions import RestrictedBoltzmannMachine

test_conformance = registry.conformance("RestrictedBoltzmannMachine")


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_machine_against_enumeration(sizes):
    weights, bias = oracles.random_machine(*sizes)
    machine = RestrictedBoltzmannMachine(weights, bias)
    states = oracles.all_states(sum(sizes))
    expected = oracles.spin_probabilities(weights, bias)
    np.testing.assert_allclose(np.exp(machine.log_prob(states)), expected, rtol=1e-9)
    sample = machine.sample(100_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(sample.mean(0), expected @ states, atol=0.015)
