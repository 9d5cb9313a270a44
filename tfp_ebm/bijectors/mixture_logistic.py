"""The logit of a mixture-of-logistics CDF: value, derivative, gradient and inverse."""

import numpy as np
import tensorflow as tf

__all__ = ["MIN_LOG_SCALE", "logit_cdf", "solve_logit_cdf"]

# As in Flow++: narrower components could hide a whole pixel level's mass between two floats.
MIN_LOG_SCALE = -7.0
_MAX_STEPS = 60


def _component_terms(x, logits, locs, log_scales):
    """Returns z, log pi, log scales, softplus(-z) and softplus(z), each `[..., K]`.

    The two softplus come from one `log1p(exp(-|z|))`: as `softplus(z) = softplus(-z) + z`, the
    second would lose all its digits where z is far below 0.
    """
    log_scales = tf.maximum(log_scales, MIN_LOG_SCALE)
    z = (x[..., tf.newaxis] - locs) * tf.exp(-log_scales)
    rest = tf.math.log1p(tf.exp(-tf.abs(z)))
    return z, tf.nn.log_softmax(logits), log_scales, tf.nn.relu(-z) + rest, tf.nn.relu(z) + rest


def _log_terms(log_weights, log_scales, softplus_minus, softplus_plus):
    """Returns the components' terms of log F, log(1 - F) and log f, each `[..., K]`."""
    log_cdf = log_weights - softplus_minus
    log_survival = log_weights - softplus_plus
    return log_cdf, log_survival, log_cdf - softplus_plus - log_scales


@tf.custom_gradient
def logit_cdf(
    x: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logit F(x) and the logarithm of its derivative, for a mixture of logistics F.

        F(x) = sum_k pi_k sigmoid(z_k),   z_k = (x - loc_k) exp(-log_scale_k)
        logit F = log F - log(1 - F),     log d/dx logit F = log f - log F - log(1 - F)

    The gradient is in closed form and recomputes what has K entries for each element, so that
    nothing of that size is kept for it but the parameters themselves.

    Args:
      x: `[...]`.
      logits: `[..., K]`, log pi up to a constant.
      locs: `[..., K]`.
      log_scales: `[..., K]`, taken to be at least -7.

    Returns:
      Two tensors `[...]`.
    """
    _, *terms = _component_terms(x, logits, locs, log_scales)
    # Each by its own sum, so that no tail is lost.
    log_cdf, log_survival, log_density = (
        tf.reduce_logsumexp(term, axis=-1) for term in _log_terms(*terms)
    )

    def gradient(value_bar, log_derivative_bar):
        z, log_weights, scales, softplus_minus, softplus_plus = _component_terms(
            x, logits, locs, log_scales
        )
        # Responsibilities of the components for F, 1 - F and f.
        sums = (log_cdf, log_survival, log_density)
        terms = _log_terms(log_weights, scales, softplus_minus, softplus_plus)
        for_cdf, for_survival, for_density = (
            tf.exp(term - total[..., tf.newaxis]) for term, total in zip(terms, sums, strict=True)
        )
        for_cdf *= (value_bar - log_derivative_bar)[..., tf.newaxis]
        for_survival *= (-value_bar - log_derivative_bar)[..., tf.newaxis]
        for_density *= log_derivative_bar[..., tf.newaxis]
        sigmoid, complement = tf.exp(-softplus_minus), tf.exp(-softplus_plus)
        z_bar = (for_cdf + for_density) * complement - (for_survival + for_density) * sigmoid
        x_bar = z_bar * tf.exp(-scales)
        weights_bar = for_cdf + for_survival + for_density
        logits_bar = weights_bar - tf.exp(log_weights) * tf.reduce_sum(
            weights_bar, axis=-1, keepdims=True
        )
        is_free = tf.cast(log_scales >= MIN_LOG_SCALE, z.dtype)
        return (
            tf.reduce_sum(x_bar, axis=-1),
            logits_bar,
            -x_bar,
            -(z_bar * z + for_density) * is_free,
        )

    return (log_cdf - log_survival, log_density - log_cdf - log_survival), gradient


def solve_logit_cdf(
    y: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor
) -> tf.Tensor:
    """Returns x with logit F(x) = y, differentiable in y and in the parameters.

    A mixture's CDF lies between those of its components, so x lies in
    `[min_k(loc_k + scale_k y), max_k(loc_k + scale_k y)]`. Inside that bracket Newton's method
    runs, with a bisection wherever it would leave the bracket or fails to halve the residual, until
    every residual is at rounding level (60 steps at most). A Newton step with the derivative held
    constant then gives the implicit-function gradient.

    Args:
      y: `[...]`.
      logits: `[..., K]`.
      locs: `[..., K]`.
      log_scales: `[..., K]`.

    Returns:
      `[...]`, the dtype of y.
    """
    parameters = [tf.stop_gradient(part) for part in (logits, locs, log_scales)]
    target = tf.stop_gradient(y)
    scales = tf.exp(tf.maximum(parameters[2], MIN_LOG_SCALE))
    quantiles = parameters[1] + scales * target[..., tf.newaxis]
    low, high = tf.reduce_min(quantiles, axis=-1), tf.reduce_max(quantiles, axis=-1)
    # A residual of a few roundings of its own evaluation cannot be improved.
    tolerance = 8 * np.finfo(y.dtype.as_numpy_dtype).eps * (1 + tf.abs(target))

    def body(step, x, low, high, best, smallest):
        value, log_derivative = logit_cdf(x, *parameters)
        residual = value - target
        size = tf.abs(residual)
        low = tf.where(residual < 0, x, low)
        high = tf.where(residual > 0, x, high)
        newton = x - residual * tf.exp(-log_derivative)
        is_good = (newton > low) & (newton < high) & (size < 0.5 * smallest)
        best = tf.where(size < smallest, x, best)
        smallest = tf.minimum(size, smallest)
        x = tf.where(is_good, newton, low + 0.5 * (high - low))
        return step + 1, x, low, high, best, smallest

    start = low + 0.5 * (high - low)
    infinite = tf.fill(tf.shape(y), y.dtype.as_numpy_dtype(np.inf))
    infinite = tf.ensure_shape(infinite, y.shape)
    *_, x, _ = tf.while_loop(
        lambda step, *state: (step < _MAX_STEPS) & tf.reduce_any(state[-1] > tolerance),
        body,
        (0, start, low, high, start, infinite),
        parallel_iterations=1,
    )
    x = tf.stop_gradient(x)
    value, log_derivative = logit_cdf(x, logits, locs, log_scales)
    step = (value - y) * tf.stop_gradient(tf.exp(-log_derivative))
    # The solution is as good as rounding allows: the step adds its gradient, not its value.
    return x - (step - tf.stop_gradient(step))
