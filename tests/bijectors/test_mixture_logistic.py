import functools

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


def left_of_what_probabilities_hold(locs, log_scales):
    return locs.min(axis=-1) - 800 * np.exp(log_scales.max(axis=-1))


def right_of_what_probabilities_hold(locs, log_scales):
    return locs.max(axis=-1) + 800 * np.exp(log_scales.max(axis=-1))


@functools.cache  # Of all places, since XLA takes ten seconds.
def both_outputs(mode):
    def both(*given):
        value, log_derivative = logit_cdf(*given)
        return value, tf.sin(value / 500) + log_derivative**2

    return modes[mode](both)


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("graph", marks=slow), pytest.param("XLA", marks=slow)]
)
@pytest.mark.parametrize(
    "where",
    [
        at_the_location,
        between,
        left_of_what_probabilities_hold,
        right_of_what_probabilities_hold,
    ],
)
def test_second_derivatives_of_value_and_log_derivative(mode, where):
    """In x and in every parameter, also where a component's z is 0, and in the log domain."""
    logits, locs, log_scales = parameters(size=3, components=4)
    given = [tf.constant(part) for part in (where(locs, log_scales), logits, locs, log_scales)]

    check_derivatives(both_outputs(mode), given, [], "the logit of a CDF")


def test_second_derivative_of_a_function_that_was_traced_before():
    x, *given = (np.array([part]) for part in (0.3, [0.2, -0.3], [0.5, -0.4], [0.0, -1.0]))
    value = tf.function(lambda x: logit_cdf(x, *map(tf.constant, given))[0], autograph=False)
    point = tf.constant(x)
    with tf.GradientTape() as outer:
        outer.watch(point)
        with tf.GradientTape() as inner:
            inner.watch(point)
            result = value(point)
        slope = inner.gradient(result, point)
    ends = [np.exp(oracle(x + step, *given)[1]) for step in (1e-5, -1e-5)]
    np.testing.assert_allclose(outer.gradient(slope, point), (ends[0] - ends[1]) / 2e-5, rtol=1e-8)


def test_densities_that_no_sum_holds_are_summed_as_logarithms():
    """F and 1 - F are about one half between two far components, and f is e^-1000."""
    given = [np.array([part]) for part in (0.0, [0.0, 0.3], [-1000.0, 1001.0], [0.0, 0.1])]
    tensors = [tf.constant(part) for part in given]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        found = logit_cdf(*tensors)
    np.testing.assert_allclose(found, oracle(*given), rtol=1e-12)
    # There f is proportional to exp((x - loc_2) / scale_2).
    slopes = tape.gradient(found[1], tensors)
    np.testing.assert_allclose(slopes[0], np.exp(-0.1), rtol=1e-12)
    np.testing.assert_allclose(slopes[2], [[0.0, -np.exp(-0.1)]], atol=1e-12)
    np.testing.assert_allclose(slopes[3], [[0.0, 1001 * np.exp(-0.1) - 1]], atol=1e-9)


def test_scales_below_the_smallest_are_taken_to_be_it():
    x, logits = np.array([0.1, 0.1005]), np.array([[0.0, 0.5]] * 2)
    locs, log_scales = np.array([[0.1, 0.0995]] * 2), np.array([[-8.0, -7.5]] * 2)
    found = logit_cdf(*(tf.constant(part) for part in (x, logits, locs, log_scales)))
    expected = oracle(x, logits, locs, np.full([2, 2], -7.0))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


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


@pytest.mark.parametrize("distance", [-130, -95, -80, -62, 62, 80, 95, 130])
def test_float32_digits_where_probabilities_fade(distance):
    """Each alone, since a single far one takes all of them to the log domain."""
    given = [np.float32([part]) for part in (distance, [0.2, -0.5], [0.0, 0.5], [0.0, -1.0])]
    found = logit_cdf(*(tf.constant(part) for part in given))
    np.testing.assert_allclose(found, oracle(*given), rtol=2e-6, atol=2e-6)


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
