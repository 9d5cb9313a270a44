"""VFlow: flows with more dimensions than the data."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Distribution
from tfp_ebm.models.build import build
from tfp_ebm.models.specification import DataSpec, ModelSpec

__all__ = ["vector_vflow", "vflow"]

tfd = tfp.distributions


def vector_vflow(
    num_dims: int,
    num_augmented: int,
    num_steps: int = 3,
    hidden_units: Sequence[int] = (50, 50),
    base: Distribution | None = None,
    posterior: Callable[[tf.Tensor], Distribution] | None = None,
    dtype: tf.DType = tf.float32,
) -> Distribution:
    """Returns a VFlow for vectors; without augmentation a plain flow, whose `log_prob` is exact.

    >>> from tfp_ebm import models
    >>> model = models.vector_vflow(num_dims=2, num_augmented=3, num_steps=1, hidden_units=(8,))
    >>> model.log_prob(tf.zeros([5, 2]), seed=(0, 1)).shape
    TensorShape([5])

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
    spec = ModelSpec(
        DataSpec((num_dims,)),
        flow=("vector_glow", {"num_steps": num_steps, "hidden_units": hidden_units}),
        num_augmented=num_augmented,
        dtype=tf.as_dtype(dtype).name,
    )
    if posterior is not None and not num_augmented:
        raise ValueError(
            "`posterior` needs extra coordinates, got `num_augmented` 0; give their number, or no "
            "posterior."
        )
    return build(spec, base=base, posterior=posterior)


def vflow(
    image_shape: Sequence[int],
    num_augmented: int = 3,
    num_levels: int = 256,
    noise: Any = None,
    base: Distribution | None = None,
    posterior: Callable[[tf.Tensor], Distribution] | None = None,
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
    is_ready = noise is not None and not isinstance(noise, str)
    usual = ("variational", {"num_blocks": posterior_blocks, "num_couplings": posterior_couplings})
    spec = ModelSpec(
        DataSpec(image_shape, num_levels),
        flow=("flow_plus_plus", {"num_filters": num_filters, **flow_options}),
        noise="uniform" if noise is None or is_ready else noise,
        num_augmented=checks.positive_integer("num_augmented", num_augmented),
        posterior=usual,
        dtype=tf.as_dtype(dtype).name,
        name="vflow",
    )
    return build(spec, base=base, noise=noise if is_ready else None, posterior=posterior)
