"""A logistic distribution rounded to whole numbers."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.integers.whole_numbers import check_range, check_values, edges, round_into
from tfp_ebm.internal.logistic_mass import log_logistic_mass
from tfp_ebm.internal.parameter_shapes import positive
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    assert_util,
    dtype_util,
    parameter_properties,
    ps,
    samplers,
    tensor_util,
)
from tfp_ebm.internal.types import Parameter, TensorLike

__all__ = ["DiscretizedLogistic"]


class DiscretizedLogistic(
    DiscreteDistributionMixin, tfp.distributions.AutoCompositeTensorDistribution
):
    """A logistic variable rounded to the nearest whole number.

        P(x) = sigmoid((x + 1/2 - loc) / scale) - sigmoid((x - 1/2 - loc) / scale)

    Its support is all integers, or those from `low` to `high`, whose ends then hold the mass of the
    tails: `P(low) = sigmoid((low + 1/2 - loc) / scale)`. Values are floats that hold whole numbers.
    The log-probability is exact in the tails in float32 too, with finite gradients; that of what is
    no whole number, or outside the range, is minus infinity. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> DiscretizedLogistic(loc=0.0, scale=0.5).log_prob(100.0).numpy().round(1)
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
            dtype = dtype_util.common_dtype([loc, scale, low, high], dtype_hint=tf.float32)
            convert = tensor_util.convert_nonref_to_tensor
            self._loc = convert(loc, dtype=dtype, name="loc")
            self._scale = convert(scale, dtype=dtype, name="scale")
            self._low = convert(low, dtype=dtype, name="low")
            self._high = convert(high, dtype=dtype, name="high")
            check_range(self._low, self._high)
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "loc": properties(),
            "scale": properties(default_constraining_bijector_fn=positive(dtype)),
            "low": properties(is_preferred=False),
            "high": properties(is_preferred=False),
        }

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._scale):
            return []
        return [assert_util.assert_positive(self._scale, message="`scale` must be above 0.")]

    @property
    def loc(self) -> Parameter:
        """The mean of the logistic, as given."""
        return self._loc

    @property
    def scale(self) -> Parameter:
        """The scale of the logistic, as given."""
        return self._scale

    @property
    def low(self) -> Parameter:
        """The lowest whole number."""
        return self._low

    @property
    def high(self) -> Parameter:
        """The highest whole number."""
        return self._high

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def log_interval_prob(self, start: TensorLike, stop: TensorLike) -> tf.Tensor:
        """Returns log P(start <= x < stop), exact in the tails.

        Args:
          start: `[...]`, whole numbers.
          stop: `[...]`, whole numbers above `start`.
        """
        lower, upper = edges(start, stop, self._low, self._high)
        loc, scale = tf.convert_to_tensor(self._loc), tf.convert_to_tensor(self._scale)
        return log_logistic_mass(loc, scale, lower, upper)

    def _log_prob(self, value):
        is_possible = check_values(self, value)
        log_prob = self.log_interval_prob(value, value + 1)
        return tf.where(is_possible, log_prob, tf.constant(-math.inf, log_prob.dtype))

    def _sample_n(self, n, seed=None):
        shape = ps.concat([[n], self.batch_shape_tensor()], axis=0)
        tiny = dtype_util.as_numpy_dtype(self.dtype)(dtype_util.eps(self.dtype) ** 4)
        uniform = samplers.uniform(shape, minval=tiny, maxval=1, seed=seed, dtype=self.dtype)
        logistic = tf.math.log(uniform) - tf.math.log1p(-uniform)
        return round_into(self._loc + self._scale * logistic, self._low, self._high)

    def _default_event_space_bijector(self):
        return None
