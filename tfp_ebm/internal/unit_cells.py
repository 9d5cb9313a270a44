"""Points in the unit cells of integers, in numbers of finite precision."""

import tensorflow as tf

__all__ = ["SIGNIFICANT_BITS", "in_cell"]

SIGNIFICANT_BITS = {tf.bfloat16: 8, tf.float16: 11, tf.float32: 24, tf.float64: 53}


def in_cell(level: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Returns `level + noise`, in [level, level + 1) after rounding too.

    Rounding to the nearest number of the dtype moves a point by half the spacing at most, as the
    midpoint rule does; what would round up to `level + 1` becomes the number below it, whose cell
    that half is. The log-density of the noise stays that of the draw before rounding.

    Args:
      level: integers of either sign, in a dtype whose numbers have a fraction there.
      noise: in [0, 1], of the same shape and dtype.
    """
    # The product lies between 0.6 and 1.3 of the spacing below `level + 1`, so that the difference
    # is rounded to the number just below it.
    step = tf.constant(1.25 * 2.0 ** -SIGNIFICANT_BITS[level.dtype], level.dtype)
    end = level + 1
    highest = end - tf.maximum(tf.abs(end), 1) * step
    point = level + noise
    return tf.where(point > highest, highest, point)  # NaN stays NaN.
