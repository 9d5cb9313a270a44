import numpy as np
import pytest
import tensorflow as tf

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


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_moments_and_entropy_are_sums_over_all_states(sizes, binary):
    weights, bias = oracles.random_machine(*sizes, scale=0.8)
    machine = RestrictedBoltzmannMachine(weights, bias, binary=binary)
    states = oracles.all_states(sum(sizes))
    states = (states + 1) / 2 if binary else states
    share = np.exp(oracles.spin_log_weights(weights, bias, states))
    share /= share.sum()
    covariance = np.cov(states.T, aweights=share, ddof=0)
    np.testing.assert_allclose(machine.mean(), share @ states, rtol=1e-10)
    np.testing.assert_allclose(machine.covariance(), covariance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(machine.variance(), np.diag(covariance), rtol=1e-9)
    np.testing.assert_allclose(machine.entropy(), -share @ np.log(share), rtol=1e-10)


def test_moments_of_large_machines_are_refused():
    machine = RestrictedBoltzmannMachine(np.zeros([13, 14]), np.zeros(27))
    for name in ("mean", "variance", "covariance", "entropy"):
        with pytest.raises(NotImplementedError, match="exact up to 12 units, here 13; average"):
            getattr(machine, name)()


@pytest.mark.parametrize("binary", [False, True])
def test_values_are_checked_on_request(binary):
    low = 0.0 if binary else -1.0
    model = RestrictedBoltzmannMachine(
        np.ones([2, 1]), np.zeros(3), binary=binary, validate_args=True
    )
    value = np.array([[0.5, 1.0, 1.0], [low, 1.0, 1.0], [-1.0 - low, 1.0, 1.0]])
    for method in (model.log_prob, tf.function(model.unnormalized_log_prob)):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must hold units"):
            method(value)
    compiled = tf.function(model.log_prob, jit_compile=True)
    np.testing.assert_array_equal(np.isnan(compiled(value)), [True, False, True])
