"""The restricted Boltzmann machine as a distribution over its spins."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.spin_machine import SpinMachine
from tfp_ebm.internal import checks
from tfp_ebm.internal.numeric import broadcast_batch, multiply_rows
from tfp_ebm.internal.parameter_shapes import undetermined
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    dtype_util,
    parameter_properties,
    ps,
    tensor_util,
)
from tfp_ebm.mcmc import PersistentChains

__all__ = ["RestrictedBoltzmannMachine"]


class RestrictedBoltzmannMachine(DiscreteDistributionMixin, BoltzmannMachine):
    """A Boltzmann machine of binary units in two layers, coupled only across.

        p(s) = exp(s_v^T W s_h + h^T s) / Z,   s = (s_v, s_h) in {-1, +1}^N

    or, with `binary=True`, in {0, 1}^N with the same formula.

    `log_prob` is in nats; see `tfp_ebm.distributions.BoltzmannMachine` for how log Z is obtained.

    #### Example

    >>> import tensorflow as tf
    >>> machine = RestrictedBoltzmannMachine(weights=tf.constant([[0.5]]), bias=[0.0, 0.0])
    >>> tf.exp(machine.log_prob([[1.0, 1.0], [1.0, -1.0]])).numpy().round(3).tolist()
    [0.3659999966621399, 0.1340000033378601]

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", equation 6.
    """

    def __init__(
        self,
        weights: Any,
        bias: Any,
        binary: bool = False,
        chains: PersistentChains | None = None,
        num_gibbs_steps: int = 200,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "RestrictedBoltzmannMachine",
    ) -> None:
        """Constructs the distribution.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          bias: `[..., num_visible + num_hidden]`, h, visible units first.
          binary: whether units are 0 and 1 instead of spins, -1 and +1.
          chains: persistent chains for the gradient of log Z. By default there are 256, or none
            where the smaller layer has at most 12 units and log Z is summed exactly.
          num_gibbs_steps: sweeps between the chains and a sample.
          validate_args: whether to check that values are spins, or bits.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if the shapes disagree.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = dtype_util.common_dtype([weights, bias], dtype_hint=tf.float32)
            convert = tensor_util.convert_nonref_to_tensor
            self._weights = convert(weights, dtype=dtype, name="weights")
            self._bias = convert(bias, dtype=dtype, name="bias")
            self._binary = bool(binary)
            checks.layer_shapes(self._weights, self._bias)
            checks.batches(weights=(self._weights, 2), bias=(self._bias, 1))
            checks.finite("weights", self._weights)
            checks.finite("bias", self._bias)
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )
            self._set_up_sampling(chains, num_gibbs_steps)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "bias": properties(event_ndims=1),
        }

    @property
    def weights(self) -> Any:
        """W, as given."""
        return self._weights

    @property
    def couplings(self) -> list[tf.Tensor]:
        """`[W]`, read now."""
        return [tf.convert_to_tensor(self._weights)]

    @property
    def bias(self) -> Any:
        """h, as given."""
        return self._bias

    def _event_shape(self):
        return self._bias.shape[-1:]

    def _event_shape_tensor(self):
        return ps.shape(self._bias)[-1:]

    def machine(self) -> SpinMachine:
        """Returns the machine of spins at the current parameters."""
        weights, bias = tf.convert_to_tensor(self._weights), tf.convert_to_tensor(self._bias)
        if self._binary:  # v = (1 + s) / 2
            signals = [tf.reduce_sum(weights, axis) for axis in (-1, -2)]
            weights, bias = weights / 4, bias / 2 + tf.concat(signals, axis=-1) / 4
        return SpinMachine.from_parameters(weights, bias)

    def log_partition_offset(self) -> tf.Tensor:
        """Returns the constant between the energies of bits and of spins; 0 for spins."""
        if not self._binary:
            return tf.zeros([], self.dtype)
        coupling = tf.reduce_sum(tf.convert_to_tensor(self._weights), axis=[-2, -1]) / 4
        return coupling + tf.reduce_sum(tf.convert_to_tensor(self._bias), axis=-1) / 2

    def chain_state(self, value: Any, seed: Any = None) -> tf.Tensor:
        """Returns the visible spins of points: `[..., *batch_shape, num_visible]`."""
        del seed
        visible = tf.convert_to_tensor(value, self.dtype)[..., : self._weights.shape[-2]]
        visible = broadcast_batch(visible, self.batch_shape_tensor())
        return 2 * visible - 1 if self._binary else visible

    def _unnormalized_log_prob(self, value):
        if self.validate_args:
            low = 0 if self._binary else -1
            is_unit = tf.equal(value, low) | tf.equal(value, 1)
            value = checks.valid(value, is_unit, f"`value` must hold units, {low} or +1.")
        num_visible = self._weights.shape[-2]
        visible, hidden = value[..., :num_visible], value[..., num_visible:]
        signal = multiply_rows(visible, tf.convert_to_tensor(self._weights))
        coupling = tf.reduce_sum(signal * hidden, axis=-1)
        return coupling + tf.reduce_sum(value * self._bias, axis=-1)

    def _sample_n(self, n, seed=None):
        spins = self._sample_units(n, seed)
        return (1 + spins) / 2 if self._binary else spins

    def _mean(self):
        mean = self._enumerate_units().mean()
        return (1 + mean) / 2 if self._binary else mean

    def _variance(self):
        variance = self._enumerate_units().variance()
        return variance / 4 if self._binary else variance

    def _covariance(self):
        covariance = self._enumerate_units().covariance()
        return covariance / 4 if self._binary else covariance

    def _entropy(self):
        return self._enumerable_machine().enumerate_entropy()

    def _default_event_space_bijector(self):
        return None
