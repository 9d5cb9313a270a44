"""The logit of a mixture-of-logistics CDF in the log domain: accurate everywhere, and smooth."""

import tensorflow as tf

__all__ = ["MIN_LOG_SCALE", "far_gradient", "far_logit_cdf", "normalized"]

# As in Flow++: narrower components could hide a whole pixel level's mass between two floats.
MIN_LOG_SCALE = -7.0


def _softplus_pair(z):
    """Returns softplus(z) and softplus(-z) from one exponential, smooth at 0 as well."""
    # Both, as `softplus(z) = softplus(-z) + z` loses its digits where z is far below 0; and no
    # `abs`, whose derivative at 0 is 0.
    is_negative, zero = z < 0, tf.zeros_like(z)
    rest = tf.math.log1p(tf.exp(tf.where(is_negative, z, -z)))
    return tf.where(is_negative, zero, z) + rest, tf.where(is_negative, -z, zero) + rest


def _log_shares(terms):
    """Returns the logarithms of the sum of exponentials, `[..., 1]`, and of each one's share in it.

    Of a share the largest term is taken off first: far outside every component the terms are huge,
    so that their log-sum has no digits left for more than the largest.
    """
    largest = tf.stop_gradient(tf.reduce_max(terms, axis=-1, keepdims=True))
    largest = tf.where(tf.math.is_finite(largest), largest, tf.zeros_like(largest))
    terms -= largest
    rest = tf.math.log(tf.reduce_sum(tf.exp(terms), axis=-1, keepdims=True))
    return largest + rest, terms - rest


def _log_sums_and_shares(x, locs, log_weights, log_scales, rates):
    """Returns log F, log(1 - F) and the log of a hazard, and the shares in them and in f.

    The hazard is f / F left of the median and f / (1 - F) right of it.
    """
    up, down = _softplus_pair((x[..., tf.newaxis] - locs) * rates)
    log_cdf, cdf_shares = _log_shares(log_weights - down)
    log_survival, survival_shares = _log_shares(log_weights - up)
    hazards = tf.where(log_cdf < log_survival, cdf_shares - up, survival_shares - down)
    log_hazard, density_shares = _log_shares(hazards - log_scales)
    return (log_cdf, log_survival, log_hazard), (cdf_shares, survival_shares, density_shares)


def normalized(logits: tf.Tensor, log_scales: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the logarithms of the weights, of the scales, and the inverse scales, `[..., K]`."""
    log_scales = tf.maximum(log_scales, MIN_LOG_SCALE)
    return tf.nn.log_softmax(logits), log_scales, tf.exp(-log_scales)


def far_logit_cdf(
    x: tf.Tensor,
    locs: tf.Tensor,
    log_weights: tf.Tensor,
    log_scales: tf.Tensor,
    rates: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logit F and the logarithm of its derivative from sums over logarithms.

        d/dx logit F = (f / F) / (1 - F) = (f / (1 - F)) / F

    of which the first serves left of the median and the second right of it: in the tails the
    logarithms of f and F are huge and nearly equal, so that their difference would have no digits.
    """
    sums, _ = _log_sums_and_shares(x, locs, log_weights, log_scales, rates)
    log_cdf, log_survival, log_hazard = (part[..., 0] for part in sums)
    return log_cdf - log_survival, log_hazard - tf.maximum(log_cdf, log_survival)


def far_gradient(
    x: tf.Tensor,
    logits: tf.Tensor,
    locs: tf.Tensor,
    log_scales: tf.Tensor,
    value_bar: tf.Tensor,
    log_derivative_bar: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the gradients of the parameters from those of the two results of `far_logit_cdf`.

    Every step is a smooth operation, so that it can be differentiated again, any number of times.
    """
    value_bar, log_derivative_bar = value_bar[..., tf.newaxis], log_derivative_bar[..., tf.newaxis]
    log_weights, bounded, rates = normalized(logits, log_scales)
    _, shares = _log_sums_and_shares(x, locs, log_weights, bounded, rates)
    cdf_shares, survival_shares, density_shares = (tf.exp(part) for part in shares)
    for_cdf = cdf_shares * (value_bar - log_derivative_bar)
    for_survival = -survival_shares * (value_bar + log_derivative_bar)
    for_density = density_shares * log_derivative_bar
    z = (x[..., tf.newaxis] - locs) * rates
    z_bar = (for_cdf + for_density) * tf.sigmoid(-z) - (for_survival + for_density) * tf.sigmoid(z)
    logits_bar = for_cdf + for_survival + for_density + log_derivative_bar * tf.exp(log_weights)
    is_free = tf.cast(log_scales >= MIN_LOG_SCALE, log_scales.dtype)
    return logits_bar, -z_bar * rates, -(z_bar * z + for_density) * is_free
