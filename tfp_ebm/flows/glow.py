"""Glow, for images; `vector_flow` is its counterpart for vectors."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.multi_scale import multi_scale
from tfp_ebm.flows.scale_options import ScaleOptions, scales_of, with_scale_options
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["glow"]

tfb = tfp.bijectors


@with_scale_options(num_steps=8, num_filters=512)
def glow(
    image_shape: Sequence[int], num_levels: int = 256, **options: Unpack[ScaleOptions]
) -> Bijector:
    """Returns a flow from a flat latent vector to images, for `tfd.TransformedDistribution`.

    In the order the data meets them: `ImageToLogit`, then at each scale a squeeze and steps of
    `ActNorm`, a 1x1 convolution in LU form and an affine coupling whose network ends at 0; half of
    the channels are factored out between scales.

    >>> glow((8, 8, 1), num_levels=17, num_steps=1, num_filters=8).forward_event_shape([64])
    TensorShape([8, 8, 1])

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels; data lie in [0, num_levels].
      **options: `ScaleOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`.

    Raises:
      ValueError: if an argument is out of its range or the sizes cannot be halved often enough.

    Source: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions" (2018).
    """
    scales, (num_context, dtype, policy, name) = scales_of(glow, **options)

    def coupling(shape, num_filters):
        height, width, channels = shape
        seen = (height, width, channels // 2 + num_context)
        network = networks.ConvNet(seen, channels, num_filters, dtype=policy)
        return bijectors.Coupling(bijectors.ChannelSplit(), _affine, network, num_context)

    def make_level(shape):
        steps = []
        for _ in range(scales.num_steps):
            steps += [
                bijectors.ActNorm.create([shape[2]], dtype=dtype),
                bijectors.Invertible1x1Conv.create(
                    shape[2], parametrization="lu", init="rotation", dtype=dtype
                ),
                coupling(shape, scales.num_filters),
            ]
        return steps

    def make_conditional(shape):
        return coupling(shape, shape[2] // 2)

    flow = multi_scale(
        image_shape,
        [make_level] * scales.num_scales,
        make_conditional if scales.conditional else None,
    )
    to_logit = bijectors.ImageToLogit(num_levels=num_levels, alpha=scales.alpha)
    return tfb.Invert(tfb.Chain([flow, to_logit]), name=name)


def _affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    # sigmoid(log_scale + 2), as in the official code: between 0 and 1, and nearly 1 at the start.
    return tfb.Shift(shift)(tfb.Scale(log_scale=tf.math.log_sigmoid(log_scale + 2.0)))
