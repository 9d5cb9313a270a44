"""A mixture of logistic distributions rounded to whole numbers."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.integers.whole_numbers import check_range, check_values, edges, round_into
from tfp_ebm.internal import checks
from tfp_ebm.internal.logistic_mass import log_logistic_mass
from tfp_ebm.internal.parameter_shapes import undetermined
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

__all__ = ["DiscretizedLogisticMixture"]


class DiscretizedLogisticMixture(
    DiscreteDistributionMixin, tfp.distributions.AutoCompositeTensorDistribution
):
    """A mixture of K logistic variables, rounded to the nearest whole number.

        P(x) = sum_k softmax(logits)_k P_k(x),   P_k a `DiscretizedLogistic`

    Unlike `tfd.MixtureSameFamily` it stays known as discrete, so that
    `tfd.TransformedDistribution` adds no Jacobian. Values are floats that hold whole numbers. A
    `tf.function` can return it.

    >>> import tensorflow as tf
    >>> mixture = DiscretizedLogisticMixture([0.0, 1.0], loc=[2.0, 9.0], scale=[0.5, 2.0])
    >>> bool(tf.abs(tf.reduce_sum(mixture.prob(tf.range(-90.0, 90.0))) - 1) < 1e-6)
    True

    Source: Hoogeboom et al., "Integer Discrete Flows and Lossless Compression" (2019), section 4.
    """

    def __init__(
        self,
        logits: TensorLike,
        loc: TensorLike,
        scale: TensorLike,
        low: TensorLike = -math.inf,
        high: TensorLike = math.inf,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscretizedLogisticMixture",
    ) -> None:
        """Constructs the distribution.

        Args:
          logits: `[..., K]`, the logarithms of the weights, up to a constant.
          loc: `[..., K]`, means of the logistics.
          scale: `[..., K]`, their scales, above 0.
          low: `[...]`, the lowest whole number; minus infinity: there is none.
          high: `[...]`, the highest whole number; infinity: there is none.
          validate_args: whether to check scales and values.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if a parameter of the components is a scalar, or no whole number
            lies between `low` and `high`.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = dtype_util.common_dtype([logits, loc, scale, low, high], dtype_hint=tf.float32)
            convert = tensor_util.convert_nonref_to_tensor
            self._logits = convert(logits, dtype=dtype, name="logits")
            self._loc = convert(loc, dtype=dtype, name="loc")
            self._scale = convert(scale, dtype=dtype, name="scale")
            self._low = convert(low, dtype=dtype, name="low")
            self._high = convert(high, dtype=dtype, name="high")
            for name_of, value in (("logits", logits), ("loc", loc), ("scale", scale)):
                if getattr(self, f"_{name_of}").shape.rank == 0:
                    raise ValueError(
                        f"`{name_of}` must have shape [..., num_components], got a scalar, {value}."
                    )
            checks.batches(logits=(self._logits, 0), loc=(self._loc, 0), scale=(self._scale, 0))
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
        shape = "[..., num_components]"
        return {
            "logits": undetermined("logits", shape, 1),
            "loc": undetermined("loc", shape, 1),
            "scale": undetermined("scale", shape, 1),
            "low": properties(is_preferred=False),
            "high": properties(is_preferred=False),
        }

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._scale):
            return []
        return [assert_util.assert_positive(self._scale, message="`scale` must be above 0.")]

    @property
    def logits(self) -> Parameter:
        """Logarithms of the weights, as given."""
        return self._logits

    @property
    def loc(self) -> Parameter:
        """Means of the logistics, as given."""
        return self._loc

    @property
    def scale(self) -> Parameter:
        """Scales of the logistics, as given."""
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
        masses = log_logistic_mass(loc, scale, lower[..., tf.newaxis], upper[..., tf.newaxis])
        return tf.reduce_logsumexp(tf.nn.log_softmax(self._logits) + masses, axis=-1)

    def _log_prob(self, value):
        is_possible = check_values(self, value)
        log_prob = self.log_interval_prob(value, value + 1)
        return tf.where(is_possible, log_prob, tf.constant(-math.inf, log_prob.dtype))

    def _sample_n(self, n, seed=None):
        component_seed, value_seed = samplers.split_seed(seed, n=2, salt="logistic_mixture")
        batch_shape = self.batch_shape_tensor()
        shape = ps.concat([[n], batch_shape], axis=0)
        num_components = ps.reduce_max(
            [ps.shape(part)[-1] for part in (self._logits, self._loc, self._scale)]
        )
        full = ps.concat([batch_shape, [num_components]], axis=0)
        logits, loc, scale = (
            tf.broadcast_to(part, full) for part in (self._logits, self._loc, self._scale)
        )
        flat = tf.reshape(logits, [-1, num_components])
        drawn = samplers.categorical(flat, n, seed=component_seed)
        component = tf.reshape(tf.transpose(drawn), shape)
        chosen = tf.one_hot(component, num_components, dtype=self.dtype)
        loc, scale = (tf.reduce_sum(chosen * part, axis=-1) for part in (loc, scale))
        tiny = dtype_util.as_numpy_dtype(self.dtype)(dtype_util.eps(self.dtype) ** 4)
        uniform = samplers.uniform(shape, minval=tiny, maxval=1, seed=value_seed, dtype=self.dtype)
        logistic = tf.math.log(uniform) - tf.math.log1p(-uniform)
        return round_into(loc + scale * logistic, self._low, self._high)

    def _default_event_space_bijector(self):
        return None
