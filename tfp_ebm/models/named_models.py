"""The models of the papers, each a function of the shape of its images."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm import distributions
from tfp_ebm.internal.types import Distribution
from tfp_ebm.models.build import build
from tfp_ebm.models.named_specs import named_spec
from tfp_ebm.models.specification import DataSpec

__all__ = ["create", "d_flow", "gaussian_flow", "multicov_flow", "preset", "rbm_flow"]


def create(
    name: str,
    image_shape: Sequence[int],
    num_levels: int = 256,
    noise: str | Callable | None = None,
    dtype: tf.DType = tf.float32,
    **options: Any,
) -> distributions.Dequantized:
    """Returns the model of images that has a name.

    >>> create("rbm_flow", (8, 8, 1), 17, num_filters=4, delta=2.0).event_shape
    TensorShape([8, 8, 1])

    Args:
      name: one of `names()`.
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      noise: dequantisation, `"uniform"`, `"variational"` or a callable for `Dequantized`; None:
        that of the model.
      dtype: dtype of all variables.
      **options: options of the parts, see `tfp_ebm.models.with_options`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if no model has this name or the model no such option, the nearest of which is
        suggested; or if an argument does not fit.
    """
    return _build(name, DataSpec(image_shape, num_levels), noise, dtype, options)


def preset(name: str, noise: str | Callable | None = None, **options: Any) -> Distribution:
    """Returns a model with fixed sizes.

    >>> from tfp_ebm import models
    >>> model = models.preset("small_8x8", num_filters=4, num_blocks=1)
    >>> model.event_shape
    TensorShape([8, 8, 1])

    Args:
      name: one of `preset_names()`.
      noise: as for `create`.
      **options: options that override the preset's, `image_shape`, `num_levels` and `dtype` too.

    Raises:
      ValueError: if no preset has this name or it no such option; the nearest one is suggested.

    Source: table 2 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces";
    the official code of Flow++ and of VFlow.
    """
    data = named_spec(name).data
    shape = options.pop("image_shape", data.event_shape)
    data = DataSpec(shape, options.pop("num_levels", data.num_levels))
    return _build(name, data, noise, options.pop("dtype", tf.float32), options)


def _build(name, data, noise, dtype, options):
    is_ready = noise is not None and not isinstance(noise, str | tuple | list)
    if noise is not None and not is_ready:
        options = {**options, "noise": noise}
    spec = named_spec(name, data, dtype=tf.as_dtype(dtype).name, **options)
    return build(spec, noise=noise if is_ready else None)


def rbm_flow(
    image_shape: Sequence[int], num_levels: int = 256, **options: Any
) -> distributions.Dequantized:
    """Returns RBM-Flow: images as a flow of a smoothed restricted Boltzmann machine.

    Half the latent dimensions are visible units, half hidden.

    >>> rbm_flow((8, 8, 1), 17, delta=2.0, num_filters=4).event_shape
    TensorShape([8, 8, 1])

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      **options: `delta`, `learn_delta`, `sampler`, `num_chains`, `seed` and other options of the
        base `rbm`; those of `flow_plus_plus`; `noise` and `dtype`, as for `create`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument is unknown or does not fit; see `flow_plus_plus` and
        `SmoothedRBM.create`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """
    return create("rbm_flow", image_shape, num_levels, **options)


def d_flow(
    image_shape: Sequence[int], num_levels: int = 256, **options: Any
) -> distributions.Dequantized:
    """Returns D-Flow: images as a flow of independent smoothed spins.

    >>> d_flow((8, 8, 1), 17, delta=2.0, num_filters=4).event_shape
    TensorShape([8, 8, 1])

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      **options: `delta` and `learn_delta`; options of `flow_plus_plus`; `noise` and `dtype`, as
        for `create`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument is unknown or does not fit; see `flow_plus_plus`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 3.3.
    """
    return create("d_flow", image_shape, num_levels, **options)


def multicov_flow(
    image_shape: Sequence[int], num_levels: int = 256, **options: Any
) -> distributions.Dequantized:
    """Returns MultiCov: images as a flow of a Gaussian with the RBM's precision matrix.

    >>> multicov_flow((8, 8, 1), 17, num_filters=4).event_shape
    TensorShape([8, 8, 1])

    Arguments, errors and what is returned are those of `d_flow`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """
    return create("multicov_flow", image_shape, num_levels, **options)


def gaussian_flow(
    image_shape: Sequence[int], num_levels: int = 256, **options: Any
) -> distributions.Dequantized:
    """Returns the baseline: images as a flow of a standard Gaussian.

    >>> model = gaussian_flow((8, 8, 1), num_levels=17, num_filters=4)
    >>> model.event_shape, model.num_levels
    (TensorShape([8, 8, 1]), 17)

    Arguments, errors and what is returned are those of `d_flow`, without `delta` and `learn_delta`.
    """
    return create("gaussian_flow", image_shape, num_levels, **options)
