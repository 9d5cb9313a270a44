"""The logit of a mixture-of-logistics CDF: value, derivative and gradient."""

import functools

import numpy as np
import tensorflow as tf

from tfp_ebm.bijectors.mixture_logistic_far import (
    MIN_LOG_SCALE,
    far_gradient,
    far_logit_cdf,
    normalized,
)
from tfp_ebm.internal.compiled import compile_if_large

__all__ = [
    "LARGE",
    "either_far_logit_cdf",
    "either_normalized",
    "here",
    "logit_and_derivative",
    "logit_cdf",
    "plain_sums",
    "smallest_sum",
    "weights_and_rates",
]

# From this number of elements times components on, compiling pays for its seconds.
LARGE = 2**17


def here(*tensors: tf.Tensor) -> list[tf.Tensor]:
    """Returns the tensors as of the graph that is built at present.

    The function that a gradient belongs to may have been traced before; its tensors are out of
    reach when the gradient is differentiated in turn.
    """
    return [tf.identity(tensor) for tensor in tensors]


def weights_and_rates(logits: tf.Tensor, log_scales: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the normalised weights and the inverse scales of the components, `[..., K]`."""
    # Flat, because XLA vectorises one long loop better than rows of K.
    flat = _either_rates(tf.reshape(log_scales, [-1]))
    return tf.nn.softmax(logits), tf.reshape(flat, tf.shape(log_scales))


def _rates(log_scales):
    return tf.exp(-tf.maximum(log_scales, MIN_LOG_SCALE))


def _signed_tail(x, locs, rates):
    """Returns the smaller of sigmoid(z) and sigmoid(-z), negative where z is, `[..., K]`.

    Both sigmoids follow from it, accurate to rounding in their own tails, by additions alone.
    """
    z = (x[..., tf.newaxis] - locs) * rates
    # Beyond it the tail would round to 0, which has no sign.
    limit = -0.3 - float(np.log(np.finfo(x.dtype.as_numpy_dtype).tiny))
    is_negative = z < 0
    # No `abs`, whose derivative at 0 is 0.
    ratio = tf.exp(tf.maximum(tf.where(is_negative, z, -z), -limit))
    tail = ratio / (1 + ratio)
    return tf.where(is_negative, -tail, tail)


def _sigmoids(tail):
    """Returns sigmoid(z), sigmoid(-z) and their product from the signed tail."""
    is_negative = tail < 0
    size = tf.abs(tail)
    sigmoid = tf.where(is_negative, size, 1 - size)
    return sigmoid, tf.where(is_negative, 1 - size, size), size - size * size


def _sums_of_tail(weights, rates, tail):
    sigmoid, complement, slope = _sigmoids(tail)
    terms = (weights * sigmoid, weights * complement, weights * rates * slope)
    return tuple(tf.reduce_sum(term, axis=-1) for term in terms)


def plain_sums(x: tf.Tensor, weights: tf.Tensor, locs: tf.Tensor, rates: tf.Tensor) -> tuple:
    """Returns F, 1 - F and f, `[...]`, from sums over probabilities.

    Terms are lost 60 scales or more from every component; see `smallest_sum`.
    """
    return _either_sums(weights, rates, _either_signed_tail(x, locs, rates))


def smallest_sum(dtype: tf.DType) -> float:
    """Returns the smallest sum that loses no terms and has a finite reciprocal."""
    return float(np.finfo(dtype.as_numpy_dtype).tiny * 2.0**40)


def logit_and_derivative(
    cdf: tf.Tensor, survival: tf.Tensor, density: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logit F and its derivative from F, 1 - F and f."""
    # Of the quotient: two logarithms would cancel where F is near 1 - F.
    return tf.math.log(cdf / survival), density / (cdf * survival)


def _gradient_of_tail(x, weights, locs, rates, log_scales, tail, *coefficients):
    for_cdf, for_survival, for_density, normaliser = (
        part[..., tf.newaxis] for part in coefficients
    )
    sigmoid, complement, slope = _sigmoids(tail)
    for_density *= rates
    z_bar = weights * slope * (for_cdf - for_survival + for_density * (complement - sigmoid))
    logits_bar = weights * (
        for_cdf * sigmoid + for_survival * complement + for_density * slope + normaliser
    )
    z = (x[..., tf.newaxis] - locs) * rates
    scales_bar = -(z_bar * z + weights * for_density * slope)
    # Where the scale is held at its least, its gradient is 0 as that of `tf.maximum` is.
    is_free = log_scales >= MIN_LOG_SCALE
    return logits_bar, -z_bar * rates, tf.where(is_free, scales_bar, tf.zeros_like(z))


def _plain_gradient(sums, x, logits, locs, log_scales, value_bar, log_derivative_bar):
    # Of log F, log(1 - F) and log f.
    bars = (value_bar - log_derivative_bar, -value_bar - log_derivative_bar, log_derivative_bar)
    coefficients = [bar / part for bar, part in zip(bars, sums, strict=True)]
    weights, rates = weights_and_rates(logits, log_scales)
    tail = _either_signed_tail(x, locs, rates)
    return _either_gradient_of_tail(
        x, weights, locs, rates, log_scales, tail, *coefficients, log_derivative_bar
    )


# What several results share is a function of its own: XLA computes it again for each otherwise.
_either_rates = compile_if_large(_rates, LARGE)
_either_signed_tail = compile_if_large(_signed_tail, LARGE)
_either_sums = compile_if_large(_sums_of_tail, LARGE)
_either_gradient_of_tail = compile_if_large(_gradient_of_tail, LARGE)
either_normalized = compile_if_large(normalized, LARGE)
either_far_logit_cdf = compile_if_large(far_logit_cdf, LARGE)
_either_far_gradient = compile_if_large(far_gradient, LARGE)


def _gradient(sums, is_plain, *given):
    """Returns the gradients of x and the parameters from those of the two results.

    It is a function of what is given, `(x, *parameters, value_bar, log_derivative_bar)`, that can
    be differentiated any number of times: from the second on by way of the log domain.
    """

    @tf.custom_gradient
    def gradient(*given):
        given = here(*given)

        def again(*bars):
            with tf.GradientTape() as tape:
                tape.watch(given)
                result = with_x(*_either_far_gradient(*given))
            return tape.gradient(result, given, output_gradients=bars)

        plain = functools.partial(_plain_gradient, sums, *given)
        far = functools.partial(_either_far_gradient, *given)
        return with_x(*tf.cond(is_plain, plain, far)), again

    def with_x(logits_bar, locs_bar, scales_bar):
        return -tf.reduce_sum(locs_bar, axis=-1), logits_bar, locs_bar, scales_bar

    return gradient(*given)


@tf.custom_gradient
def logit_cdf(
    x: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logit F(x) and the logarithm of its derivative, for a mixture of logistics F.

        F(x) = sum_k pi_k sigmoid(z_k),   z_k = (x - loc_k) exp(-log_scale_k)
        logit F = log F - log(1 - F),     log d/dx logit F = log f - log F - log(1 - F)

    F and 1 - F are two sums, so that no tail is lost. The gradient is in closed form and recomputes
    what has K entries for each element: nothing of that size is kept for it but the parameters
    themselves. Large inputs run through XLA, which passes over them once for each sum.

    Args:
      x: `[n]`.
      logits: `[n, K]`, log pi up to a constant.
      locs: `[n, K]`.
      log_scales: `[n, K]`, taken to be at least -7.

    Returns:
      Two tensors `[n]`.
    """
    given = x, logits, locs, log_scales = here(x, logits, locs, log_scales)
    weights, rates = weights_and_rates(logits, log_scales)
    sums = plain_sums(x, weights, locs, rates)
    is_plain = tf.reduce_min(tf.stack(sums)) > smallest_sum(x.dtype)

    def plain():
        value, derivative = logit_and_derivative(*sums)
        return value, tf.math.log(derivative)

    def far():
        return either_far_logit_cdf(x, locs, *either_normalized(logits, log_scales))

    # Outside the compiled functions, where a condition runs both of its branches.
    value, log_derivative = tf.cond(is_plain, plain, far)

    def gradient(value_bar, log_derivative_bar):
        return _gradient(sums, is_plain, *given, value_bar, log_derivative_bar)

    return (value, log_derivative), gradient
