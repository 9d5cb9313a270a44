"""Data-dependent initialisation of a whole flow."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal.tfp_private import Chain, Invert, JointMap

__all__ = ["initialize_from_data"]

tfb = tfp.bijectors


def initialize_from_data(flow: tfb.Bijector, data: Any) -> tf.Tensor:
    """Sets every `ActNorm` of a flow so that it whitens a batch of data, in the data's order.

    Runs once through the flow; where an `ActNorm` stands, its output then has mean 0 and standard
    deviation 1. Found inside `Chain`, `Invert` and `JointMap`.

    >>> import tensorflow as tf
    >>> from tfp_ebm import models
    >>> flow = models.glow((4, 4, 1), num_levels=17, num_scales=1, num_steps=1, num_filters=4)
    >>> initialize_from_data(flow, tf.random.stateless_uniform([64, 4, 4, 1], (0, 1)) * 16).shape
    TensorShape([64, 16])

    Args:
      flow: a bijector from latents to data, as in `tfd.TransformedDistribution`.
      data: `[N, *event_shape]`, a batch of data, dequantised.

    Returns:
      The latents of the batch.

    Source: Kingma and Dhariwal, "Glow" (2018), section 3.1.
    """
    return _visit(flow, tf.convert_to_tensor(data), to_latent=False)


def _visit(bijector, x, to_latent):
    """Returns the bijector's `forward` (or `inverse`) of x, initialising on the way."""
    if isinstance(bijector, Invert):
        return _visit(bijector.bijector, x, not to_latent)
    if isinstance(bijector, Chain):
        steps = bijector.bijectors
        for step in reversed(steps) if to_latent else steps:
            x = _visit(step, x, to_latent)
        return x
    if isinstance(bijector, JointMap):
        return [
            _visit(part, value, to_latent)
            for part, value in zip(bijector.bijectors, x, strict=True)
        ]
    if isinstance(bijector, bijectors.ActNorm) and to_latent:
        bijector.initialize(x)
    # Fresh tensors, so that nothing comes from a cache filled before the parameters changed.
    fresh = tf.nest.map_structure(tf.identity, x)
    return bijector.forward(fresh) if to_latent else bijector.inverse(fresh)
