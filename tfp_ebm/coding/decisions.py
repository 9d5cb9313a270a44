"""Whole numbers as decisions between halves of intervals, with the probability of each."""

import math

import numpy as np
import tensorflow as tf

from tfp_ebm.coding.entropy import PRECISION
from tfp_ebm.internal.types import Distribution, TensorLike

__all__ = ["MOST_BITS", "first_numbers", "num_decisions", "upper_half"]

# Where there is no lowest or highest number: halves of numbers up to here are exact in float32.
MOST_BITS = 23


def first_numbers(low: TensorLike) -> np.ndarray:
    """Returns where the search for a number starts: the lowest that is coded, of each entry."""
    low = np.asarray(low)
    return np.where(np.isfinite(low), np.ceil(low), -(2.0 ** (MOST_BITS - 1)))


def num_decisions(low: TensorLike, high: TensorLike) -> int:
    """Returns how many halvings single out a number from `low` to `high`, of all entries.

    >>> num_decisions(0.0, 255.0), num_decisions(0.0, 16.0), num_decisions(0.0, math.inf)
    (8, 5, 23)
    """
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        return MOST_BITS
    span = np.max(np.floor(high) - np.ceil(low))
    return max(int(span).bit_length(), 1)


def upper_half(distribution: Distribution, start: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Returns the probability that a number of an interval lies in its upper half, as an integer.

        q = round(2^PRECISION P(start + width <= x | start <= x < start + 2 width))

    kept from 1 to 2^PRECISION - 1. It comes from the logarithms of both masses, so it has its
    digits in the farthest tail.

    Args:
      distribution: over scalars, with `log_interval_prob`, `low` and `high`, such as
        `DiscretizedLogisticMixture`.
      start: `[...]`, whole numbers.
      width: half the length of the interval, a power of 2.

    Returns:
      `[...]` int32.
    """
    middle = start + width
    odds = distribution.log_interval_prob(middle, middle + width)
    odds -= distribution.log_interval_prob(start, middle)
    # Beyond the highest number there is nothing, though its interval takes the whole tail.
    odds = tf.where(middle > distribution.high, tf.constant(-math.inf, odds.dtype), odds)
    numerator = tf.round(tf.sigmoid(odds) * 2**PRECISION)
    return tf.cast(tf.clip_by_value(numerator, 1, 2**PRECISION - 1), tf.int32)
