"""EB-and-Flow: NICE or Glow with a Gaussian-Bernoulli machine as the base."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.models.glow import glow
from tfp_ebm.models.image_flows import standard_normal
from tfp_ebm.models.multi_scale import latent_shapes
from tfp_ebm.models.nice import nice

__all__ = ["eb_and_flow"]

tfd = tfp.distributions


def eb_and_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    flow: str = "nice",
    rbm: str = "dense",
    num_hidden: int = 512,
    sampler: str | None = None,
    num_chains: int = 128,
    num_scales: int = 2,
    dtype: tf.DType = tf.float32,
    seed: Any = None,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns a flow model of images with an energy-based base.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      flow: `"nice"` or `"glow"`.
      rbm: `"dense"`, one `GaussianBernoulliRBM` over all latents; `"per_level"`, one for each
        part that Glow factors out; or `"none"`, the standard Gaussian, to compare with.
      num_hidden: hidden bits of each machine.
      sampler: where the gradient of log Z comes from, see `tfp_ebm.mcmc.start_chains`.
      num_chains: number of chains.
      num_scales: number of scales of Glow.
      dtype: dtype of all variables.
      seed: seed of the first weights and chains.
      **flow_options: further arguments of `nice` or `glow`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if a name is unknown, or `"per_level"` is asked of NICE, which has one level.

    Source: "EB-and-Flow", sections 3 and 4.
    """
    checks.choice("flow", flow, ("nice", "glow"))
    checks.choice("rbm", rbm, ("dense", "per_level", "none"))
    shape = checks.image_shape("image_shape", image_shape)
    if flow == "nice":
        if rbm == "per_level":
            raise ValueError("`rbm='per_level'` needs `flow='glow'`: NICE factors nothing out.")
        bijector = nice(shape, num_levels=num_levels, dtype=dtype, **flow_options)
        sizes = [math.prod(shape)]
    else:
        bijector = glow(
            shape, num_levels=num_levels, num_scales=num_scales, dtype=dtype, **flow_options
        )
        parts = latent_shapes(shape, num_scales) if rbm == "per_level" else [shape]
        sizes = [math.prod(part) for part in parts]
    if rbm == "none":
        base = standard_normal(shape, dtype)
    else:
        machines = [
            distributions.GaussianBernoulliRBM.create(
                size, num_hidden, sampler=sampler, num_chains=num_chains, dtype=dtype, seed=seed
            )
            for size in sizes
        ]
        base = machines[0] if len(machines) == 1 else tfd.Blockwise(machines)
    density = tfd.TransformedDistribution(base, bijector)
    return distributions.Dequantized(density, num_levels=num_levels, name="eb_and_flow")
