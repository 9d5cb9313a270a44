"""The restricted Boltzmann machine as a distribution over its spins."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.independent_spins import IndependentSpins
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, MatrixCouplings, converted, small_weights
from tfp_ebm.internal.numeric import broadcast_batch, multiply_rows
from tfp_ebm.internal.parameter_shapes import undetermined, vector
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    ps,
    samplers,
)
from tfp_ebm.internal.types import Distribution, Parameter, Seed, TensorLike, Unpack
from tfp_ebm.machines.bits import BitBias, bits_of_spins, spins_of_bits
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["RestrictedBoltzmannMachine"]


class RestrictedBoltzmannMachine(MatrixCouplings, DiscreteDistributionMixin, BoltzmannMachine):
    """A Boltzmann machine of binary units in two layers, coupled only across.

        p(s) = exp(s_v^T W s_h + h^T s) / Z,   s = (s_v, s_h) in {-1, +1}^N

    or, with `binary=True`, in {0, 1}^N with the same formula. With `marginal=True` it is the
    distribution of the visible units alone, the RBM of binary data:

        p(s_v) = sum over s_h of p(s_v, s_h),   by a product over hidden units

    whose features are the `posterior` p(s_h | s_v), independent units.

    To train a machine, make it by `create`. One of bits is held as spins there, v = (1 + s) / 2, an
    exact change of coordinates in which it learns as a machine of spins does; its `weights` and
    `bias` are those of bits all the same, computed whenever they are read. Variables of bits that
    are given to the constructor are trained as they are, by the gradient of units that are not
    centred, and end far behind: 13 nats after 2,000 updates on binarised MNIST.

    `log_prob` is in nats; see `tfp_ebm.distributions.BoltzmannMachine` for how log Z is obtained.

    #### Examples

    >>> import tensorflow as tf
    >>> machine = RestrictedBoltzmannMachine(weights=tf.constant([[0.5]]), bias=[0.0, 0.0])
    >>> tf.exp(machine.log_prob([[1.0, 1.0], [1.0, -1.0]])).numpy().round(3).tolist()
    [0.3659999966621399, 0.1340000033378601]

    Binary data, by Keras `fit`:

    >>> import numpy as np, tfp_ebm
    >>> data = np.array([[0, 0, 1], [1, 1, 0]] * 8, np.float32)
    >>> rbm = RestrictedBoltzmannMachine.create(num_visible=3, num_hidden=2, seed=(0, 1))
    >>> trainer = tfp_ebm.training.LikelihoodModel(rbm)
    >>> trainer.compile(optimizer="adam")
    >>> losses = trainer.fit(data, epochs=1, verbose=0).history["loss"]
    >>> rbm.posterior(data).mean().shape, rbm.sample(5).shape
    (TensorShape([16, 2]), TensorShape([5, 3]))

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", equation 6.
    """

    def __init__(
        self,
        weights: TensorLike,
        bias: TensorLike,
        binary: bool = False,
        marginal: bool = False,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the machine of W and h.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          bias: `[..., num_visible + num_hidden]`, h, visible units first.
          binary: whether units are 0 and 1 instead of spins, -1 and +1.
          marginal: whether events are the visible units alone, `[..., num_visible]`.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "RestrictedBoltzmannMachine") as name:
            dtype, (self._weights, self._bias) = converted(weights=weights, bias=bias)
            self._binary, self._marginal = bool(binary), bool(marginal)
            checks.layer_shapes(self._weights, self._bias)
            checks.batches(weights=(self._weights, 2), bias=(self._bias, 1))
            checks.finite("weights", self._weights)
            checks.finite("bias", self._bias)
            super().__init__(dtype, parameters, name)

    @classmethod
    def create(
        cls,
        num_visible: int,
        num_hidden: int,
        binary: bool = True,
        marginal: bool = True,
        weight_scale: float = 0.01,
        **options: Unpack[ChainOptions],
    ) -> "RestrictedBoltzmannMachine":
        """Returns a trainable machine, by default of binary data, with small weights.

        Args:
          num_visible: number of visible units.
          num_hidden: number of hidden units.
          binary: whether units are 0 and 1 instead of -1 and +1.
          marginal: whether events are the visible units alone.
          weight_scale: standard deviation of the first weights; of bits, those of the spins that
            they are held as, a quarter of `weights`.
          **options: `ChainOptions`.

        Raises:
          ValueError: if a size is not positive, or there is no such sampler.
        """
        dtype = options.get("dtype", tf.float32)
        seeds = samplers.split_seed(options.get("seed"), n=2, salt="restricted_boltzmann")
        weights = small_weights(num_visible, num_hidden, weight_scale, dtype, seeds[0])
        bias = tf.Variable(tf.zeros([num_visible + num_hidden], dtype), name="bias")
        if binary:
            weights, bias = bits_of_spins(weights, bias)
        started = StartChains.arguments(options, seeds[1])
        return cls(weights, bias, binary, marginal, **started)._begun(seeds[1])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "bias": vector(),
        }

    bias = Given[Parameter]("h, as given.")
    binary = Given[bool]("Whether units are 0 and 1.")
    marginal = Given[bool]("Whether events are the visible units alone.")

    @property
    def _num_visible(self):
        return self._weights.shape[-2]

    def _event_shape(self):
        return self._weights.shape[-2:-1] if self._marginal else self._bias.shape[-1:]

    def _event_shape_tensor(self):
        return ps.shape(self._weights)[-2:-1] if self._marginal else ps.shape(self._bias)[-1:]

    def machine(self) -> SpinMachine:
        """Returns the machine of spins at the current parameters."""
        weights, bias = self._weights, self._bias
        if self._binary:
            weights, bias = spins_of_bits(weights, bias)
        return SpinMachine.from_parameters(weights, bias)

    def log_partition_offset(self) -> tf.Tensor:
        """Returns the constant between the energies of bits and of spins; 0 for spins."""
        if not self._binary:
            return tf.zeros([], self.dtype)
        coupling = tf.reduce_sum(tf.convert_to_tensor(self._weights), axis=[-2, -1]) / 4
        return coupling + tf.reduce_sum(tf.convert_to_tensor(self._bias), axis=-1) / 2

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Returns the visible spins of points: `[..., *batch_shape, num_visible]`."""
        del seed
        visible = tf.convert_to_tensor(value, self.dtype)[..., : self._num_visible]
        return self._spins(broadcast_batch(visible, self.batch_shape_tensor()))

    def _spins(self, units):
        return 2 * units - 1 if self._binary else units

    def posterior(self, visible: TensorLike) -> Distribution:
        """Returns p(s_h | s_v), exact: the hidden units of each row of visible ones.

        Args:
          visible: `[..., num_visible]`, bits or spins as the machine has them; of whole events the
            hidden units are left out.

        Returns:
          `IndependentSpins`, or of bits `tfd.Independent` of `tfd.Bernoulli`, with event shape
          `[num_hidden]`.
        """
        visible = tf.convert_to_tensor(visible, self.dtype)[..., : self._num_visible]
        log_odds = self.machine().latent_log_odds(self._spins(visible))
        if not self._binary:
            return IndependentSpins(log_odds / 2)
        bernoulli = tfp.distributions.Bernoulli(logits=log_odds, dtype=self.dtype)
        return tfp.distributions.Independent(bernoulli, 1)

    def initialize_from_data(self, visible: TensorLike, seed: Seed = None) -> None:
        """Sets the visible biases to the log-odds of data, as independent units would have them.

        Half a unit of either kind is added to each column, so that constant ones stay finite.
        Chains start afresh and log Z is estimated anew.

        Args:
          visible: `[N, num_visible]`.
          seed: seed of the chains and of annealing.

        Raises:
          ValueError: if the data do not fit, the parameters are not variables, or there is a batch
            of machines.
        """
        visible = tf.convert_to_tensor(visible, self.dtype)
        if visible.shape.rank != 2 or visible.shape[-1] != self._num_visible:
            raise ValueError(
                f"`visible` must have shape [N, {self._num_visible}], got {visible.shape}."
            )
        is_held_as_spins = isinstance(self._bias, BitBias)
        variable = self._bias.pretransformed_input if is_held_as_spins else self._bias
        if self.batch_shape.rank or not isinstance(variable, tf.Variable):
            raise ValueError(
                "`initialize_from_data` needs a single machine with variables for parameters; use "
                "`create`."
            )
        share = (1 + self._spins(visible)) / 2
        count = tf.cast(tf.shape(visible)[0], self.dtype)
        share = (tf.reduce_sum(share, axis=0) + 0.5) / (count + 1)
        log_odds = tf.math.log(share) - tf.math.log1p(-share)
        hidden = variable[self._num_visible :]
        visible_bias = log_odds if self._binary and not is_held_as_spins else log_odds / 2
        variable.assign(tf.concat([visible_bias, hidden], axis=0))
        chain_seed, annealing_seed = samplers.split_seed(seed, n=2, salt="initialize_from_data")
        if self._chains is not None:
            self._chains.restart(self.machine(), chain_seed)
        self.estimate_log_partition(64, 50, seed=annealing_seed, max_rounds=0)

    def _unnormalized_log_prob(self, value):
        if self.validate_args:
            low = 0 if self._binary else -1
            is_unit = tf.equal(value, low) | tf.equal(value, 1)
            value = checks.valid(value, is_unit, f"`value` must hold units, {low} or +1.")
        if self._marginal:
            return self.machine().log_marginal(self._spins(value)) + self.log_partition_offset()
        visible, hidden = value[..., : self._num_visible], value[..., self._num_visible :]
        signal = multiply_rows(visible, tf.convert_to_tensor(self._weights))
        coupling = tf.reduce_sum(signal * hidden, axis=-1)
        return coupling + tf.reduce_sum(value * self._bias, axis=-1)

    def _sample_n(self, n, seed=None):
        spins = self._sample_units(n, seed)
        units = (1 + spins) / 2 if self._binary else spins
        return units[..., : self._num_visible] if self._marginal else units

    def _mean(self):
        mean = self._enumerate_units().mean()
        mean = (1 + mean) / 2 if self._binary else mean
        return mean[..., : self._num_visible] if self._marginal else mean

    def _variance(self):
        variance = self._enumerate_units().variance()
        variance = variance / 4 if self._binary else variance
        return variance[..., : self._num_visible] if self._marginal else variance

    def _covariance(self):
        covariance = self._enumerate_units().covariance()
        covariance = covariance / 4 if self._binary else covariance
        kept = self._num_visible
        return covariance[..., :kept, :kept] if self._marginal else covariance

    def _entropy(self):
        if self._marginal:
            raise NotImplementedError("The entropy of the visible units alone has no closed form.")
        return self._enumerable_machine().enumerate_entropy()

    def _default_event_space_bijector(self):
        return None
