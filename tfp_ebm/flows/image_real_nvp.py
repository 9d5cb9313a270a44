"""RealNVP of several scales, for images; `real_nvp` is its form for vectors."""

from collections.abc import Sequence

import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.affine_maps import RezeroAffine, affine
from tfp_ebm.flows.multi_scale import multi_scale
from tfp_ebm.flows.scale_options import ScaleOptions, scales_of, with_scale_options
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["image_real_nvp"]

tfb = tfp.bijectors


@with_scale_options(num_steps=4, num_filters=32)
def image_real_nvp(
    image_shape: Sequence[int],
    num_levels: int = 256,
    num_blocks: int = 2,
    mixing: bool = False,
    dropout_rate: float = 0.0,
    rezero: bool = False,
    **options: Unpack[ScaleOptions],
) -> Bijector:
    """Returns a flow from a flat latent vector to images, for `tfd.TransformedDistribution`.

    In the order the data meets them: `ImageToLogit`, then at each scale couplings between the two
    colours of a checkerboard, a squeeze, and couplings between halves of the channels; half of the
    channels are factored out between scales. A coupling is affine, after an `ActNorm`, and its
    conditioner is a `GatedResNet` that ends at 0; couplings take turns in what they transform.

    >>> flow = image_real_nvp((8, 8, 1), num_levels=17, num_steps=1, num_filters=4, num_blocks=0)
    >>> flow.forward_event_shape([64])
    TensorShape([8, 8, 1])

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels; data lie in [0, num_levels].
      num_blocks: gated blocks of a conditioner.
      mixing: whether a 1x1 convolution comes before each coupling of channels.
      dropout_rate: dropout in the conditioners while training.
      rezero: whether shifts and log-scales are multiplied by a learned number each, which starts at
        0; the conditioners then start at random.
      **options: `ScaleOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`.

    Raises:
      ValueError: if an argument is out of its range or the sizes cannot be halved often enough.

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3; rezero and the
    learned base, Tomczak, "Deep Generative Modeling" (2022), section 3.1.6.
    """
    scales, (num_context, dtype, policy, name) = scales_of(image_real_nvp, **options)

    def coupling(split, half_shape):
        height, width, channels = half_shape
        network = networks.GatedResNet(
            (height, width, channels + num_context),
            num_outputs=2 * channels,
            num_filters=scales.num_filters,
            num_blocks=num_blocks,
            dropout_rate=dropout_rate,
            zero_output=not rezero,
            dtype=policy,
        )
        bijector_fn = RezeroAffine(dtype) if rezero else affine
        return bijectors.Coupling(split, bijector_fn, network, num_context)

    def checkerboards(shape):
        height, width, channels = shape
        steps = []
        for index in range(scales.num_steps):
            split = bijectors.CheckerboardSplit("checkerboard", swap=bool(index % 2))
            steps.append(bijectors.ActNorm.create([channels], dtype=dtype))
            steps.append(coupling(split, (height, width // 2, channels)))
        return steps

    def between_channels(shape, swap=False):
        height, width, channels = shape
        return coupling(bijectors.ChannelSplit(swap), (height, width, channels // 2))

    def channels_of_a_scale(shape):
        steps = []
        for index in range(scales.num_steps):
            steps.append(bijectors.ActNorm.create([shape[2]], dtype=dtype))
            if mixing:
                steps.append(
                    bijectors.Invertible1x1Conv.create(
                        shape[2], parametrization="lu", init="rotation", dtype=dtype
                    )
                )
            steps.append(between_channels(shape, swap=bool(index % 2)))
        return steps

    flow = multi_scale(
        image_shape,
        [channels_of_a_scale] * scales.num_scales,
        between_channels if scales.conditional else None,
        checkerboards,
    )
    to_logit = bijectors.ImageToLogit(num_levels=num_levels, alpha=scales.alpha)
    return tfb.Invert(tfb.Chain([flow, to_logit]), name=name)
