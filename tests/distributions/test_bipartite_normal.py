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


def gaussian_divergence(a, b):
    """KL of two centred Gaussians of these precisions."""
    ratio = b @ np.linalg.inv(a)
    return 0.5 * (np.trace(ratio) - len(a) - np.linalg.slogdet(ratio)[1])


@pytest.mark.parametrize("sizes", [(3, 2), (2, 3), (1, 4)])
def test_entropy_and_divergence_whatever_the_layers(sizes):
    weights, other = oracles.random_machine(*sizes)[0], oracles.random_machine(3, 2, seed=1)[0]
    a, b = oracles.precision(weights, DELTA), oracles.precision(other, 2.9)
    base = BipartiteNormal(weights, DELTA)
    expected = multivariate_normal(np.zeros(5), np.linalg.inv(a)).entropy()
    np.testing.assert_allclose(base.entropy(), expected, rtol=1e-10)
    divergence = base.kl_divergence(BipartiteNormal(other, 2.9))
    np.testing.assert_allclose(divergence, gaussian_divergence(a, b), rtol=1e-9)
    np.testing.assert_allclose(
        base.cross_entropy(BipartiteNormal(other, 2.9)), expected + divergence, rtol=1e-9
    )
    np.testing.assert_allclose(base.kl_divergence(base.copy()), 0, atol=1e-12)


def test_divergence_of_batches():
    weights = [oracles.random_machine(3, 2, seed=seed)[0] for seed in range(5)]
    a = BipartiteNormal(np.stack(weights[:2])[:, None], DELTA)
    b = BipartiteNormal(np.stack(weights[2:]), np.array([2.5, 3.0, 3.5]))
    actual = a.kl_divergence(b)
    assert actual.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = oracles.precision(weights[i], DELTA)
        two = oracles.precision(weights[2 + j], 2.5 + 0.5 * j)
        np.testing.assert_allclose(actual[i, j], gaussian_divergence(one, two), rtol=1e-9)
    np.testing.assert_allclose(b.kl_divergence(a[:, 0, None])[1, 1], b[1].kl_divergence(a[1, 0]))


def test_divergence_of_other_sizes_is_refused():
    with pytest.raises(ValueError, match=r"events of one shape, got \(5,\) and \(4,\)"):
        BipartiteNormal(np.zeros([3, 2])).kl_divergence(BipartiteNormal(np.zeros([3, 1])))


def test_delta_is_checked_at_run_time_if_asked():
    delta = tf.Variable(np.float64(2.5))
    base = BipartiteNormal(np.eye(2), delta, validate_args=True)
    assert np.all(np.isfinite(base.log_prob(np.zeros(4))))
    delta.assign(0.9)
    for call in (base.sample, tf.function(base.sample)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="`delta` must exceed the largest"):
            call(3)
