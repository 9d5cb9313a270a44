"""VFlow: flows with more dimensions than the data."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.models.consistency import check_num_levels
from tfp_ebm.models.flow_plus_plus import flow_plus_plus
from tfp_ebm.models.image_flows import make_noise, standard_normal
from tfp_ebm.models.variational_noise import VariationalNoise
from tfp_ebm.models.vector_flow import vector_flow
from tfp_ebm.models.vector_posteriors import GaussianPosterior

__all__ = ["vector_vflow", "vflow"]

tfd = tfp.distributions


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
      ValueError: if the number of latents differs from the base's, or a posterior is given without
        anything to augment.
    """
    num_augmented = checks.positive_integer("num_augmented", num_augmented, minimum=0)
    if posterior is not None and not num_augmented:
        raise ValueError(
            "`posterior` needs extra coordinates, got `num_augmented` 0; give their number, or no "
            "posterior."
        )
    size = num_dims + num_augmented
    if base is None:
        base = tfd.MultivariateNormalDiag(tf.zeros([size], dtype))
    _check_base(base, size)
    density = tfd.TransformedDistribution(
        base, vector_flow(size, num_steps, hidden_units, dtype=dtype)
    )
    if not num_augmented:
        return density
    if posterior is None:
        posterior = GaussianPosterior(num_dims, num_augmented, hidden_units, dtype)
    return distributions.Augmented(density, posterior, num_augmented)


def _check_base(base, size):
    if base.event_shape != (size,):
        raise ValueError(
            f"`base` must have event shape ({size},), one entry for each dimension of x and e, got "
            f"{base.event_shape}."
        )


def vflow(
    image_shape: Sequence[int],
    num_augmented: int = 3,
    num_levels: int = 256,
    noise: Any = None,
    base: tfd.Distribution | None = None,
    posterior: Callable[[tf.Tensor], tfd.Distribution] | None = None,
    dtype: tf.DType = tf.float32,
    num_filters: int = 32,
    posterior_blocks: int = 2,
    posterior_couplings: int = 4,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns a VFlow for images: `flow_plus_plus` on x and extra channels e.

    >>> model = vflow((4, 4, 1), num_augmented=1, num_levels=17, num_filters=4, num_blocks=1)
    >>> model.sample(2).shape
    TensorShape([2, 4, 4, 1])

    Args:
      image_shape: `(H, W, C)` of x.
      num_augmented: number of extra channels.
      num_levels: number of pixel levels.
      noise: dequantisation noise, `"uniform"`, `"variational"` or a callable for `Dequantized`;
        None: uniform.
      base: distribution of the `H W (C + num_augmented)` latents; by default standard normal.
      posterior: q(e | x), from x in levels; by default a `VariationalNoise` of affine couplings.
      dtype: dtype of all variables.
      num_filters: width of all networks.
      posterior_blocks: gated blocks in the networks of the default posterior.
      posterior_couplings: couplings of the default posterior.
      **flow_options: further arguments of `flow_plus_plus`; four `num_couplings` make the stages
        of the paper's code, `(2, 2, 2, 3)`.

    Returns:
      A `Dequantized` of an `Augmented` distribution, in the order of equation 7.

    Raises:
      ValueError: if an argument does not fit, or a part was made for another number of latents or
        levels; see `flow_plus_plus`.

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 6.
    """
    height, width, channels = checks.image_shape("image_shape", image_shape)
    num_augmented = checks.positive_integer("num_augmented", num_augmented)
    joint_shape = (height, width, channels + num_augmented)
    flow_options |= {"num_filters": num_filters, "dtype": dtype}
    noise = make_noise(noise, image_shape, num_levels, flow_options)
    flow = flow_plus_plus(
        joint_shape, num_levels=num_levels, num_augmented=num_augmented, **flow_options
    )
    base = standard_normal(joint_shape, dtype) if base is None else base
    _check_base(base, math.prod(joint_shape))
    check_num_levels("posterior", posterior, num_levels)
    if posterior is None:
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
