"""The discrete codes of images, and images from codes."""

from typing import Any

import tensorflow as tf

from tfp_ebm.distributions import Dequantized, IndependentSpins
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins

__all__ = ["decode", "encode"]


def encode(model: Dequantized, images: Any, seed: Any = None) -> IndependentSpins:
    """Returns the discrete code of each image, with its probabilities.

        z = flow^-1(x + u),   p(s_i = +1 | z) = sigmoid(2 (J~ z + h)_i)

    Exact given the dequantised image. `.mode()` is the most probable code, `.mean()` its
    expectation, `.sample(seed=...)` a draw. Spins stand as in the base: for `SmoothedRBM` visible
    units first, then hidden ones.

    >>> import numpy as np
    >>> from tfp_ebm import models
    >>> options = {"num_levels": 17, "num_filters": 4, "num_couplings": (1, 1, 1)}
    >>> model = models.d_flow((4, 4, 1), **options)
    >>> images = np.zeros([3, 4, 4, 1], np.uint8)
    >>> code = models.encode(model, images, seed=(0, 1))
    >>> code.mode().shape, models.decode(model, code.mode(), seed=(0, 2)).shape
    (TensorShape([3, 16]), TensorShape([3, 4, 4, 1]))

    Args:
      model: a `Dequantized` flow whose base is made of smoothed spins, such as `rbm_flow` and
        `d_flow`.
      images: `[..., H, W, C]` integers.
      seed: seed of the dequantisation noise; a pair of integers repeats exactly.

    Returns:
      `IndependentSpins` with batch shape `[...]` over `[N]` spins in {-1, +1}.

    Raises:
      TypeError: if the model's base has no spins.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 4.1.
    """
    base = _base(model)
    z = model.distribution.bijector.inverse(model.dequantize(images, seed=seed))
    return base.posterior(z)


def decode(model: Dequantized, spins: Any, seed: Any = None) -> tf.Tensor:
    """Returns an image for each code: its Gaussian noise is drawn, and the flow does the rest.

        z ~ Normal(s, J~^-1),   x = floor(flow(z))

    Args:
      model: as in `encode`.
      spins: `[..., N]`, -1 or +1. Repeat a code to see what its images share.
      seed: seed of the noise; a pair of integers repeats exactly.

    Returns:
      `[..., H, W, C]` integers.

    Raises:
      TypeError: if the model's base has no spins.
      ValueError: if `spins` has another size or other values.
    """
    base = _base(model)
    spins = tf.cast(spins, base.dtype)
    if spins.shape.rank is None or spins.shape[-1] != base.event_shape[-1]:
        raise ValueError(
            f"`spins` must have shape [..., {base.event_shape[-1]}], got shape {spins.shape}."
        )
    return model.sample(tf.shape(spins)[:-1], seed=seed, distribution_kwargs={"spins": spins})


def _base(model):
    density = getattr(model, "distribution", None)
    base = getattr(density, "distribution", None)
    if not hasattr(density, "bijector") or not isinstance(base, SmoothedSpins):
        raise TypeError(
            "`model` must be a `Dequantized` flow whose base is made of smoothed spins, as in "
            f"`models.rbm_flow` and `models.d_flow`, got a base of type {type(base).__name__}."
        )
    return base
