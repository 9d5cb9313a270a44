"""The map from pixel levels to the real line."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, Increasing, bijector_arguments
from tfp_ebm.internal.tfp_private import assert_util
from tfp_ebm.internal.types import DType

__all__ = ["ImageToLogit"]


class ImageToLogit(Increasing, tfp.bijectors.AutoCompositeTensorBijector):
    """Maps levels in [0, num_levels] to logits, elementwise.

        forward(x) = logit(p),   p = alpha + (1 - 2 alpha) x / num_levels
        forward_log_det_jacobian(x) = log((1 - 2 alpha) / num_levels) - log p - log(1 - p)
        inverse(y) = num_levels (sigmoid(y) - alpha) / (1 - 2 alpha)

    The margin alpha keeps the ends finite: 0 and num_levels map to -+2.94 at alpha = 0.05. A
    sample can land outside [0, num_levels], by at most `alpha / (1 - 2 alpha)` of it; further out
    `forward` is NaN, or raises with `validate_args`. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> ImageToLogit(num_levels=256).forward(tf.constant([0.0, 128.0])).numpy().round(2).tolist()
    [-2.940000057220459, 0.0]

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 4;
    Dinh et al., "Density estimation using Real NVP" (2017), section 4.1.
    """

    def __init__(
        self,
        num_levels: int = 256,
        alpha: float = 0.05,
        validate_args: bool = False,
        name: str = "image_to_logit",
    ) -> None:
        """Constructs the bijector.

        Args:
          num_levels: number of pixel levels; data lie in [0, num_levels].
          alpha: margin, above 0 (at 0 the ends would map to infinity) and below 0.5.
          validate_args: whether to check that values lie where p is between 0 and 1.
          name: name of the bijector.

        Raises:
          ValueError: if `num_levels` is not an integer of at least 2 or alpha out of range.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self._num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
            if not 0 < alpha < 0.5:
                raise ValueError(
                    f"`alpha` must be above 0 and below 0.5, got {alpha}; 0.05 is usual, and at 0 "
                    "black and white pixels would map to infinity."
                )
            self._alpha = float(alpha)
            super().__init__(**bijector_arguments(parameters, name))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {}

    num_levels = Given[int]("Number of pixel levels.")
    alpha = Given[float]("The margin.")

    @property
    def _slope(self):
        return (1 - 2 * self._alpha) / self._num_levels

    def _ends(self, x):
        """Returns p and 1 - p, each by its own sum: the difference would lose digits near 1."""
        low = self._alpha + self._slope * x
        high = self._alpha + self._slope * (self._num_levels - x)
        if not self.validate_args:
            return low, high
        margin = self._alpha / self._slope
        message = (
            f"Values of `{self.name}` must lie between {-margin:.6g} and "
            f"{self._num_levels + margin:.6g}, where p is 0 and 1."
        )
        inside = assert_util.assert_positive(tf.minimum(low, high), message=message)
        with tf.control_dependencies([inside]):
            return tf.identity(low), tf.identity(high)

    def _forward(self, x):
        low, high = self._ends(x)
        return tf.math.log(low) - tf.math.log(high)

    def _inverse(self, y):
        return (tf.sigmoid(y) - self._alpha) / self._slope

    def _forward_log_det_jacobian(self, x):
        low, high = self._ends(x)
        return math.log(self._slope) - tf.math.log(low) - tf.math.log(high)

    def _inverse_log_det_jacobian(self, y):
        return -tf.nn.softplus(y) - tf.nn.softplus(-y) - math.log(self._slope)
