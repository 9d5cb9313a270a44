"""Flows without a network: linear ones, and maps of every entry alone."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.flows.entry_maps import EntryMap
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector

__all__ = ["affine_flow", "elementwise_flow"]

tfb = tfp.bijectors


def affine_flow(
    num_dims: int, parametrization: str = "lu", dtype: tf.DType = tf.float32
) -> Bijector:
    """Returns an affine flow, latent to data: of a standard Gaussian, any Gaussian.

        x = A z + b

    In the order the data meet them: an `ActNorm` and a matrix, in LU form (`Invertible1x1Conv`) or
    as a rotation times a triangle (`ScaleMatvecQR`), which stays invertible whatever its D^2
    parameters. On bases that are no Gaussian it finds the directions in which data are like the
    base, as independent component analysis does.

    >>> affine_flow(3).forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      parametrization: of the matrix, `"lu"` or `"qr"`.
      dtype: dtype of all variables.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range.

    Source: Kingma and Dhariwal, "Glow" (2018), section 3.2; Hoogeboom et al., "Emerging
    Convolutions for Generative Normalizing Flows" (2019).
    """
    norm = bijectors.ActNorm.create([num_dims], dtype=dtype, event_rank=1)
    if checks.choice("parametrization", parametrization, ["lu", "qr"]) == "lu":
        matrix = bijectors.Invertible1x1Conv.create(
            num_dims, parametrization="lu", dtype=dtype, event_rank=1
        )
    else:
        kernel = tf.Variable(tf.zeros([num_dims, num_dims], dtype), name="kernel")
        matrix = bijectors.ScaleMatvecQR(kernel)
    return tfb.Invert(tfb.Chain([matrix, norm]))


def elementwise_flow(
    num_dims: int,
    transform: str = "mixture",
    num_bins: int = 8,
    num_components: int = 8,
    bound: float = 4.0,
    dtype: tf.DType = tf.float32,
) -> Bijector:
    """Returns a flow that maps every entry alone, latent to data.

    In the order the data meet them: an `ActNorm`, which is the whole of `transform="affine"`, and a
    trainable map of each entry: the logit of the distribution function of a mixture of logistics
    (`MixLogCDF`), or a `MonotoneSpline`. On the base `logistic` the first is a mixture of logistics
    for every entry, as the logit of a uniform number is logistic: a CDF flow. On a base that
    couples latents the flow gives the marginals, the base their dependence: a copula.

    >>> elementwise_flow(3).forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      transform: the map of an entry: `"affine"`, `"mixture"` or `"spline"`.
      num_bins: bins of each spline, at least 2.
      num_components: logistic components of each mixture.
      bound: end of the interval of the splines, in standard deviations of the data.
      dtype: dtype of all variables.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range.

    Source: Ho et al., "Flow++" (2019), section 3.2; Durkan et al., "Neural Spline Flows" (2019).
    """
    checks.choice("transform", transform, ["affine", "mixture", "spline"])
    sizes = EntryMap(transform, num_bins, num_components, bound)
    steps = [bijectors.ActNorm.create([num_dims], dtype=dtype, event_rank=1)]
    if transform == "spline":
        start = tf.zeros([num_dims, sizes.num_parameters], dtype)
        steps.append(bijectors.MonotoneSpline(tf.Variable(start, name="unconstrained"), bound))
    elif transform == "mixture":
        # Components spread over the data, each as wide as its distance from the next.
        locs = np.linspace(-2.0, 2.0, num_components) if num_components > 1 else np.zeros(1)
        log_scale = np.log(2.0 / num_components)
        starts = {"logits": 0.0 * locs, "locs": locs, "log_scales": 0.0 * locs + log_scale}
        variables = [
            tf.Variable(np.tile(start, [num_dims, 1]), dtype=dtype, name=name)
            for name, start in starts.items()
        ]
        steps.append(bijectors.MixLogCDF(*variables))
    return tfb.Invert(tfb.Chain(steps[::-1]))
