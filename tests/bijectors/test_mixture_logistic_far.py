import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from tfp_ebm.bijectors import MixLogCDF
from tfp_ebm.bijectors.mixture_logistic_far import far_gradient, far_logit_cdf, normalized
from tfp_ebm.testing.derivatives import check_derivatives


def mixtures(kind, size, components, seed=0):
    """Mixtures of scales down to e^-7, and points up to 1e4 from them, float32."""
    rng = np.random.default_rng(seed)
    locs = {
        "near": rng.normal(size=(size, 1)) + 1e-3 * rng.normal(size=(size, components)),
        "apart": 3 * rng.normal(size=(size, components)),
    }[kind]
    logits = 2 * rng.normal(size=(size, components))
    log_scales = rng.uniform(-7, 2, size=(size, components))
    x = rng.uniform(-1, 1, size=size) * 10 ** rng.uniform(-1, 4, size=size)
    return [part.astype(np.float32) for part in (x, logits, locs, log_scales)]


def log_derivative(x, logits, locs, log_scales):
    """In extended precision: the difference of logarithms keeps its digits there."""
    x, logits, locs, log_scales = (
        np.asarray(part, np.longdouble) for part in (x, logits, locs, log_scales)
    )
    z = (x[:, None] - locs) * np.exp(-log_scales)
    log_weights = log_softmax(logits, axis=-1)

    def log_sum(terms):
        return np.logaddexp.reduce(terms, axis=-1)

    log_cdf = log_sum(log_weights - np.logaddexp(0, -z))
    log_survival = log_sum(log_weights - np.logaddexp(0, z))
    terms = log_weights - log_scales - np.logaddexp(0, z) - np.logaddexp(0, -z)
    return (log_sum(terms) - log_cdf - log_survival).astype(np.float64)


@pytest.mark.parametrize("kind", ["near", "apart"])
@pytest.mark.parametrize("components", [1, 4, 32])
def test_float32_log_determinant_millions_of_scales_outside(kind, components):
    x, *given = mixtures(kind, 4000, components)
    expected = log_derivative(x, *given)
    found = MixLogCDF(*given).forward_log_det_jacobian(x, event_ndims=0).numpy()
    assert np.max(np.abs(found - expected) / (1 + np.abs(expected))) < 5e-6


def test_float32_gradients_millions_of_scales_outside():
    """The shares of the components add up to 1 there, so that x and the locations balance."""
    given = [tf.constant(part) for part in mixtures("near", 2000, 4)]
    bars = (tf.ones([2000]), tf.zeros([2000]))
    logits_bar, locs_bar, _ = far_gradient(*given, *bars)
    x, logits, locs, log_scales = given
    value, derivative = far_logit_cdf(x, locs, *normalized(logits, log_scales))
    np.testing.assert_allclose(-tf.reduce_sum(locs_bar, -1), tf.exp(derivative), rtol=2e-4)
    np.testing.assert_allclose(tf.reduce_sum(logits_bar, -1), 0.0, atol=2e-6)
    assert np.all(np.isfinite(value))


def test_derivatives_at_a_location():
    """There a component's z is 0; the operations themselves are differentiated."""
    given = [
        tf.constant(part, tf.float64) for part in ([0.5], [[0.2, -0.3]], [[0.5, 0.9]], [[0.0, -1]])
    ]
    x, logits, locs, log_scales = given
    with tf.GradientTape() as tape:
        tape.watch(given)
        value, log_derivative = far_logit_cdf(x, locs, *normalized(logits, log_scales))
    slopes = tape.gradient(value, given)
    np.testing.assert_allclose(slopes[0], tf.exp(log_derivative), rtol=1e-12)
    bars = tf.ones([1], tf.float64), tf.zeros([1], tf.float64)
    for bar, slope in zip(far_gradient(*given, *bars), slopes[1:], strict=True):
        np.testing.assert_allclose(bar, slope, rtol=1e-12)
    check_derivatives(far_gradient, [*given, *bars], [], "the gradient in the log domain")


def test_the_log_domain_agrees_with_the_sums():
    """Float64 and few scales, where either is exact."""
    rng = np.random.default_rng(0)
    logits, locs, log_scales = (tf.constant(rng.normal(size=[7, 3])) for _ in range(3))
    x = tf.constant(rng.normal(size=7))
    value, derivative = far_logit_cdf(x, locs, *normalized(logits, log_scales))
    bijector = MixLogCDF(logits, locs, log_scales)
    np.testing.assert_allclose(value, bijector.forward(x), rtol=1e-12, atol=1e-13)
    expected = bijector.forward_log_det_jacobian(x, event_ndims=0)
    np.testing.assert_allclose(derivative, expected, rtol=1e-12, atol=1e-13)
