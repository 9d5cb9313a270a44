"""The image flow of Flow++, as a chain of bijectors."""

from collections.abc import Sequence

import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.flows.coupling_steps import column_halves_as_channels, coupling_step
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.image_preprocessing import image_preprocessing
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["flow_plus_plus"]

tfb = tfp.bijectors


@with_flow_options
def flow_plus_plus(
    image_shape: Sequence[int],
    num_levels: int = 256,
    num_filters: int = 32,
    num_components: int = 8,
    num_blocks: int = 2,
    num_couplings: Sequence[int] = (4, 2, 4),
    dropout_rate: float = 0.2,
    alpha: float = 0.05,
    num_heads: int = 0,
    mix_per_half: bool = False,
    recompute: bool = False,
    num_augmented: int = 0,
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns a flow from a flat latent vector to images, for `tfd.TransformedDistribution`.

    In the order the data meets them: `ImageToLogit`, then three stages of couplings between the
    halves of a column split, of a channel split after a squeeze, and of a column split again,
    then a reshape to `[H * W * C]`. A coupling step is a per-position affine map (`ActNorm`), one
    1x1 convolution across both halves and a `MixLogCDFCoupling` whose conditioner is a
    `GatedResNet`; steps take turns in which half they transform.

    Weights are drawn by Keras initializers: `tf_keras.utils.set_random_seed` repeats them.

    >>> flow = flow_plus_plus((4, 4, 1), num_levels=17, num_filters=4, num_couplings=(1, 1, 1))
    >>> flow.forward_event_shape([16])
    TensorShape([4, 4, 1])

    Args:
      image_shape: `(H, W, C)`; H must be even and W a multiple of 4.
      num_levels: number of pixel levels; data lie in [0, num_levels].
      num_filters: width of the conditioners.
      num_components: number of logistic components in a coupling.
      num_blocks: number of gated blocks in a conditioner.
      num_couplings: number of couplings in each of the three stages; 0 leaves a stage out. Four
        numbers make the stages of VFlow: a column and a channel split before the squeeze, and the
        same after it.
      dropout_rate: dropout in the conditioners while training.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.
      num_heads: heads of self-attention in every gated block, with a second layer norm and a
        position embedding, as in the official code of Flow++ (4); 0: none.
      mix_per_half: whether each half has a 1x1 convolution of its own, as in the official code.
      recompute: whether the backward pass computes gated blocks again, to save memory.
      num_augmented: how many of the last channels are no pixels but extra ones, as in VFlow; they
        are left out of the map to logits.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`.

    Raises:
      ValueError: if a stage cannot split or squeeze an image of this shape.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 4;
    Ho et al., "Flow++: Improving Flow-Based Generative Models with Variational Dequantization and
    Architecture Design" (2019).
    """
    num_context, dtype, policy, name = shared("flow_plus_plus", options)
    height, width, channels = checks.image_shape("image_shape", image_shape)
    if height % 2 or width % 4:
        raise ValueError(
            "`image_shape` must have an even height and a width that is a multiple of 4: the "
            "squeeze halves both, and the last stage splits the squeezed columns; got "
            f"{(height, width, channels)}. Pad the images with "
            f"{-height % 2} row(s) and {-width % 4} column(s)."
        )
    if len(num_couplings) not in (3, 4):
        raise ValueError(
            "`num_couplings` must hold three numbers, one for each stage, or four for the stages "
            f"of VFlow, got {tuple(num_couplings)}."
        )
    if len(num_couplings) == 4 and channels % 2:
        raise ValueError(
            "`image_shape` must have an even number of channels to be split before the squeeze, "
            f"got {channels}; add one extra channel, or give three numbers of couplings."
        )
    for count in num_couplings:
        checks.positive_integer("num_couplings", count, minimum=0)

    def stage(half_shape, count):
        steps = []
        for index in range(count):
            steps += coupling_step(
                half_shape,
                transform_first=bool(index % 2),
                num_filters=num_filters,
                num_components=num_components,
                num_blocks=num_blocks,
                dropout_rate=dropout_rate,
                num_heads=num_heads,
                mix_per_half=mix_per_half,
                recompute=recompute,
                num_context=num_context,
                dtype=dtype,
                network_policy=policy,
            )
        return steps

    steps = [
        image_preprocessing(num_levels, channels, num_augmented, alpha),
        *_stages((height, width, channels), num_couplings, stage),
        tfb.Reshape(
            event_shape_in=(height // 2, width // 2, 4 * channels),
            event_shape_out=[height * width * channels],
        ),
    ]
    return tfb.Invert(tfb.Chain(steps[::-1]), name=name)


def _stages(image_shape, num_couplings, stage):
    """Returns the steps of Flow++, or of VFlow for four numbers of couplings."""
    height, width, channels = image_shape
    columns, whole = (height, width // 2, channels), (height, width, channels // 2)
    squeezed_columns = (height // 2, width // 4, 4 * channels)
    squeezed_whole = (height // 2, width // 2, 2 * channels)
    steps = [*_between_column_halves(stage(columns, num_couplings[0]))]
    if len(num_couplings) == 3:
        return [
            *steps,
            bijectors.Squeeze(),
            *stage(squeezed_whole, num_couplings[1]),
            *_between_column_halves(stage(squeezed_columns, num_couplings[2])),
        ]
    return [
        *steps,
        *stage(whole, num_couplings[1]),
        bijectors.Squeeze(),
        *_between_column_halves(stage(squeezed_columns, num_couplings[2])),
        *stage(squeezed_whole, num_couplings[3]),
    ]


def _between_column_halves(steps):
    """Returns the steps between a column split into channels and its inverse."""
    if not steps:
        return []
    halves_as_channels = column_halves_as_channels()
    return [halves_as_channels, *steps, tfb.Invert(halves_as_channels)]
