"""Flows that factor out half of the channels at every level."""

import math
from collections.abc import Callable, Sequence

import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal import checks, tfp_private
from tfp_ebm.internal.identity import EqualByIdentity
from tfp_ebm.internal.types import Bijector

__all__ = ["latent_shapes", "multi_scale"]

tfb = tfp.bijectors


class _Chain(EqualByIdentity, tfp_private.Chain):
    """A chain whose parts, at all levels below, are not hashed at every call."""


def latent_shapes(image_shape: Sequence[int], num_levels: int) -> list[tuple[int, int, int]]:
    """Returns the shapes of the latent parts, `(H, W, C)`, in the order they lie in the vector.

    The part of the last, coarsest level comes first and is a whole image; each level before it
    leaves half of its channels.

    >>> from tfp_ebm import flows
    >>> flows.latent_shapes((8, 8, 1), 2)
    [(2, 2, 8), (4, 4, 2)]

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of levels.

    Raises:
      ValueError: if the height or width cannot be halved at every level.
    """
    height, width, channels = checks.image_shape("image_shape", image_shape)
    num_levels = checks.positive_integer("num_levels", num_levels)
    if height % 2**num_levels or width % 2**num_levels:
        raise ValueError(
            f"`image_shape` must have a height and width that are multiples of {2**num_levels} for "
            f"{num_levels} levels, got {(height, width, channels)}; pad the images with "
            f"{-height % 2**num_levels} row(s) and {-width % 2**num_levels} column(s), or use "
            "fewer levels."
        )
    shapes = []
    for level in range(num_levels):
        height, width, channels = height // 2, width // 2, 4 * channels
        if level < num_levels - 1:
            channels //= 2
        shapes.append((height, width, channels))
    return shapes[::-1]


def multi_scale(
    image_shape: Sequence[int],
    make_levels: Sequence[Callable[[tuple[int, int, int]], list[Bijector]]],
    make_conditional: Callable[[tuple[int, int, int]], Bijector] | None = None,
    make_before: Callable[[tuple[int, int, int]], list[Bijector]] | None = None,
) -> Bijector:
    """Returns a bijector from an image to one flat latent vector, level by level.

    Each level squeezes, applies its steps, and leaves the second half of its channels as they
    are, until the last level leaves everything. It is composed of TensorFlow Probability's own
    `Chain`, `JointMap`, `Reshape` and `Split`.

    >>> flow = multi_scale((8, 8, 1), [lambda shape: [], lambda shape: []])
    >>> flow.forward_event_shape([8, 8, 1]), latent_shapes((8, 8, 1), 2)
    (TensorShape([64]), [(2, 2, 8), (4, 4, 2)])

    Args:
      image_shape: `(H, W, C)`.
      make_levels: for each level a function of the squeezed shape that returns the steps, in the
        data's order.
      make_conditional: function of the shape of both halves together that returns a bijector to
        apply before a half is factored out. A coupling that moves and scales the second half,
        given the first, is a learned conditional base of that part.
      make_before: function of the shape of an image that returns the steps before a squeeze, in
        the data's order; None: there are none.

    Returns:
      A bijector from `[..., H, W, C]` to `[..., H W C]`; the parts lie as `latent_shapes` says.

    Raises:
      ValueError: if the height or width cannot be halved at every level.

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.6.
    """
    shapes = latent_shapes(image_shape, len(make_levels))
    flow = None
    for index, part_shape in enumerate(shapes):
        level = len(make_levels) - 1 - index
        is_last = flow is None
        height, width, channels = part_shape
        shape = part_shape if is_last else (height, width, 2 * channels)
        before = (2 * height, 2 * width, shape[2] // 4)
        steps = [] if make_before is None else [*make_before(before)]
        steps += [bijectors.Squeeze(), *make_levels[level](shape)]
        flatten = tfb.Reshape(event_shape_in=part_shape, event_shape_out=[math.prod(part_shape)])
        if is_last:
            steps.append(flatten)
        else:
            if make_conditional is not None:
                steps.append(make_conditional(shape))
            deeper = sum(math.prod(shape) for shape in shapes[:index])
            join = tfb.Invert(tfb.Split([deeper, math.prod(part_shape)], axis=-1))
            steps += [bijectors.ChannelSplit(), tfb.JointMap([flow, flatten]), join]
        flow = _Chain(steps[::-1])
    return flow
