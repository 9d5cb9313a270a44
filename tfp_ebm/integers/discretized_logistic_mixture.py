"""A mixture of logistic distributions rounded to whole numbers."""

import math

import tensorflow as tf

from tfp_ebm.integers.whole_numbers import RoundedLogistics
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted, distribution_arguments
from tfp_ebm.internal.parameter_shapes import undetermined
from tfp_ebm.internal.tfp_private import parameter_properties, ps, samplers
from tfp_ebm.internal.types import Parameter, TensorLike

__all__ = ["DiscretizedLogisticMixture"]


class DiscretizedLogisticMixture(RoundedLogistics):
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

    logits = Given[Parameter]("Logarithms of the weights, up to a constant, as given.")

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
            dtype, (self._logits, self._loc, self._scale, self._low, self._high) = converted(
                logits=logits, loc=loc, scale=scale, low=low, high=high
            )
            for name_of, value in (("logits", logits), ("loc", loc), ("scale", scale)):
                if getattr(self, f"_{name_of}").shape.rank == 0:
                    raise ValueError(
                        f"`{name_of}` must have shape [..., num_components], got a scalar, {value}."
                    )
            checks.batches(logits=(self._logits, 0), loc=(self._loc, 0), scale=(self._scale, 0))
            self._check_range()
            super().__init__(**distribution_arguments(dtype, parameters, name))

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

    def _log_interval_prob(self, start, stop):
        lower, upper = self._edges(start, stop)
        masses = self._log_mass(lower[..., tf.newaxis], upper[..., tf.newaxis])
        return tf.reduce_logsumexp(tf.nn.log_softmax(self._logits) + masses, axis=-1)

    def _sample_n(self, n, seed=None):
        component_seed, value_seed = samplers.split_seed(seed, n=2, salt="logistic_mixture")
        shape, batch_shape = self._sample_shape(n), self.batch_shape_tensor()
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
        return self._rounded(loc, scale, shape, value_seed)
