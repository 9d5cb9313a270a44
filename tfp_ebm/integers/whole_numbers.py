"""What distributions over whole numbers have in common."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.logistic_mass import log_logistic_mass
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    assert_util,
    dtype_util,
    ps,
    samplers,
    tensor_util,
)
from tfp_ebm.internal.types import Parameter, Seed, Shape, TensorLike

__all__ = ["RoundedLogistics"]


class RoundedLogistics(
    DiscreteDistributionMixin, tfp.distributions.AutoCompositeTensorDistribution
):
    """A scalar made of logistics and rounded to whole numbers, of a range or all of them.

    Subclasses keep `_loc`, `_scale`, `_low` and `_high`, and give `_log_interval_prob`.
    """

    loc = Given[Parameter]("Means of the logistics, as given.")
    scale = Given[Parameter]("Scales of the logistics, as given.")
    low = Given[Parameter]("The lowest whole number, as given.")
    high = Given[Parameter]("The highest whole number, as given.")

    def _check_range(self):
        """Raises, where they are known, unless there is a whole number from `low` to `high`."""
        low, high = tf.math.ceil(self._low), tf.floor(self._high)
        if tf.executing_eagerly() and not bool(tf.reduce_all(low <= high)):
            raise ValueError(
                "`low` and `high` must have a whole number between them, got "
                f"{np.asarray(self._low).tolist()} and {np.asarray(self._high).tolist()}."
            )

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._scale):
            return []
        return [assert_util.assert_positive(self._scale, message="`scale` must be above 0.")]

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
        return self._log_interval_prob(start, stop)

    def _log_interval_prob(self, start, stop):
        raise NotImplementedError(f"{type(self).__name__} must implement `_log_interval_prob`.")

    def _edges(self, start, stop):
        """Returns between which real numbers those lie that round to `start` ... `stop - 1`.

        The ends of the range take the tails.
        """
        start, stop = (tf.convert_to_tensor(value, self.dtype) for value in (start, stop))
        infinity = tf.constant(math.inf, self.dtype)
        lower = tf.where(start <= tf.math.ceil(self._low), -infinity, start - 0.5)
        return lower, tf.where(stop > tf.floor(self._high), infinity, stop - 0.5)

    def _log_mass(self, lower, upper):
        """Returns the logarithms of the masses of the logistics between real numbers."""
        loc, scale = tf.convert_to_tensor(self._loc), tf.convert_to_tensor(self._scale)
        return log_logistic_mass(loc, scale, lower, upper)

    def _log_prob(self, value):
        is_possible = tf.equal(value, tf.floor(value)) & tf.math.is_finite(value)
        is_possible &= (value >= self._low) & (value <= self._high)
        if self.validate_args:
            message = f"`value` of `{self.name}` must hold whole numbers of its range."
            value = checks.valid(value, is_possible, message)
        log_prob = self.log_interval_prob(value, value + 1)
        return tf.where(is_possible, log_prob, tf.constant(-math.inf, log_prob.dtype))

    def _rounded(self, loc: tf.Tensor, scale: tf.Tensor, shape: Shape, seed: Seed) -> tf.Tensor:
        """Draws logistics of a shape, and returns the nearest whole numbers of the range."""
        tiny = dtype_util.as_numpy_dtype(self.dtype)(dtype_util.eps(self.dtype) ** 4)
        uniform = samplers.uniform(shape, minval=tiny, maxval=1, seed=seed, dtype=self.dtype)
        logistic = tf.math.log(uniform) - tf.math.log1p(-uniform)
        low, high = tf.math.ceil(self._low), tf.floor(self._high)
        return tf.clip_by_value(tf.round(loc + scale * logistic), low, high)

    def _sample_shape(self, n):
        return ps.concat([[n], self.batch_shape_tensor()], axis=0)

    def _default_event_space_bijector(self):
        return None
