import numpy as np
import pytest
import tensorflow as tf

from tests import oracles, registry
from tfp_ebm.distributions import IndependentSpins

test_conformance = registry.conformance("IndependentSpins")


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
    value = np.array([[0.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [np.nan, 1.0, 1.0]])
    for method in (spins.log_prob, spins.prob, tf.function(spins.log_prob)):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must hold spins"):
            method(value)
    compiled = tf.function(spins.log_prob, jit_compile=True)
    np.testing.assert_array_equal(np.isnan(compiled(value)), [True, False, True])


def test_divergence_and_covariance():
    fields = np.array([[0.4, -1.0, 0.0], [2.0, 0.3, -0.7]])
    a, b = (IndependentSpins(field) for field in fields)
    states = oracles.all_states(3)
    p, q = (np.exp(one.log_prob(states)) for one in (a, b))
    np.testing.assert_allclose(a.kl_divergence(b), np.sum(p * np.log(p / q)), rtol=1e-12)
    np.testing.assert_allclose(a.covariance(), np.cov(states.T, aweights=p, ddof=0), atol=1e-12)
    both = IndependentSpins(fields[:, None]).kl_divergence(IndependentSpins(fields))
    np.testing.assert_allclose(both, [[0, a.kl_divergence(b)], [b.kl_divergence(a), 0]], atol=1e-12)
    with pytest.raises(ValueError, match="needs events of one shape"):
        a.kl_divergence(IndependentSpins(np.zeros(2)))


def test_divergence_of_certain_spins_does_not_overflow():
    sure = IndependentSpins(np.array([300.0, -300.0]))
    even = IndependentSpins(np.zeros(2))
    np.testing.assert_allclose(sure.kl_divergence(even), 2 * np.log(2), rtol=1e-12)
    np.testing.assert_allclose(sure.kl_divergence(sure.copy()), 0, atol=1e-12)
