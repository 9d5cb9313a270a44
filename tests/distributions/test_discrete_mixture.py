import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from tests import oracles, registry
from tfp_ebm.distributions import DiscreteMixture, SmoothedRBM

test_conformance = registry.conformance("DiscreteMixture")

BIAS = np.array([0.3, -0.7, 0.1])
DELTA = 1.8


def test_log_prob_is_a_product_of_two_component_mixtures():
    points = np.random.default_rng(0).normal(size=[6, 3]) * 2
    up = 1 / (1 + np.exp(-2 * BIAS))
    scale = DELTA**-0.5
    density = up * norm.pdf(points, 1, scale) + (1 - up) * norm.pdf(points, -1, scale)
    expected = np.log(density).sum(axis=-1)
    np.testing.assert_allclose(DiscreteMixture(BIAS, DELTA).log_prob(points), expected, rtol=1e-10)


def test_is_the_smoothed_rbm_without_couplings():
    points = np.random.default_rng(0).normal(size=[6, 3])
    coupled = SmoothedRBM(np.zeros([2, 1]), BIAS, DELTA)
    mixture = DiscreteMixture(BIAS, DELTA)
    np.testing.assert_allclose(mixture.log_prob(points), coupled.log_prob(points), rtol=1e-10)
    one, other = mixture.posterior(points).mean(), coupled.posterior(points).mean()
    np.testing.assert_allclose(one, other, rtol=1e-10)


def test_integrates_to_one():
    axis = np.linspace(-8, 8, 2001)
    base = DiscreteMixture(BIAS[:1], DELTA)
    total = np.exp(base.log_prob(axis[:, None])).sum() * (axis[1] - axis[0])
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_moments_and_posterior():
    base = DiscreteMixture(BIAS, DELTA)
    sample = base.sample(100_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(sample.mean(0), base.mean(), atol=0.015)
    np.testing.assert_allclose(sample.var(0), base.variance(), atol=0.03)
    weights = np.zeros([2, 1])
    joint = oracles.smoothed_joint(weights, BIAS, DELTA, sample[:5])
    posterior = np.exp(joint - joint.max(1, keepdims=True))
    posterior /= posterior.sum(1, keepdims=True)
    expected = posterior @ oracles.all_states(3)
    np.testing.assert_allclose(base.posterior(sample[:5]).mean(), expected, atol=1e-10)


def test_moments_of_a_batch_of_deltas():
    base = DiscreteMixture(BIAS, [1.0, 2.0])
    np.testing.assert_allclose(base.mean(), np.tile(np.tanh(BIAS), [2, 1]), rtol=1e-6)
    variance = 1 - np.tanh(BIAS) ** 2 + [[1.0], [0.5]]
    np.testing.assert_allclose(base.variance(), variance, rtol=1e-6)


def test_fixed_code():
    spins = np.array([[1.0, -1, 1], [-1, -1, -1]])
    sample = DiscreteMixture(BIAS, DELTA).sample([20_000, 2], spins=spins, seed=(0, 2)).numpy()
    assert sample.shape == (20_000, 2, 3)
    np.testing.assert_allclose(sample.mean(0), spins, atol=0.03)
    np.testing.assert_allclose(sample.var(0), 1 / DELTA, atol=0.03)


def test_learned_delta_starts_where_it_is_told_and_trains():
    base = DiscreteMixture.create(2, delta=1.7, learn_delta=True)
    assert float(tf.convert_to_tensor(base.delta)) == pytest.approx(1.7, rel=1e-6)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(base.log_prob(tf.constant([[0.3, -2.0]])))
    gradients = tape.gradient(loss, base.trainable_variables)
    assert len(gradients) == 2 and float(tf.abs(gradients[1])) > 0
    base.trainable_variables[1].assign(-50.0)
    assert float(tf.convert_to_tensor(base.delta)) >= 0.1


def test_errors():
    with pytest.raises(ValueError, match=r"`delta` must start above 0\.1 to be learned, got 0\.1"):
        DiscreteMixture.create(2, delta=0.1, learn_delta=True)
    with pytest.raises(ValueError, match="`delta` must be above 0, got -1"):
        DiscreteMixture(BIAS, -1.0)
    with pytest.raises(ValueError, match="got a scalar"):
        DiscreteMixture(0.3)
    with pytest.raises(ValueError, match="`num_dims` must be an integer of at least 1, got 0"):
        DiscreteMixture.create(0)


def test_delta_is_checked_at_run_time_if_asked():
    delta = tf.Variable(1.5)
    base = DiscreteMixture([0.3, -0.2], delta, validate_args=True)
    assert np.isfinite(base.log_prob([0.0, 1.0]))
    delta.assign(-1.0)
    for call in (base.log_prob, tf.function(base.log_prob)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="`delta` must be above 0"):
            call(tf.zeros([2]))
