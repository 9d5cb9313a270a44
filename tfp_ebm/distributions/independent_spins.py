"""Independent spins: the discrete code of a data point."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted, distribution_arguments
from tfp_ebm.internal.numeric import log_2cosh
from tfp_ebm.internal.parameter_shapes import vector
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    ps,
)
from tfp_ebm.internal.types import Parameter, TensorLike
from tfp_ebm.machines.spin_machine import sample_spins

__all__ = ["IndependentSpins", "LastAxisEvents"]


class LastAxisEvents:
    """Mixin of distributions over vectors, as long as the parameter kept by one of their names."""

    _event_parameter: str

    def _event_shape(self):
        return getattr(self, self._event_parameter).shape[-1:]

    def _event_shape_tensor(self):
        return ps.shape(getattr(self, self._event_parameter))[-1:]


class IndependentSpins(
    LastAxisEvents, DiscreteDistributionMixin, tfp.distributions.AutoCompositeTensorDistribution
):
    """A vector of independent spins in {-1, +1}.

        p(s) = prod_i exp(h_i s_i) / (2 cosh h_i),   p(s_i = +1) = sigmoid(2 h_i)
        mean = tanh(h)

    It is the posterior of a smoothed Boltzmann machine: `SmoothedRBM.posterior(z)`. The paper
    prints p(s = -1) = sigmoid(h) in section 3.3; its own energy gives sigmoid(-2 h).

    >>> import tensorflow as tf
    >>> spins = IndependentSpins(field=tf.constant([0.0, 2.0]))
    >>> spins.mean().numpy().round(3).tolist()
    [0.0, 0.9639999866485596]

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 3.3.
    """

    def __init__(
        self,
        field: TensorLike,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "IndependentSpins",
    ) -> None:
        """Constructs the distribution.

        Args:
          field: `[..., n]`, h: half the log-odds of +1.
          validate_args: whether to check that values are spins.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._field,) = converted(field=field)
            super().__init__(**distribution_arguments(dtype, parameters, name))

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"field": vector()}

    field = Given[Parameter]("Half the log-odds of +1, as given.")

    _event_parameter = "_field"

    def _log_prob(self, value):
        field = tf.convert_to_tensor(self._field)
        if self.validate_args:
            message = "`value` must hold spins, -1 or +1."
            value = checks.valid(value, tf.equal(tf.abs(value), 1), message)
        # p(s) = exp(h s) / 2cosh(h): no logarithm of a probability that could round to 0.
        return tf.reduce_sum(field * value - log_2cosh(field), axis=-1)

    def _sample_n(self, n, seed=None):
        field = tf.convert_to_tensor(self._field)
        shape = ps.concat([[n], ps.shape(field)], axis=0)
        return sample_spins(tf.broadcast_to(field, shape), seed)

    def _mean(self):
        return tf.tanh(tf.convert_to_tensor(self._field))

    def _variance(self):
        return 1 - self._mean() ** 2

    def _mode(self):
        # +1 where both are as likely: `tf.sign` would make 0, which is no spin.
        is_up = tf.convert_to_tensor(self._field) >= 0
        return 2 * tf.cast(is_up, self.dtype) - 1

    def _entropy(self):
        field = tf.convert_to_tensor(self._field)
        return tf.reduce_sum(log_2cosh(field) - field * tf.tanh(field), axis=-1)

    def _covariance(self):
        return tf.linalg.diag(self._variance())

    def _default_event_space_bijector(self):
        return None


@tfp.distributions.RegisterKL(IndependentSpins, IndependentSpins)
def _kl_divergence(a, b, name=None):
    """Returns `sum_i (h_a - h_b)_i tanh(h_a)_i - log 2cosh(h_a)_i + log 2cosh(h_b)_i`."""
    with tf.name_scope(name or "kl_independent_spins"):
        field_a, field_b = tf.convert_to_tensor(a.field), tf.convert_to_tensor(b.field)
        checks.same_size(a, b)
        terms = (field_a - field_b) * tf.tanh(field_a) - log_2cosh(field_a) + log_2cosh(field_b)
        return tf.reduce_sum(terms, axis=-1)
