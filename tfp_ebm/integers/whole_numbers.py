"""What distributions over whole numbers have in common."""

import math

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Distribution, TensorLike

__all__ = ["check_range", "check_values", "edges", "round_into"]


def check_range(low: tf.Tensor, high: tf.Tensor) -> None:
    """Raises, where they are known, unless there is a whole number from `low` to `high`."""
    if tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.ceil(low) <= tf.floor(high))):
        raise ValueError(
            "`low` and `high` must have a whole number between them, got "
            f"{np.asarray(low).tolist()} and {np.asarray(high).tolist()}."
        )


def check_values(distribution: Distribution, value: tf.Tensor) -> tf.Tensor:
    """Returns whether each value is a whole number of the range; under `validate_args` raises."""
    low, high = distribution.low, distribution.high
    is_possible = tf.equal(value, tf.floor(value)) & (value >= low) & (value <= high)
    is_possible &= tf.math.is_finite(value)
    if distribution.validate_args:
        message = f"`value` of `{distribution.name}` must hold whole numbers of its range."
        checks.valid(value, is_possible, message)
    return is_possible


def edges(
    start: TensorLike, stop: TensorLike, low: tf.Tensor, high: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns between which real numbers those lie that round to `start` ... `stop - 1`.

    The ends of the range take the tails.
    """
    start, stop = tf.convert_to_tensor(start, low.dtype), tf.convert_to_tensor(stop, low.dtype)
    infinity = tf.constant(math.inf, low.dtype)
    lower = tf.where(start <= tf.math.ceil(low), -infinity, start - 0.5)
    return lower, tf.where(stop > tf.floor(high), infinity, stop - 0.5)


def round_into(value: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """Returns the nearest whole numbers of the range."""
    return tf.clip_by_value(tf.round(value), tf.math.ceil(low), tf.floor(high))
