"""The logit of a mixture-of-logistics CDF: value, derivative and gradient."""

import functools

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.compiled import compile_if_large

__all__ = [
    "LARGE",
    "MIN_LOG_SCALE",
    "either_far_log_sums",
    "log_smallest",
    "log_sums",
    "logit_cdf",
    "plain_log_sums",
    "pull_back",
]

# As in Flow++: narrower components could hide a whole pixel level's mass between two floats.
MIN_LOG_SCALE = -7.0
# From this number of elements times components on, compiling pays for its seconds.
LARGE = 2**17


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
    ratio = tf.exp(-tf.minimum(tf.abs(z), limit))
    tail = ratio / (1 + ratio)
    return tf.where(z < 0, -tail, tail)


def _sigmoids(tail):
    """Returns sigmoid(z), sigmoid(-z) and their product from the signed tail."""
    is_negative = tail < 0
    size = tf.abs(tail)
    sigmoid = tf.where(is_negative, size, 1 - size)
    return sigmoid, tf.where(is_negative, 1 - size, size), size - size * size


def _log_sums_of_tail(weights, rates, tail):
    sigmoid, complement, slope = _sigmoids(tail)
    terms = (weights * sigmoid, weights * complement, weights * rates * slope)
    return tuple(tf.math.log(tf.reduce_sum(term, axis=-1)) for term in terms)


def plain_log_sums(x: tf.Tensor, weights: tf.Tensor, locs: tf.Tensor, rates: tf.Tensor) -> tuple:
    """Returns log F, log(1 - F), log f, `[...]`, from sums over probabilities.

    Terms are lost 60 scales or more from every component; see `log_smallest`.
    """
    return _either_log_sums(weights, rates, _either_signed_tail(x, locs, rates))


def log_smallest(dtype: tf.DType) -> float:
    """Returns the log of the smallest sum that loses no terms and has a finite reciprocal."""
    return float(np.log(np.finfo(dtype.as_numpy_dtype).tiny * 2.0**40))


def _log_terms(x, logits, locs, log_scales):
    """Returns the components' terms of log F, log(1 - F) and log f, each `[..., K]`."""
    log_weights = tf.nn.log_softmax(logits)
    log_scales = tf.maximum(log_scales, MIN_LOG_SCALE)
    z = (x[..., tf.newaxis] - locs) * tf.exp(-log_scales)
    rest = tf.math.log1p(tf.exp(-tf.abs(z)))
    # Both softplus, as `softplus(z) = softplus(-z) + z` loses its digits where z is far below 0.
    log_cdf = log_weights - tf.nn.relu(-z) - rest
    log_survival = log_weights - tf.nn.relu(z) - rest
    return log_cdf, log_survival, log_cdf - tf.nn.relu(z) - rest - log_scales


def far_log_sums(x: tf.Tensor, *parameters: tf.Tensor) -> tuple:
    """Returns the same from sums over logarithms, which lose nothing."""
    return tuple(tf.reduce_logsumexp(term, axis=-1) for term in _log_terms(x, *parameters))


def _bars(value_bar, log_derivative_bar):
    """Returns the gradients of log F, log(1 - F) and log f."""
    return value_bar - log_derivative_bar, -value_bar - log_derivative_bar, log_derivative_bar


def _is_free(log_scales):
    return tf.cast(log_scales >= MIN_LOG_SCALE, log_scales.dtype)


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
    is_free = log_scales >= MIN_LOG_SCALE
    return logits_bar, -z_bar * rates, tf.where(is_free, scales_bar, tf.zeros_like(z))


def _plain_gradient(x, logits, locs, log_scales, *rest):
    sums, bars = rest[:3], _bars(*rest[3:])
    coefficients = [bar * tf.exp(-log_sum) for bar, log_sum in zip(bars, sums, strict=True)]
    weights, rates = weights_and_rates(logits, log_scales)
    tail = _either_signed_tail(x, locs, rates)
    return _either_gradient_of_tail(
        x, weights, locs, rates, log_scales, tail, *coefficients, bars[2]
    )


def _far_gradient(x, logits, locs, log_scales, *rest):
    sums, bars = rest[:3], _bars(*rest[3:])
    rates = tf.exp(-tf.maximum(log_scales, MIN_LOG_SCALE))
    z = (x[..., tf.newaxis] - locs) * rates
    terms = _log_terms(x, logits, locs, log_scales)
    for_cdf, for_survival, for_density = (
        tf.exp(term - log_sum[..., tf.newaxis]) * bar[..., tf.newaxis]
        for term, log_sum, bar in zip(terms, sums, bars, strict=True)
    )
    z_bar = (for_cdf + for_density) * tf.sigmoid(-z) - (for_survival + for_density) * tf.sigmoid(z)
    normaliser = bars[2][..., tf.newaxis] * tf.nn.softmax(logits)
    logits_bar = for_cdf + for_survival + for_density + normaliser
    return logits_bar, -z_bar * rates, -(z_bar * z + for_density) * _is_free(log_scales)


# What several results share is a function of its own: XLA computes it again for each otherwise.
_either_rates = compile_if_large(_rates, LARGE)
_either_signed_tail = compile_if_large(_signed_tail, LARGE)
_either_log_sums = compile_if_large(_log_sums_of_tail, LARGE)
_either_gradient_of_tail = compile_if_large(_gradient_of_tail, LARGE)
either_far_log_sums = compile_if_large(far_log_sums, LARGE)
_either_far_gradient = compile_if_large(_far_gradient, LARGE)


def log_sums(x: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor) -> tuple:
    """Returns log F, log(1 - F), log f, `[...]`, and whether plain sums gave them."""
    weights, rates = weights_and_rates(logits, log_scales)
    plain = plain_log_sums(x, weights, locs, rates)
    is_plain = tf.reduce_min(tf.stack(plain)) > log_smallest(x.dtype)
    # Outside the compiled functions, where a condition runs both of its branches.
    far = functools.partial(either_far_log_sums, x, logits, locs, log_scales)
    return *tf.cond(is_plain, lambda: plain, far), is_plain


def pull_back(
    x: tf.Tensor,
    parameters: tuple,
    sums: tuple,
    value_bar: tf.Tensor,
    log_derivative_bar: tf.Tensor,
) -> tuple:
    """Returns the gradients of x and the parameters from those of `logit_cdf`'s two results.

    Args:
      x: `[n]`.
      parameters: the three of `logit_cdf`, `[n, K]`.
      sums: what `log_sums` returns for them.
      value_bar: `[n]`.
      log_derivative_bar: `[n]`.

    Returns:
      Four tensors, of the shapes of x and the parameters.
    """
    *sums, is_plain = sums
    given = (x, *parameters, *sums, value_bar, log_derivative_bar)
    logits_bar, locs_bar, scales_bar = tf.cond(
        is_plain, lambda: _plain_gradient(*given), lambda: _either_far_gradient(*given)
    )
    return -tf.reduce_sum(locs_bar, axis=-1), logits_bar, locs_bar, scales_bar


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
    parameters = (logits, locs, log_scales)
    sums = log_sums(x, *parameters)
    log_cdf, log_survival, log_density, _ = sums

    def gradient(value_bar, log_derivative_bar):
        return pull_back(x, parameters, sums, value_bar, log_derivative_bar)

    return (log_cdf - log_survival, log_density - log_cdf - log_survival), gradient
