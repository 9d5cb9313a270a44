"""What distributions over Gaussian visible units coupled to hidden bits have in common."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.independent_spins import LastAxisEvents
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.numeric import broadcast_batch
from tfp_ebm.internal.tfp_private import assert_util, samplers, tensor_util
from tfp_ebm.internal.types import Distribution, Parameter, Seed, TensorLike

__all__ = ["GaussianVisible", "scale_variable"]

# A learned scale stays above this share of its first value.
_MIN_RELATIVE_SCALE = 0.05
# Where sigma may start, before the softplus: 0.0003 above its lower bound, which has no inverse.
_LOWEST_UNCONSTRAINED_SCALE = -8.0


def scale_variable(scale: float, num_visible: int, learn_scale: bool, dtype: tf.DType) -> Parameter:
    """Returns sigma of every visible unit: trained above a twentieth of `scale`, or constant."""
    sigma = tf.fill([num_visible], tf.constant(scale, dtype))
    if not learn_scale:
        return sigma
    low = tf.constant(_MIN_RELATIVE_SCALE * scale, dtype)
    return tfp.util.TransformedVariable(sigma, tfp.bijectors.Softplus(low=low), name="scale")


def _smallest_scale(dtype):
    """Returns the sigma whose square is the smallest normal number."""
    return math.sqrt(float(np.finfo(dtype.as_numpy_dtype).tiny))


def _underflow_message(dtype):
    return (
        f"`scale` must be at least {_smallest_scale(dtype):.1e} in {dtype.name}, below which its "
        "square underflows; rescale the data, or use float64."
    )


class GaussianVisible(LastAxisEvents, BoltzmannMachine):
    """Base class: the event is the visible layer, the hidden bits are summed out.

    Subclasses set `_visible_bias`, `_hidden_bias` and `_scale`, and give `machine()`, of which
    `GaussianUnits` is a part.
    """

    visible_bias = Given[Parameter]("b, as given.")
    hidden_bias = Given[Parameter]("c, as given.")
    scale = Given[Parameter]("sigma, as given.")

    _event_parameter = "_visible_bias"

    def _check_scale(self, num_visible):
        scale = self._scale
        if scale.shape.rank != 0 and scale.shape[-1] not in (1, num_visible):
            raise ValueError(
                f"`scale` must be a scalar or have shape [..., {num_visible}], one entry for each "
                f"visible unit, or [..., 1], one for all of them, got shape {scale.shape}."
            )
        checks.finite("scale", scale, above_zero=True)
        if tf.executing_eagerly():
            lowest = float(tf.reduce_min(tf.convert_to_tensor(scale)))
            dtype = tf.as_dtype(scale.dtype)
            if lowest < _smallest_scale(dtype):
                raise ValueError(f"{_underflow_message(dtype)} Got {lowest:.1e}.")

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._scale):
            return []
        scale = tf.convert_to_tensor(self._scale)
        smallest = tf.constant(_smallest_scale(scale.dtype), scale.dtype)
        message = _underflow_message(scale.dtype)
        return [assert_util.assert_greater_equal(scale, smallest, message=message)]

    def log_partition_offset(self) -> tf.Tensor:
        """Returns 0: the machine is the distribution."""
        # Of the chains nothing is integrated out: the visible units are the event.
        return tf.zeros([], self.dtype)

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Returns the points themselves, `[..., *batch_shape, num_visible]`."""
        del seed
        value = tf.convert_to_tensor(value, self.dtype)
        return broadcast_batch(value, self.batch_shape_tensor())

    def _visible_machine(self):
        """Returns the machine of the visible units and bits alone."""
        return self.machine()

    def initialize_from_data(self, value: TensorLike, seed: Seed = None) -> None:
        """Sets the machine to the mean and the standard deviation of points, its bits to even odds.

        Afterwards sigma is the standard deviation of the points (a constant sigma stays), every
        bit of their mean is 1 with probability 1/2, and with bits at 1/2 the visible units have
        that mean. Chains start afresh and log Z is estimated anew. A machine that starts wider than
        its data first shrinks its weights, and may then take thousands of updates to find
        anything that is not Gaussian.

        >>> import tensorflow as tf
        >>> from tfp_ebm.distributions import GaussianBernoulliRBM
        >>> base = GaussianBernoulliRBM.create(num_visible=2, num_hidden=3)
        >>> base.initialize_from_data([[1.0, 5.0], [3.0, 5.5]])
        >>> print(base.scale.numpy().round(2))
        [1.   0.25]

        Args:
          value: `[N, num_visible]`, at least two points.
          seed: seed of the chains and of annealing.

        Raises:
          ValueError: if the points do not fit, the parameters are not variables, or there is a
            batch of machines.
        """
        value = tf.convert_to_tensor(value, self.dtype)
        if value.shape.rank != 2 or value.shape[0] < 2 or value.shape[1:] != self.event_shape:
            raise ValueError(
                f"`value` must have shape [N, {self.event_shape[0]}] with N at least 2, got "
                f"{value.shape}."
            )
        checks.finite("value", value)
        if self.batch_shape.rank:
            raise ValueError(
                "`initialize_from_data` sets a single machine, this one has batch shape "
                f"{self.batch_shape}."
            )
        if not isinstance(self._visible_bias, tf.Variable):
            raise ValueError("`initialize_from_data` needs variables for parameters; use `create`.")
        mean, variance = tf.nn.moments(value, axes=[0])
        if isinstance(self._scale, tfp.util.TransformedVariable):
            lowest = tf.constant(_LOWEST_UNCONSTRAINED_SCALE, self.dtype)
            lowest = self._scale.bijector.forward(lowest)
            self._scale.assign(tf.maximum(tf.sqrt(variance), lowest))
        machine = self._visible_machine()
        even = tf.fill([1, machine.num_enumerated], tf.constant(0.5, self.dtype))
        self._visible_bias.assign(mean - machine.scale * machine.multiply(even)[0])
        centre = -machine.hidden_signal(mean[tf.newaxis])
        self._hidden_bias.assign(tf.reshape(centre, self._hidden_bias.shape))
        chain_seed, annealing_seed = samplers.split_seed(seed, n=2, salt="initialize_from_data")
        if self._chains is not None:
            self._chains.restart(self.machine(), chain_seed)
        self.estimate_log_partition(64, 50, seed=annealing_seed, max_rounds=0)

    def posterior(self, value: TensorLike) -> Distribution:
        """Returns p(h | v), exact: the hidden bits of each point.

        Args:
          value: `[..., num_visible]`, points v.

        Returns:
          `tfd.Independent` of `tfd.Bernoulli` with event shape `[num_hidden]`.
        """
        machine = self.machine()
        logits = machine.hidden_signal(tf.convert_to_tensor(value, self.dtype))
        bernoulli = tfp.distributions.Bernoulli(
            logits=logits + machine.hidden_bias, dtype=self.dtype
        )
        return tfp.distributions.Independent(bernoulli, 1)

    def _unnormalized_log_prob(self, value):
        return self.machine().log_marginal(value)

    def _sample_n(self, n, seed=None):
        return self._sample_units(n, seed)

    def _mean(self):
        return self._enumerate_units().mean()

    def _variance(self):
        return self._enumerate_units().variance()

    def _covariance(self):
        return self._enumerate_units().covariance()

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)
