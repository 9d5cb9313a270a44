"""The probability that a logistic variable falls between two numbers, as a logarithm."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import TensorLike

__all__ = ["log_logistic_mass"]


def log_logistic_mass(
    loc: TensorLike, scale: TensorLike, lower: TensorLike, upper: TensorLike
) -> tf.Tensor:
    """Returns log(F(upper) - F(lower)), F the distribution function of a logistic.

        F(b) - F(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)),   standardised ends a < b

    The product has no cancellation: the logarithm keeps its digits in both tails, where the
    difference of two sigmoids is 0 in any precision.

    Args:
      loc: `[...]`, the mean.
      scale: `[...]`, above 0.
      lower: `[...]`, the lower end; minus infinity where there is none.
      upper: `[...]`, the upper end, above the lower one; infinity where there is none.

    Returns:
      `[...]` of the broadcast shape, at most 0.
    """
    has_lower, has_upper = lower > -math.inf, upper < math.inf
    # Infinite ends would make products of 0 and infinity in the gradient.
    a = (tf.where(has_lower, lower, loc) - loc) / scale
    b = (tf.where(has_upper, upper, loc) - loc) / scale
    is_inner = has_lower & has_upper
    width = tf.where(is_inner, upper - lower, 1) / scale
    zero = tf.zeros([], b.dtype)
    below = tf.where(has_upper, tf.math.log_sigmoid(b), zero)
    above = tf.where(has_lower, tf.math.log_sigmoid(-a), zero)
    return below + above + tf.where(is_inner, tfp.math.log1mexp(width), zero)
