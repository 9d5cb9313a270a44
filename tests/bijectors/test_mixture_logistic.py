import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors.test_mix_log_cdf import oracle, parameters
from tfp_ebm.bijectors import mixture_logistic
from tfp_ebm.bijectors.mixture_logistic import logit_cdf
from tfp_ebm.testing.derivatives import check_derivatives

modes = {
    "eager": lambda function: function,
    "graph": tf.function,
    "XLA": lambda function: tf.function(function, jit_compile=True),
}
slow = pytest.mark.slow


def at_the_location(locs, log_scales):
    return locs[:, 0]


def between(locs, log_scales):
    return np.linspace(-2, 2, len(locs))


def hundreds_of_scales_outside(locs, log_scales):
    return locs.min(axis=-1) - 300 * np.exp(log_scales.max(axis=-1))


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("graph", marks=slow), pytest.param("XLA", marks=slow)]
)
@pytest.mark.parametrize("where", [at_the_location, between, hundreds_of_scales_outside])
def test_second_derivatives_of_value_and_log_derivative(mode, where):
    """In x and in every parameter, also where a component's z is 0, and in the log domain."""
    logits, locs, log_scales = parameters(size=3, components=4)
    given = [tf.constant(part) for part in (where(locs, log_scales), logits, locs, log_scales)]

    def both(*given):
        value, log_derivative = logit_cdf(*given)
        return value, tf.sin(value / 500) + log_derivative**2

    check_derivatives(modes[mode](both), given, [], "the logit of a CDF")


def test_second_derivative_below_the_smallest_scale():
    """There the scale is fixed, and nothing depends on its logarithm."""
    given = [tf.constant([part], tf.float64) for part in (0.1, [0.0], [0.1 + 1e-4], [-8.0])]
    with tf.GradientTape() as outer:
        outer.watch(given)
        with tf.GradientTape() as inner:
            inner.watch(given)
            log_derivative = logit_cdf(*given)[1]
        slope = inner.gradient(log_derivative, given[0])
    assert float(outer.gradient(slope, given[3])[0, 0]) == 0.0


def test_forward_mode_at_a_location():
    """Accumulators differentiate the operations themselves."""
    x, direction = tf.constant([0.5], tf.float64), tf.constant([1.0], tf.float64)
    given = [tf.constant([part], tf.float64) for part in ([0.2, -0.3], [0.5, 0.5], [0.0, -1.0])]
    with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
        value, log_derivative = logit_cdf(x, *given)
    np.testing.assert_allclose(accumulator.jvp(value), np.exp(log_derivative), rtol=1e-12)


@pytest.mark.parametrize("size", [200, 40_000])
def test_float32_digits_of_both_results(size):
    """Within 45 scales of a component; also where it is compiled."""
    logits, locs, log_scales = parameters(np.float32, size=size, components=4)
    reach = np.random.default_rng(1).uniform(-45, 45, size=size)
    x = (locs[:, 0] + np.exp(log_scales[:, 0]) * reach).astype(np.float32)
    value, log_derivative = oracle(x, logits, locs, log_scales)
    kept = (np.abs(value) < 57) & (log_derivative > -50)
    given = [tf.constant(part[kept]) for part in (x, logits, locs, log_scales)]
    found = logit_cdf(*given)
    np.testing.assert_allclose(found[0], value[kept], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], log_derivative[kept], rtol=1e-6, atol=1e-6)


def test_one_far_element_leaves_the_others_their_values():
    """A single one takes all of them to the log domain."""
    logits, locs, log_scales = parameters(np.float32, size=6)
    x = np.linspace(-2, 2, 6).astype(np.float32)
    near = logit_cdf(*(tf.constant(part) for part in (x, logits, locs, log_scales)))
    x[5] = 1e6
    far = logit_cdf(*(tf.constant(part) for part in (x, logits, locs, log_scales)))
    for one, other in zip(near, far, strict=True):
        np.testing.assert_allclose(one[:5], other[:5], rtol=1e-5, atol=1e-5)
    assert float(mixture_logistic.smallest_sum(tf.float32)) < 1e-25
