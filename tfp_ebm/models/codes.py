"""The discrete codes of events, and events from codes."""

import tensorflow as tf

from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.internal.types import Distribution, Seed, TensorLike
from tfp_ebm.models.parts import latents, parts

__all__ = ["decode", "encode"]


def encode(model: Distribution, events: TensorLike, seed: Seed = None) -> Distribution:
    """Returns the discrete code of each event, with its probabilities.

        z = flow^-1(x + u),   p(s_i = +1 | z) = sigmoid(2 (J~ z + h)_i)

    Exact given the dequantised event. `.mode()` is the most probable code, `.mean()` its
    expectation, `.sample(seed=...)` a draw. Spins stand as in the base: for `SmoothedRBM` visible
    units first, then hidden ones. Of Gaussian-Bernoulli machines the code is their hidden bits,
    with p(h | z).

    >>> import numpy as np
    >>> from tfp_ebm import models
    >>> options = {"num_levels": 17, "num_filters": 4, "num_couplings": (1, 1, 1)}
    >>> model = models.d_flow((4, 4, 1), **options)
    >>> images = np.zeros([3, 4, 4, 1], np.uint8)
    >>> code = models.encode(model, images, seed=(0, 1))
    >>> code.mode().shape, models.decode(model, code.mode(), seed=(0, 2)).shape
    (TensorShape([3, 16]), TensorShape([3, 4, 4, 1]))

    Args:
      model: a model whose base has spins or hidden bits, such as `rbm_flow` and `d_flow`.
      events: `[..., *event_shape]`.
      seed: seed of the dequantisation noise; a pair of integers repeats exactly.

    Returns:
      `IndependentSpins` with batch shape `[...]` over `[N]` spins in {-1, +1}, or over the bits of
      the hidden layer.

    Raises:
      TypeError: if the model's base has no code.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 4.1.
    """
    base = parts(model).base
    if not callable(getattr(base, "posterior", None)):
        raise TypeError(
            "`model` must have a base with a discrete code, such as spins, rbm, boltzmann and "
            f"gaussian_rbm have one, got a base of type {type(base).__name__}."
        )
    return base.posterior(latents(model, events, seed))


def decode(model: Distribution, spins: TensorLike, seed: Seed = None) -> tf.Tensor:
    """Returns an event for each code: its Gaussian noise is drawn, and the flow does the rest.

        z ~ Normal(s, J~^-1),   x = floor(flow(z))

    >>> from tfp_ebm import models
    >>> spec = models.ModelSpec(models.DataSpec((4,)), flow="affine", base="rbm")
    >>> model = models.build(spec)
    >>> codes = models.encode(model, model.sample(3, seed=(0, 1))).mode()
    >>> models.decode(model, codes, seed=(0, 2)).shape
    TensorShape([3, 4])

    Args:
      model: a model whose base is made of smoothed spins.
      spins: `[..., N]`, -1 or +1. Repeat a code to see what its events share.
      seed: seed of the noise; a pair of integers repeats exactly.

    Returns:
      `[..., *event_shape]`.

    Raises:
      TypeError: if the model's base has no spins.
      ValueError: if `spins` has another size or other values.
    """
    base = parts(model).base
    if not isinstance(base, SmoothedSpins):
        raise TypeError(
            "`model` must have a base made of smoothed spins, as in `models.rbm_flow` and "
            f"`models.d_flow`, got a base of type {type(base).__name__}."
        )
    spins = tf.cast(spins, base.dtype)
    return model.sample(tf.shape(spins)[:-1], seed=seed, distribution_kwargs={"spins": spins})
