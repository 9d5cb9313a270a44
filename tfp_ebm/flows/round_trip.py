"""Whether a flow still inverts in the precision of its numbers."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["check_round_trip"]

tfb = tfp.bijectors


def check_round_trip(flow: tfb.Bijector, latents: Any, tolerance: float = 0.05) -> float:
    """Returns the largest error of latents after a way to the data and back, or raises.

        max |flow^-1(flow(z)) - z| / (1 + |z|)

    Every step of a flow loses some digits where it stretches, and a deep flow may lose all that
    float32 has: samples are then not what their density says.

    >>> import tensorflow as tf
    >>> from tfp_ebm import flows
    >>> flow = flows.maf(2, num_steps=1, hidden_units=[4])
    >>> check_round_trip(flow, tf.zeros([3, 2])) < 1e-5
    True

    Args:
      flow: the bijector, latent to data.
      latents: `[N, *latent_shape]`, such as a model's own, see `tfp_ebm.models.latents`.
      tolerance: the largest error that is taken.

    Raises:
      ValueError: if the error is larger, or no number.
    """
    latents = tf.convert_to_tensor(latents)
    # Fresh tensors, past the cache of TensorFlow Probability.
    again = flow.inverse(tf.identity(flow.forward(tf.identity(latents))))
    error = float(tf.reduce_max(tf.abs(again - latents) / (1 + tf.abs(latents))))
    if np.isnan(error) or error > tolerance:
        raise ValueError(
            f"The flow {flow.name!r} does not invert in {latents.dtype.name}: latents come back "
            f"with an error of {error:.3g}, above {tolerance:g}; build it in float64, take fewer "
            "steps, or train with clipped gradients, which keep its scales small."
        )
    return error
