"""Jet: couplings of image patches by transformers."""

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.image_preprocessing import image_preprocessing
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["jet"]

tfb = tfp.bijectors

# Four splits of the channels for one of the positions, as the paper found best.
_SPATIAL_EVERY = 5


@with_flow_options
def jet(
    image_shape: Sequence[int],
    num_levels: int = 256,
    patch_size: int = 2,
    num_couplings: int = 10,
    num_filters: int = 64,
    num_blocks: int = 2,
    num_heads: int = 4,
    dropout_rate: float = 0.0,
    alpha: float = 0.05,
    num_augmented: int = 0,
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns a flow from a flat latent vector to images, for `tfd.TransformedDistribution`.

    In the order the data meets them: `ImageToLogit`, a squeeze that makes patches, and affine
    couplings by a `Transformer` each, without convolutions, `ActNorm` or scales:

        a, b = split(x);   y = (a, 2 sigmoid(s(a)) b + t(a))

    Four couplings split the channels at random (the same in every program), a fifth the positions
    by a checkerboard, and so on. The networks end at 0, so that the flow starts as a permutation.
    The paper scales pixels where the logit is here, and trains by Adam with a second momentum of
    0.95, gradients clipped to norm 1, and a cosine schedule.

    >>> flow = jet((8, 8, 1), num_levels=17, num_couplings=2, num_filters=8)
    >>> flow.forward_event_shape([64])
    TensorShape([8, 8, 1])

    Args:
      image_shape: `(H, W, C)`; H and W multiples of `patch_size`.
      num_levels: number of pixel levels; data lie in [0, num_levels].
      patch_size: side of a patch, which is a token.
      num_couplings: number of couplings.
      num_filters: width of the transformers.
      num_blocks: blocks of each transformer.
      num_heads: heads of attention; must divide the width.
      dropout_rate: dropout in the transformers while training.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.
      num_augmented: how many of the last channels of images are extra ones, which pass no logit.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`.

    Raises:
      ValueError: if an argument is out of its range, or patches do not divide the image.

    Source: Kolesnikov, Pinto and Tschannen, "Jet: A Modern Transformer-Based Normalizing Flow"
    (2024), sections 3 and 4.
    """
    num_context, _, policy, name = shared("jet", options)
    shape = checks.image_shape("image_shape", image_shape)
    patch_size = checks.positive_integer("patch_size", patch_size)
    height, width, channels = _patches(shape, patch_size)
    steps = [image_preprocessing(num_levels, shape[2], num_augmented, alpha)]
    if patch_size > 1:
        steps.append(bijectors.Squeeze(patch_size))
    for index in range(checks.positive_integer("num_couplings", num_couplings)):
        is_spatial = index % _SPATIAL_EVERY == _SPATIAL_EVERY - 1
        if is_spatial:
            seen = (height, width // 2, channels)
            swap = bool(index // _SPATIAL_EVERY % 2)
            split = bijectors.CheckerboardSplit("checkerboard", swap=swap)
        else:
            seen, split = (height, width, channels // 2), bijectors.ChannelSplit()
            steps.append(bijectors.Permutation.random(channels, seed=index))
        network = networks.Transformer(
            (*seen[:2], seen[2] + num_context),
            2 * seen[2],
            num_filters,
            num_blocks,
            num_heads,
            dropout_rate,
            dtype=policy,
        )
        steps.append(bijectors.Coupling(split, _affine, network, num_context))
    steps.append(
        tfb.Reshape(event_shape_in=(height, width, channels), event_shape_out=[math.prod(shape)])
    )
    return tfb.Invert(tfb.Chain(steps[::-1]), name=name)


def _patches(shape, patch_size):
    """Returns the shape of the image of patches."""
    height, width, channels = shape
    if height % patch_size or width % (2 * patch_size):
        raise ValueError(
            f"`image_shape` must have a height that is a multiple of {patch_size} and a width that "
            f"is one of {2 * patch_size} for patches of size {patch_size}, got {shape}; pad the "
            "images, or take smaller patches."
        )
    if channels * patch_size**2 % 2:
        raise ValueError(
            f"`patch_size` {patch_size} must give an even number of entries in a patch, got "
            f"{channels * patch_size**2}; take a patch of even size."
        )
    return height // patch_size, width // patch_size, channels * patch_size**2


def _affine(parameters):
    shift, raw = tf.split(parameters, 2, axis=-1)
    log_scale = math.log(2.0) + tf.math.log_sigmoid(raw)
    return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))
