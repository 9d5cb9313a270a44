"""Bits per dimension."""

import math
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import TensorLike

__all__ = ["BitsPerDimension", "bits_per_dimension"]


def bits_per_dimension(log_prob: TensorLike, num_dimensions: int) -> tf.Tensor:
    """Returns `-log_prob / (num_dimensions log 2)`.

    For integers, `log_prob` is that of the integer (or a bound on it), in nats: then a uniform
    model of bytes has exactly 8 bits per dimension, however its density is scaled.

    A uniform model of two bytes:

    >>> from tfp_ebm import metrics
    >>> float(metrics.bits_per_dimension(2 * -math.log(256), num_dimensions=2))
    8.0

    Args:
      log_prob: `[...]`, nats an event.
      num_dimensions: number of entries of an event, H W C for images.

    Returns:
      `[...]`, bits.

    Raises:
      ValueError: if `num_dimensions` is not a positive integer.
    """
    num_dimensions = checks.positive_integer("num_dimensions", num_dimensions)
    log_prob = tf.convert_to_tensor(log_prob)
    return -log_prob / (num_dimensions * math.log(2))


class BitsPerDimension(keras.metrics.Metric):
    """The mean of bits per dimension over all events seen, summed in float64.

    >>> metric = BitsPerDimension(num_dimensions=2)
    >>> metric.update_state([-2.0, -4.0])
    >>> round(float(metric.result()), 4)
    2.164
    """

    def __init__(
        self, num_dimensions: int, name: str = "bits_per_dimension", **kwargs: Any
    ) -> None:
        """Constructs the metric.

        Args:
          num_dimensions: number of entries of an event.
          name: name of the metric.
          **kwargs: passed to `tf_keras.metrics.Metric`.
        """
        super().__init__(name=name, dtype=tf.float64, **kwargs)
        self.num_dimensions = checks.positive_integer("num_dimensions", num_dimensions)
        for moment in ("count", "total", "total_of_squares"):
            setattr(self, moment, self.add_weight(name=moment, initializer="zeros"))

    def update_state(self, log_prob: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Adds events.

        Args:
          log_prob: `[...]`, nats an event.
          sample_weight: must be None; events count equally.
        """
        if sample_weight is not None:
            raise ValueError("`sample_weight` must be None: every event counts once.")
        bits = tf.cast(bits_per_dimension(log_prob, self.num_dimensions), tf.float64)
        self.count.assign_add(tf.cast(tf.size(bits), tf.float64))
        self.total.assign_add(tf.reduce_sum(bits))
        self.total_of_squares.assign_add(tf.reduce_sum(bits**2))

    def result(self) -> tf.Tensor:
        """Returns the mean, bits."""
        return tf.math.divide_no_nan(self.total, self.count)

    def standard_error(self) -> tf.Tensor:
        """Returns the standard error of the mean, bits; NaN, unknown, for fewer than two events."""
        mean = self.result()
        variance = tf.math.divide_no_nan(self.total_of_squares, self.count) - mean**2
        error = tf.sqrt(tf.maximum(variance, 0) / tf.maximum(self.count - 1, 1))
        return tf.where(self.count > 1, error, math.nan)
