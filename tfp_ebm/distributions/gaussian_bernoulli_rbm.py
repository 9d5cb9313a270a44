"""The Gaussian-Bernoulli restricted Boltzmann machine, the base of EB-and-Flow."""

import tensorflow as tf

from tfp_ebm.distributions.gaussian_visible import GaussianVisible, scale_variable
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import MatrixCouplings, converted, small_weights
from tfp_ebm.internal.parameter_shapes import positive, undetermined, vector
from tfp_ebm.internal.tfp_private import (
    parameter_properties,
    samplers,
)
from tfp_ebm.internal.types import TensorLike, Unpack
from tfp_ebm.machines.gaussian_machine import GaussianMachine
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["GaussianBernoulliRBM"]


class GaussianBernoulliRBM(MatrixCouplings, GaussianVisible):
    """A density over real vectors: 2^num_hidden Gaussians with shared weights.

        E(v, h) = sum_i (v_i - b_i)^2 / (2 sigma_i^2) - c^T h - (v / sigma)^T W h
        log p(v) = -sum_i (v_i - b_i)^2 / (2 sigma_i^2)
                   + sum_j softplus((W^T (v / sigma) + c)_j) - log Z

    with hidden bits h in {0, 1}. Every parameter gives a proper density. How log Z is obtained is
    said in `tfp_ebm.distributions.BoltzmannMachine`; here always the hidden layer is enumerated,
    the visible one integrates in closed form:
    `Z = (2 pi)^(D/2) prod_i sigma_i sum_h exp(c^T h + (W h)^T b / sigma + |W h|^2 / 2)`.
    `log_prob` is in nats; an evaluation costs one product with W for each point.

    #### Example

    >>> import tensorflow as tf
    >>> base = GaussianBernoulliRBM([[1.0], [-0.5]], visible_bias=[0.0, 0.0], hidden_bias=[0.2],
    ...                             scale=1.0)
    >>> base.log_prob(tf.zeros([4, 2])).shape, base.posterior(tf.zeros([4, 2])).event_shape
    (TensorShape([4]), TensorShape([1]))

    Source: "EB-and-Flow", equations 3 to 5; the two terms that equation 3 adds to the energy have
    the opposite sign, as its equations 4 and 5 need.
    """

    def __init__(
        self,
        weights: TensorLike,
        visible_bias: TensorLike,
        hidden_bias: TensorLike,
        scale: TensorLike = 1.0,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the machine of W, b, c and sigma; `create` makes trainable ones.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          visible_bias: `[..., num_visible]`, b.
          hidden_bias: `[..., num_hidden]`, c.
          scale: sigma above 0, `[..., num_visible]`; or a scalar or `[..., 1]`, the same for all
            units.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree, a parameter is not finite, or the scale not positive.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "GaussianBernoulliRBM") as name:
            dtype, given = converted(
                weights=weights, visible_bias=visible_bias, hidden_bias=hidden_bias, scale=scale
            )
            self._weights, self._visible_bias, self._hidden_bias, self._scale = given
            self._check_parameters()
            super().__init__(dtype, parameters, name)

    def _check_parameters(self):
        checks.matrix("weights", self._weights, "num_visible, num_hidden")
        num_visible, num_hidden = self._weights.shape[-2:]
        checks.vector("visible_bias", self._visible_bias, num_visible)
        checks.vector("hidden_bias", self._hidden_bias, num_hidden)
        checks.finite("weights", self._weights)
        self._check_scale(num_visible)
        checks.batches(
            weights=(self._weights, 2),
            visible_bias=(self._visible_bias, 1),
            hidden_bias=(self._hidden_bias, 1),
            scale=(self._scale, 1),
        )

    @classmethod
    def create(
        cls,
        num_visible: int,
        num_hidden: int,
        scale: float = 1.0,
        learn_scale: bool = True,
        weight_scale: float = 0.01,
        **options: Unpack[ChainOptions],
    ) -> "GaussianBernoulliRBM":
        """Returns a trainable machine, chains started and log Z estimated.

        Args:
          num_visible: number of visible units, the dimensions of the event.
          num_hidden: number of hidden bits.
          scale: the first value of every sigma.
          learn_scale: whether sigma is trained, one for each visible unit, by a softplus above a
            twentieth of its first value.
          weight_scale: standard deviation of the first weights.
          **options: `ChainOptions`.

        Raises:
          ValueError: if a size or the scale is not positive, or there is no such sampler.
        """
        dtype = options.get("dtype", tf.float32)
        scale = checks.positive_number("scale", scale)
        seeds = samplers.split_seed(options.get("seed"), n=2, salt="gaussian_bernoulli")
        weights = small_weights(num_visible, num_hidden, weight_scale, dtype, seeds[0])
        visible_bias = tf.Variable(tf.zeros([num_visible], dtype), name="visible_bias")
        hidden_bias = tf.Variable(tf.zeros([num_hidden], dtype), name="hidden_bias")
        sigma = scale_variable(scale, num_visible, learn_scale, dtype)
        given = (weights, visible_bias, hidden_bias, sigma)
        return cls(*given, **StartChains.arguments(options, seeds[1]))._begun(seeds[1])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "visible_bias": vector(),
            "hidden_bias": undetermined("hidden_bias", "[..., num_hidden]", 1),
            "scale": properties(event_ndims=1, default_constraining_bijector_fn=positive(dtype)),
        }

    def machine(self) -> GaussianMachine:
        """Returns the machine at the current parameters."""
        return GaussianMachine.from_parameters(
            self._weights, self._visible_bias, self._hidden_bias, self._scale
        )
