"""The restricted Boltzmann machine smoothed into a density, the base of RBM-Flow."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.bipartite_normal import PrecisionCouplings
from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted
from tfp_ebm.internal.numeric import log_2cosh
from tfp_ebm.internal.parameter_shapes import positive_scalar, undetermined, vector
from tfp_ebm.internal.tfp_private import (
    ps,
)
from tfp_ebm.internal.types import Parameter, Seed, TensorLike, Unpack
from tfp_ebm.machines.bipartite_precision import check_positive_definite, coupling_variables
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["SmoothedRBM"]


class SmoothedRBM(PrecisionCouplings, SmoothedSpins, BoltzmannMachine):
    """A mixture of 2^N Gaussians centred on the states of a restricted Boltzmann machine.

    Spins s in {-1, +1}^N, N = num_visible + num_hidden, have energy
    `E(s) = -s^T J s / 2 - h^T s` with `J = [[0, W], [W^T, 0]]`. Given them, z is Gaussian around
    them, and the spins sum out:

        z | s ~ Normal(s, J~^-1),   J~ = J + delta I
        log p(z) = -z^T J~ z / 2 + sum_i log 2cosh((J~ z + h)_i) - log Z
        log Z = log Z_spins + (N/2) log 2 pi - log det(J~) / 2 + N delta / 2
        p(s_i = +1 | z) = sigmoid(2 (J~ z + h)_i)

    `J~` is positive definite if and only if `delta > sigma_max(W)`. Variables made by `create`
    carry a constraint that Keras optimizers apply, so that training cannot leave that set.
    `log_prob` is in nats; how `log Z_spins` is obtained is said in
    `tfp_ebm.distributions.BoltzmannMachine`. `sample(shape, spins=s)` holds the discrete code s
    fixed, where s has shape `[..., N]` and broadcasts with the sample. One evaluation costs two
    products with W for each point, and one inverse of the smaller layer's size.

    #### Example

    >>> import tensorflow as tf
    >>> base = SmoothedRBM(weights=tf.constant([[0.5], [0.3]]), bias=[0.1, 0.0, -0.2], delta=2.5)
    >>> base.event_shape, base.log_prob(tf.zeros([4, 3])).shape
    (TensorShape([3]), TensorShape([4]))
    >>> base.posterior(base.sample(7, seed=(0, 1))).mean().shape
    TensorShape([7, 3])

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", equations 6
    to 15; the sum over units stands outside log 2cosh, where the paper prints it inside.
    """

    def __init__(
        self,
        weights: TensorLike,
        bias: TensorLike,
        delta: TensorLike,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the smoothed machine of W, h and delta; those of `create` can be trained.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          bias: `[..., num_visible + num_hidden]`, h, visible units first.
          delta: `[...]`, above the largest singular value of W.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree, a parameter is not finite, or delta is not above the
            largest singular value of W.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "SmoothedRBM") as name:
            dtype, given = converted(weights=weights, bias=bias, delta=delta)
            self._weights, self._bias, self._delta = given
            checks.layer_shapes(self._weights, self._bias)
            checks.batches(weights=(self._weights, 2), bias=(self._bias, 1), delta=(self._delta, 0))
            checks.finite("bias", self._bias)
            check_positive_definite(self._weights, self._delta)
            super().__init__(dtype, parameters, name)

    @classmethod
    def create(
        cls,
        num_visible: int,
        num_hidden: int,
        delta: float = 2.5,
        learn_delta: bool = False,
        constrained: bool = True,
        **options: Unpack[ChainOptions],
    ) -> "SmoothedRBM":
        """Returns a trainable machine: W and h variables at 0, chains started.

        At W = 0 log Z is known, so that `log_prob` works at once; after training call
        `estimate_log_partition()`.

        Args:
          num_visible: number of visible units.
          num_hidden: number of hidden units.
          delta: the precision of the smoothing; 2.5 in the paper.
          learn_delta: whether delta is trained; then W is `delta A`, and A is the variable.
          constrained: whether W is kept positive definite by a constraint; without it, use a small
            learning rate and a penalty, as the paper does.
          **options: `ChainOptions`.

        Returns:
          A `SmoothedRBM` of `num_visible + num_hidden` dimensions.

        Raises:
          ValueError: if a size is not a positive integer, delta not a positive number, or there is
            no such sampler.
        """
        dtype = options.get("dtype", tf.float32)
        weights, delta = coupling_variables(
            num_visible, num_hidden, delta, dtype, learn_delta, constrained
        )
        bias = tf.Variable(tf.zeros([num_visible + num_hidden], dtype), name="bias")
        base = cls(weights, bias, delta, **StartChains.arguments(options))
        # At W = 0 every sum factorises, so that `log_prob` is right before any chain has moved.
        base._store_uncoupled_log_partition()
        return base

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "bias": vector(),
            "delta": positive_scalar(dtype),
        }

    bias = Given[Parameter]("h, as given.")

    @property
    def num_visible(self) -> int:
        """Number of visible units."""
        return self._weights.shape[-2]

    @property
    def num_hidden(self) -> int:
        """Number of hidden units."""
        return self._weights.shape[-1]

    def machine(self) -> SpinMachine:
        """Returns the machine of the spins at the current parameters."""
        return SpinMachine.from_parameters(self._weights, self._bias, ps.shape(self._delta))

    def log_partition_offset(self) -> tf.Tensor:
        """Returns log Z - log Z_spins, the Gaussian part."""
        # N delta / 2 is the part of s^T J~ s / 2 that all spins share, since every s_i^2 is 1.
        size = self.num_visible + self.num_hidden
        precision = self.precision()
        return (
            0.5 * size * math.log(2 * math.pi)
            - 0.5 * precision.log_abs_determinant()
            + 0.5 * size * precision.delta
        )

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Draws visible spins given points: `[..., num_visible]` from `[..., N]`."""
        return self.posterior(value).sample(seed=seed)[..., : self.num_visible]

    def _unnormalized_log_prob(self, value):
        # J~ z serves the quadratic form and the fields: two products with W, not four.
        coupled = self.precision().matvec(value)
        quadratic = tf.reduce_sum(value * coupled, axis=-1)
        return -0.5 * quadratic + tf.reduce_sum(log_2cosh(coupled + self._bias), axis=-1)

    def _field(self, value):
        return self.precision().matvec(value) + self._bias

    def _sample_spins(self, n, seed):
        return self._sample_units(n, seed)

    def _color(self, noise):
        return self.precision().color(noise)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)
