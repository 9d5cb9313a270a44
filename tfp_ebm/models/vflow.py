"""VFlow: flows with more dimensions than the data."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, distributions, networks
from tfp_ebm.internal import checks
from tfp_ebm.models.flow_plus_plus import flow_plus_plus
from tfp_ebm.models.image_flows import standard_normal
from tfp_ebm.models.variational_noise import VariationalNoise

__all__ = ["GaussianPosterior", "vector_flow", "vector_vflow", "vflow"]

tfb, tfd = tfp.bijectors, tfp.distributions


def vector_flow(
    num_dims: int,
    num_steps: int,
    hidden_units: Sequence[int] = (50, 50),
    dtype: tf.DType = tf.float32,
) -> tfb.Bijector:
    """Returns steps of Glow for vectors, latent to data.

    A step is an `ActNorm`, a matrix in LU form and an affine coupling whose network starts at 0.

    >>> vector_flow(4, num_steps=2).forward_event_shape([4])
    TensorShape([4])

    Args:
      num_dims: D, even, so that a coupling can split it.
      num_steps: number of steps.
      hidden_units: sizes of the networks' hidden layers.
      dtype: dtype of all variables.

    Raises:
      ValueError: if `num_dims` is odd or a size not positive.

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", section
    6.1.
    """
    num_dims = checks.positive_integer("num_dims", num_dims, minimum=2)
    if num_dims % 2:
        raise ValueError(
            f"`num_dims` must be even to be split in half by couplings, got {num_dims}; add one "
            "dimension, for instance by `num_augmented`."
        )
    steps = [tfb.Reshape(event_shape_in=[num_dims], event_shape_out=[1, 1, num_dims])]
    for index in range(checks.positive_integer("num_steps", num_steps)):
        network = networks.MLP(num_dims // 2, num_dims, hidden_units, zero_output=True, dtype=dtype)
        steps += [
            bijectors.ActNorm.create([num_dims], dtype=dtype),
            bijectors.Invertible1x1Conv.create(
                num_dims, parametrization="lu", init="rotation", dtype=dtype
            ),
            bijectors.Coupling(bijectors.ChannelSplit(swap=bool(index % 2)), _affine, network),
        ]
    steps.append(tfb.Reshape(event_shape_in=[1, 1, num_dims], event_shape_out=[num_dims]))
    return tfb.Invert(tfb.Chain(steps[::-1]))


def _affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=2 * tf.tanh(log_scale / 2)))


class GaussianPosterior(tf.Module):
    """q(e | x) = Normal(m(x), diag(s(x)^2)), for `Augmented`; standard normal at the start."""

    def __init__(
        self,
        num_dims: int,
        num_augmented: int,
        hidden_units: Sequence[int] = (50, 50),
        dtype: tf.DType = tf.float32,
    ) -> None:
        """Constructs the network.

        Args:
          num_dims: size of x.
          num_augmented: size of e.
          hidden_units: sizes of the hidden layers; empty: an affine layer.
          dtype: dtype of the variables.
        """
        super().__init__(name="gaussian_posterior")
        self._network = networks.MLP(
            num_dims, 2 * num_augmented, hidden_units, zero_output=True, dtype=dtype
        )

    def __call__(self, x: tf.Tensor) -> tfd.Distribution:
        """Returns q(e | x), event shape `[num_augmented]`."""
        loc, log_scale = tf.split(self._network(x), 2, axis=-1)
        return tfd.MultivariateNormalDiag(loc, tf.exp(3 * tf.tanh(log_scale / 3)))


def vector_vflow(
    num_dims: int,
    num_augmented: int,
    num_steps: int = 3,
    hidden_units: Sequence[int] = (50, 50),
    base: tfd.Distribution | None = None,
    posterior: Callable[[tf.Tensor], tfd.Distribution] | None = None,
    dtype: tf.DType = tf.float32,
) -> tfd.Distribution:
    """Returns a VFlow for vectors; without augmentation a plain flow, whose `log_prob` is exact.

    Args:
      num_dims: size of x.
      num_augmented: size of e; 0: none.
      num_steps: steps of `vector_flow`.
      hidden_units: sizes of all hidden layers.
      base: distribution of the `num_dims + num_augmented` latents; by default standard normal.
      posterior: q(e | x); by default a `GaussianPosterior`.
      dtype: dtype of all variables.

    Raises:
      ValueError: if the number of latents is odd or differs from the base's.
    """
    num_augmented = checks.positive_integer("num_augmented", num_augmented, minimum=0)
    size = num_dims + num_augmented
    if base is None:
        base = tfd.MultivariateNormalDiag(tf.zeros([size], dtype))
    if base.event_shape != (size,):
        raise ValueError(
            f"`base` must have event shape ({size},), one entry for each dimension of x and e, got "
            f"{base.event_shape}."
        )
    density = tfd.TransformedDistribution(base, vector_flow(size, num_steps, hidden_units, dtype))
    if not num_augmented:
        return density
    if posterior is None:
        posterior = GaussianPosterior(num_dims, num_augmented, hidden_units, dtype)
    return distributions.Augmented(density, posterior, num_augmented)


def vflow(
    image_shape: Sequence[int],
    num_augmented: int = 3,
    num_levels: int = 256,
    noise: Any = None,
    base: tfd.Distribution | None = None,
    dtype: tf.DType = tf.float32,
    num_filters: int = 32,
    posterior_blocks: int = 2,
    posterior_couplings: int = 4,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns a VFlow for images: `flow_plus_plus` on x and extra channels e.

    Args:
      image_shape: `(H, W, C)` of x.
      num_augmented: number of extra channels.
      num_levels: number of pixel levels.
      noise: dequantisation noise of `Dequantized`; None: uniform.
      base: distribution of the `H W (C + num_augmented)` latents; by default standard normal.
      dtype: dtype of all variables.
      num_filters: width of all networks.
      posterior_blocks: gated blocks in the networks of q(e | x).
      posterior_couplings: affine couplings of q(e | x).
      **flow_options: further arguments of `flow_plus_plus`.

    Returns:
      A `Dequantized` of an `Augmented` distribution, in the order of equation 7.

    Raises:
      ValueError: if an argument does not fit; see `flow_plus_plus`.

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation".
    """
    height, width, channels = checks.image_shape("image_shape", image_shape)
    num_augmented = checks.positive_integer("num_augmented", num_augmented)
    joint_shape = (height, width, channels + num_augmented)
    flow = flow_plus_plus(
        joint_shape,
        num_levels=num_levels,
        num_augmented=num_augmented,
        num_filters=num_filters,
        dtype=dtype,
        **flow_options,
    )
    base = standard_normal(joint_shape, dtype) if base is None else base
    posterior = VariationalNoise(
        image_shape,
        num_levels=num_levels,
        num_filters=num_filters,
        num_blocks=posterior_blocks,
        num_couplings=posterior_couplings,
        num_channels=num_augmented,
        on_unit_cell=False,
        dtype=dtype,
        name="posterior",
    )
    joint = tfd.TransformedDistribution(base, flow)
    augmented = distributions.Augmented(joint, posterior, num_augmented)
    return distributions.Dequantized(augmented, num_levels=num_levels, noise=noise, name="vflow")
