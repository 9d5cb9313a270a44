"""A logistic distribution rounded to whole numbers."""

import math

import tensorflow as tf

from tfp_ebm.integers.whole_numbers import RoundedLogistics
from tfp_ebm.internal.construction import converted, distribution_arguments
from tfp_ebm.internal.parameter_shapes import positive
from tfp_ebm.internal.tfp_private import parameter_properties
from tfp_ebm.internal.types import TensorLike

__all__ = ["DiscretizedLogistic"]


class DiscretizedLogistic(RoundedLogistics):
    """A logistic variable rounded to the nearest whole number.

        P(x) = sigmoid((x + 1/2 - loc) / scale) - sigmoid((x - 1/2 - loc) / scale)

    Its support is all integers, or those from `low` to `high`, whose ends then hold the mass of the
    tails: `P(low) = sigmoid((low + 1/2 - loc) / scale)`. Values are floats that hold whole numbers.
    The log-probability is exact in the tails in float32 too, with finite gradients; that of what is
    no whole number, or outside the range, is minus infinity. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> round(float(DiscretizedLogistic(loc=0.0, scale=0.5).log_prob(100.0)), 1)
    -199.1
    >>> byte = DiscretizedLogistic(loc=300.0, scale=8.0, low=0, high=255)
    >>> bool(tf.abs(tf.reduce_sum(byte.prob(tf.range(256.0))) - 1) < 1e-6)
    True

    Source: Tomczak, "Deep Generative Modeling", equation 3.43, whose listing puts a floor of 1e-8
    under the difference: the log-probability above would be -18.4.
    """

    def __init__(
        self,
        loc: TensorLike,
        scale: TensorLike,
        low: TensorLike = -math.inf,
        high: TensorLike = math.inf,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscretizedLogistic",
    ) -> None:
        """Constructs the distribution.

        Args:
          loc: `[...]`, the mean of the logistic.
          scale: `[...]`, its scale, above 0.
          low: `[...]`, the lowest whole number; minus infinity: there is none.
          high: `[...]`, the highest whole number; infinity: there is none.
          validate_args: whether to check scale and values.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if no whole number lies between `low` and `high`.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._loc, self._scale, self._low, self._high) = converted(
                loc=loc, scale=scale, low=low, high=high
            )
            self._check_range()
            super().__init__(**distribution_arguments(dtype, parameters, name))

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "loc": properties(),
            "scale": properties(default_constraining_bijector_fn=positive(dtype)),
            "low": properties(is_preferred=False),
            "high": properties(is_preferred=False),
        }

    def _log_interval_prob(self, start, stop):
        return self._log_mass(*self._edges(start, stop))

    def _sample_n(self, n, seed=None):
        return self._rounded(self._loc, self._scale, self._sample_shape(n), seed)
