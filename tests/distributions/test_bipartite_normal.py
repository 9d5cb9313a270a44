import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal

from tests import oracles, registry
from tfp_ebm.distributions import BipartiteNormal

test_conformance = registry.conformance("BipartiteNormal")

DELTA = 2.1


@pytest.mark.parametrize("sizes", [(3, 2), (2, 5), (3, 3)])
def test_against_the_dense_normal(sizes):
    weights, _ = oracles.random_machine(*sizes)
    dense = np.linalg.inv(oracles.precision(weights, DELTA))
    points = np.random.default_rng(0).normal(size=[6, sum(sizes)])
    base = BipartiteNormal(weights, DELTA)
    expected = multivariate_normal(np.zeros(sum(sizes)), dense).logpdf(points)
    np.testing.assert_allclose(base.log_prob(points), expected, rtol=1e-10)
    sample = base.sample(200_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(np.cov(sample.T), dense, atol=0.01)


def test_samples_carry_gradients():
    weights = tf.Variable(oracles.random_machine(3, 2)[0])
    base = BipartiteNormal(weights, DELTA)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(base.sample(5, seed=(0, 1)) ** 2)
    assert np.all(np.isfinite(tape.gradient(loss, weights)))


def test_errors():
    with pytest.raises(ValueError, match="`delta` must exceed"):
        BipartiteNormal(np.full([3, 2], 2.0), 1.0)
    with pytest.raises(ValueError, match="`weights` must have shape"):
        BipartiteNormal(np.zeros([3]), 1.0)


def test_covariance_of_a_batch():
    weights = np.stack([oracles.random_machine(3, 2, seed=seed)[0] for seed in (1, 2)])
    base = BipartiteNormal(weights, np.array([2.9, 3.5]))
    expected = [
        np.linalg.inv(oracles.precision(w, d)) for w, d in zip(weights, [2.9, 3.5], strict=True)
    ]
    np.testing.assert_allclose(base.covariance(), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(base.variance(), [np.diag(c) for c in expected], rtol=1e-10)
