"""Affine maps of entries, from what the network of a coupling returns."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Bijector

__all__ = ["RezeroAffine", "affine"]

tfb = tfp.bijectors


def affine(parameters: tf.Tensor) -> Bijector:
    """Returns the affine map of an entry or more, with a scale between exp(-2) and exp(2).

    Args:
      parameters: `[..., 2 d]`, the shifts and then what makes the logarithms of the scales.
    """
    shift, log_scale = _shift_and_log_scale(parameters)
    return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))


class RezeroAffine(tf.Module):
    """The same map with learned factors of shift and log-scale, which start at 0.

        y = exp(alpha s) x + beta t,   |s| < 2

    Source: Bachlechner et al., "ReZero is All You Need" (2020); Tomczak, "Deep Generative Modeling"
    (2022), section 3.1.6.
    """

    def __init__(self, dtype: tf.DType = tf.float32) -> None:
        """Makes the two factors, alpha and beta."""
        super().__init__(name="rezero_affine")
        self.alpha = tf.Variable(tf.zeros([], dtype), name="alpha")
        self.beta = tf.Variable(tf.zeros([], dtype), name="beta")

    def __call__(self, parameters: tf.Tensor) -> Bijector:
        """Returns the map of an entry or more.

        Args:
          parameters: as those of `affine`.
        """
        shift, log_scale = _shift_and_log_scale(parameters)
        return tfb.Shift(self.beta * shift)(tfb.Scale(log_scale=self.alpha * log_scale))


def _shift_and_log_scale(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return shift, 2 * tf.tanh(log_scale / 2)
