"""Independent spins smoothed into a density, the base of D-Flow."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted, distribution_arguments
from tfp_ebm.internal.numeric import log_2cosh
from tfp_ebm.internal.parameter_shapes import positive_scalar, vector
from tfp_ebm.internal.tfp_private import (
    assert_util,
    ps,
    tensor_util,
)
from tfp_ebm.internal.types import Parameter, TensorLike
from tfp_ebm.machines.bipartite_precision import learned_delta
from tfp_ebm.machines.spin_machine import sample_spins
from tfp_ebm.partition.energy_based import EnergyBased

__all__ = ["DiscreteMixture"]


class DiscreteMixture(
    SmoothedSpins, EnergyBased, tfp.distributions.AutoCompositeTensorDistribution
):
    """A product of two-component Gaussian mixtures with means -1 and +1.

    The smoothed Boltzmann machine without couplings, J = 0: exact, with no chain to run.

        p(s_i = +1) = sigmoid(2 h_i),   z_i | s_i ~ Normal(s_i, 1 / delta)
        log p(z) = sum_i [-delta z_i^2 / 2 + log 2cosh(delta z_i + h_i)] - log Z
        log Z = sum_i log 2cosh(h_i) + (n/2) (log(2 pi / delta) + delta)
        p(s_i = +1 | z) = sigmoid(2 (delta z_i + h_i))

    `sample(shape, spins=s)` holds the discrete code s fixed, where s has shape `[..., n]` and
    broadcasts with the sample.

    #### Example

    >>> import tensorflow as tf
    >>> base = DiscreteMixture(bias=tf.constant([0.0, 1.0, -1.0]), delta=4.0)
    >>> base.log_prob(tf.ones([5, 3])).shape, base.sample(2, seed=(0, 1)).shape
    (TensorShape([5]), TensorShape([2, 3]))

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 3.3,
    where p(s = -1) is printed sigmoid(h); the energy gives sigmoid(-2 h).
    """

    def __init__(
        self,
        bias: TensorLike,
        delta: TensorLike = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscreteMixture",
    ) -> None:
        """Constructs the mixture around spins in fields h; `create` makes it trainable.

        Args:
          bias: `[..., n]`, h.
          delta: `[...]`, the inverse variance of each component, above 0.
          validate_args: whether to check at run time, too, that delta is above 0.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if bias is a scalar or delta not above 0.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._bias, self._delta) = converted(bias=bias, delta=delta)
            if self._bias.shape.rank == 0:
                raise ValueError("`bias` must have shape [..., n], got a scalar.")
            checks.batches(bias=(self._bias, 1), delta=(self._delta, 0))
            if tf.executing_eagerly() and not bool(tf.reduce_all(self._delta > 0)):
                raise ValueError(f"`delta` must be above 0, got {self._delta.numpy()}.")
            super().__init__(**distribution_arguments(dtype, parameters, name))

    @classmethod
    def create(
        cls,
        num_dims: int,
        delta: float = 1.0,
        learn_delta: bool = False,
        dtype: tf.DType = tf.float32,
        name: str = "DiscreteMixture",
    ) -> "DiscreteMixture":
        """Returns a trainable mixture: h a variable at 0, delta fixed or another variable.

        Args:
          num_dims: number of dimensions.
          delta: inverse variance of the components; 1 in the paper.
          learn_delta: whether delta is trained, as a softplus above 0.1.
          dtype: dtype of the variable.
          name: name of the distribution.

        Raises:
          ValueError: if `num_dims` is not a positive integer, delta not a positive number, or to be
            learned from 0.1 or below.
        """
        num_dims = checks.positive_integer("num_dims", num_dims)
        delta = checks.positive_number("delta", delta)
        if learn_delta:
            delta = learned_delta(delta, dtype)
        return cls(tf.Variable(tf.zeros([num_dims], dtype), name="bias"), delta, name=name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "bias": vector(),
            "delta": positive_scalar(dtype),
        }

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._delta):
            return []
        return [assert_util.assert_positive(self._delta, message="`delta` must be above 0.")]

    bias = Given[Parameter]("h, as given.")
    delta = Given[Parameter]("The inverse variance of the components, as given.")

    def _field(self, value):
        return tf.convert_to_tensor(self._delta)[..., tf.newaxis] * value + self._bias

    def _unnormalized_log_prob(self, value):
        delta = tf.convert_to_tensor(self._delta)[..., tf.newaxis]
        # log 2cosh sums both spins; their common factor exp(-delta / 2) stands in log Z, as + delta
        # / 2.
        terms = -0.5 * delta * value**2 + log_2cosh(self._field(value))
        return tf.reduce_sum(terms, axis=-1)

    def _log_partition(self):
        delta = tf.convert_to_tensor(self._delta)[..., tf.newaxis]
        gaussian = 0.5 * (math.log(2 * math.pi) - tf.math.log(delta) + delta)
        return tf.reduce_sum(log_2cosh(tf.convert_to_tensor(self._bias)) + gaussian, axis=-1)

    def _sample_spins(self, n, seed):
        shape = ps.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return sample_spins(tf.broadcast_to(self._bias, shape), seed)

    def _color(self, noise):
        return noise * tf.math.rsqrt(tf.convert_to_tensor(self._delta))[..., tf.newaxis]

    def _mean(self):
        mean = tf.tanh(tf.convert_to_tensor(self._bias))
        shape = ps.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.broadcast_to(mean, shape)

    def _variance(self):
        delta = tf.convert_to_tensor(self._delta)[..., tf.newaxis]
        return 1 - tf.tanh(tf.convert_to_tensor(self._bias)) ** 2 + 1 / delta

    def _covariance(self):
        return tf.linalg.diag(self._variance())

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)
