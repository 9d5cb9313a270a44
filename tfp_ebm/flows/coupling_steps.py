"""The steps that image flows are made of."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.internal.types import Bijector, Policy

__all__ = ["channel_mixing", "column_halves_as_channels", "coupling_step", "mixture_coupling"]

tfb = tfp.bijectors


def column_halves_as_channels() -> Bijector:
    """Returns the bijector from `[..., H, W, C]` to `[..., H, W / 2, 2 C]`, even columns first."""
    return tfb.Chain([tfb.Invert(bijectors.ChannelSplit()), bijectors.CheckerboardSplit()])


def channel_mixing(num_channels: int, per_half: bool, dtype: tf.DType) -> Bijector:
    """Returns one 1x1 convolution across both halves, or one for each half of the channels."""
    if not per_half:
        return bijectors.Invertible1x1Conv.create(num_channels, dtype=dtype)
    halves = [bijectors.Invertible1x1Conv.create(num_channels // 2, dtype=dtype) for _ in range(2)]
    split = bijectors.ChannelSplit()
    return tfb.Chain([tfb.Invert(split), tfb.JointMap(halves), split])


def mixture_coupling(
    transform_first: bool, conditioner: tf.Module, num_components: int, num_context: int = 0
) -> bijectors.MixLogCDFCoupling:
    """Returns the coupling between the halves of the channels."""
    return bijectors.MixLogCDFCoupling(
        bijectors.ChannelSplit(swap=transform_first), conditioner, num_components, num_context
    )


def coupling_step(
    half_shape: Sequence[int],
    *,
    transform_first: bool,
    num_filters: int,
    num_components: int,
    num_blocks: int,
    dropout_rate: float,
    num_heads: int,
    mix_per_half: bool,
    recompute: bool,
    num_context: int,
    dtype: tf.DType,
    network_policy: Policy,
) -> list[Bijector]:
    """Returns a per-position affine map, 1x1 convolutions and a coupling, in the data's order.

    Args:
      half_shape: shape of each half, `(H, W, C)`; the step acts on `[..., H, W, 2 C]`.
      transform_first: whether the first half is transformed, given the second.
      num_filters: width of the conditioner.
      num_components: logistic components of the coupling.
      num_blocks: gated blocks of the conditioner.
      dropout_rate: dropout in the conditioner.
      num_heads: heads of attention in the conditioner; 0: none.
      mix_per_half: whether each half has a 1x1 convolution of its own.
      recompute: whether the backward pass computes the conditioner's blocks again.
      num_context: size of the condition vectors that the conditioner sees too; 0: none.
      dtype: dtype of all variables.
      network_policy: Keras policy of the conditioner; None: that of `dtype`.
    """
    height, width, channels = half_shape
    conditioner = networks.GatedResNet(
        input_shape=(height, width, channels + num_context),
        num_outputs=channels * (2 + 3 * num_components),
        num_filters=num_filters,
        num_blocks=num_blocks,
        dropout_rate=dropout_rate,
        num_heads=num_heads,
        recompute=recompute,
        dtype=dtype if network_policy is None else network_policy,
    )
    return [
        bijectors.ActNorm.create((height, width, 2 * channels), dtype=dtype),
        channel_mixing(2 * channels, mix_per_half, dtype),
        mixture_coupling(transform_first, conditioner, num_components, num_context),
    ]
