"""Importance weights along the first axis: mean, effective share, resampling, Bennett's ratio."""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.numeric import move_axis
from tfp_ebm.internal.tfp_private import samplers

__all__ = [
    "BennettEstimate",
    "bennett_log_ratio",
    "disagree",
    "effective_share",
    "log_mean_exp",
    "resample_where_poor",
    "systematic_resampling",
    "take",
]

# Standard errors, and nats that stated errors miss, beyond which estimates disagree.
_NUM_ERRORS, _TOLERANCE = 4.0, 0.05
_NEWTON_STEPS = 20
# Newton's method on a function whose slope lies between -2 and 0 takes no longer steps than this.
_LEAST_SLOPE = 0.1


def log_mean_exp(log_weights: tf.Tensor) -> tf.Tensor:
    """Returns the log of the mean weight over the first axis: `[*B]` from `[n, *B]`."""
    count = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
    return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(count)


def effective_share(log_weights: tf.Tensor) -> tf.Tensor:
    """Returns `(sum w)^2 / (n sum w^2)`, in [1/n, 1]: `[*B]` from `[n, *B]`."""
    return tf.exp(2 * log_mean_exp(log_weights) - log_mean_exp(2 * log_weights))


def systematic_resampling(log_weights: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws n indices in proportion to the weights, with one uniform number for each batch member.

    Entry i is drawn `n w_i / sum w` times on average, and never more than one time away from it.

    Args:
      log_weights: `[n, *B]`.
      seed: stateless seed.

    Returns:
      `[n, *B]` int32 indices along the first axis, in increasing order.

    Source: Carpenter, Clifford and Fearnhead, "Improved particle filter for nonlinear problems"
    (1999).
    """
    rows = move_axis(tf.nn.softmax(log_weights, axis=0), 0, -1)
    count = tf.shape(rows)[-1]
    flat = tf.reshape(rows, [-1, count])
    offset = samplers.uniform([tf.shape(flat)[0], 1], seed=seed, dtype=flat.dtype)
    positions = (tf.range(count, dtype=flat.dtype) + offset) / tf.cast(count, flat.dtype)
    index = tf.searchsorted(tf.cumsum(flat, axis=-1), positions, side="right")
    # Rounding may leave the last sum below the last position.
    index = tf.reshape(tf.minimum(index, count - 1), tf.shape(rows))
    return move_axis(tf.ensure_shape(index, rows.shape), -1, 0)


def take(units: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns the chains numbered `[k, *B]` of `[n, *B, m]`: `[k, *B, m]`."""
    if index.shape.rank == 1:
        return tf.gather(units, index)
    rows = tf.gather(
        move_axis(units, 0, -2), move_axis(index, 0, -1), axis=-2, batch_dims=index.shape.rank - 1
    )
    return move_axis(rows, -2, 0)


def resample_where_poor(
    units: tf.Tensor, log_weights: tf.Tensor, least_share: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Draws chains again, with equal weights, where the effective share of theirs is too small.

    Args:
      units: `[n, *B, m]`.
      log_weights: `[n, *B]`.
      least_share: in [0, 1].
      seed: stateless seed.

    Returns:
      Units and log weights, and where they are new, `[*B]`.
    """
    is_poor = effective_share(log_weights) < least_share
    index = systematic_resampling(log_weights, seed)
    itself = tf.reshape(tf.range(tf.shape(index)[0]), [-1] + [1] * is_poor.shape.rank)
    units = take(units, tf.where(is_poor, index, itself))
    return units, tf.where(is_poor, tf.zeros_like(log_weights), log_weights), is_poor


class BennettEstimate(NamedTuple):
    """The logarithm of the ratio of two normalisers.

    Attributes:
      log_ratio: `[*B]`, nats.
      variance: `[*B]`, of the log ratio, by the delta method, were all draws independent.
      effective_size: `[*B]`, the smaller of the numbers of draws that carry either side, and of
        those that lie where both do: equal terms of two sides that never meet prove nothing.
    """

    log_ratio: tf.Tensor
    variance: tf.Tensor
    effective_size: tf.Tensor


def bennett_log_ratio(
    log_ratio_p: tf.Tensor, log_weights_p: tf.Tensor, log_ratio_q: tf.Tensor, start: tf.Tensor
) -> BennettEstimate:
    """Returns log Z_p - log Z_q from draws of both, by the Bennett acceptance ratio.

    With r = p* / q* the ratio of unnormalised densities, L the log ratio and c the log of the
    ratio of effective numbers of draws, L solves

        log mean_q [r e^-L / (1 + e^c r e^-L)] = log mean_p [1 / (1 + e^c r e^-L)],

    the combination of both kinds of draws with the least variance. Where one side alone fails, as
    importance sampling does for modes that q does not propose, the other side corrects it.

    Args:
      log_ratio_p: `[n, *B]`, log r at draws of p.
      log_weights_p: `[n, *B]`, log weights of these draws, up to a constant.
      log_ratio_q: `[m, *B]`, log r at independent draws of q.
      start: `[*B]`, where Newton's method starts.

    Returns:
      A `BennettEstimate`; not to be used where its `effective_size` is small.

    Source: Bennett, "Efficient estimation of free energy differences from Monte Carlo data" (1976).
    """
    weights_p = tf.nn.softmax(log_weights_p, axis=0)
    size_p = 1 / tf.reduce_sum(weights_p**2, axis=0)
    size_q = tf.cast(tf.shape(log_ratio_q)[0], log_ratio_q.dtype)
    shift = tf.math.log(size_p / size_q)
    log_weights_p = tf.nn.log_softmax(log_weights_p, axis=0)

    def terms(level):
        """Returns the logarithms of the terms of both means."""
        side_q = log_ratio_q - level - tf.nn.softplus(shift + log_ratio_q - level)
        return side_q, -tf.nn.softplus(shift + log_ratio_p - level)

    def body(step, level):
        side_q, side_p = terms(level)
        joint_p = log_weights_p + side_p
        gap = log_mean_exp(side_q) - tf.reduce_logsumexp(joint_p, axis=0)
        rest_q = tf.sigmoid(level - shift - log_ratio_q)
        rest_p = tf.sigmoid(shift + log_ratio_p - level)
        slope = tf.reduce_sum(tf.nn.softmax(side_q, axis=0) * rest_q, axis=0)
        slope += tf.reduce_sum(tf.nn.softmax(joint_p, axis=0) * rest_p, axis=0)
        return step + 1, level + gap / tf.maximum(slope, _LEAST_SLOPE)

    _, level = tf.while_loop(
        lambda step, _: step < _NEWTON_STEPS, body, (0, start), parallel_iterations=1
    )
    side_q, side_p = terms(level)
    share_q = effective_share(side_q)
    # Of the terms of p, each with its weight: (sum w t)^2 / sum w t^2, in [0, 1].
    mean_p = tf.reduce_logsumexp(log_weights_p + side_p, axis=0)
    share_p = tf.exp(2 * mean_p - tf.reduce_logsumexp(log_weights_p + 2 * side_p, axis=0))
    variance = (1 / share_q - 1) / size_q + (1 / share_p - 1) / size_p
    size = tf.minimum(share_q * size_q, share_p * size_p)
    # Both means are 1/2 for equal numbers of draws of one law, and near 0 for disjoint ones.
    overlap = tf.exp(tf.nn.softplus(shift) + mean_p)
    return BennettEstimate(level, variance, tf.minimum(size, overlap * tf.minimum(size_p, size_q)))


def disagree(gap: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    """Whether two estimates that differ by `gap` nats disagree, given the variance of the gap.

    They do beyond four standard errors and 0.05 nats, for what stated errors miss; and where either
    is NaN.

    >>> from tfp_ebm import partition
    >>> bool(partition.disagree(tf.constant(1.0), tf.constant(0.01)))  # ten standard errors
    True
    """
    return tf.logical_not(gap <= _NUM_ERRORS * tf.sqrt(variance) + _TOLERANCE)
