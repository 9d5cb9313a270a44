"""Checks that parts which were made apart fit one model."""

import math
from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm import bijectors
from tfp_ebm.internal.types import Bijector

__all__ = ["check_flow", "check_num_levels"]


def check_num_levels(name: str, part: object, num_levels: int) -> None:
    """Raises if a part of a model, the argument `name`, was made for another number of levels."""
    modules = (part, *part.submodules) if isinstance(part, tf.Module) else ()
    for found in (getattr(module, "num_levels", num_levels) for module in modules):
        if found != num_levels:
            raise ValueError(
                f"`{name}` was made for {found} levels, but `num_levels` is {num_levels}; give the "
                "same number to both."
            )


def check_flow(
    flow: Bijector,
    image_shape: Sequence[int],
    num_levels: int,
    dtype: tf.DType,
    num_scales: int | None = None,
) -> None:
    """Raises unless a flow maps latents to images of this shape, number of levels and dtype.

    Args:
      flow: the argument `flow`.
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      dtype: dtype of the latents.
      num_scales: number of scales that a base of one machine for each expects; None: any.
    """
    check_num_levels("flow", flow, num_levels)
    size = math.prod(image_shape)
    try:
        shape = tuple(flow.forward_event_shape([size]))
    except (ValueError, tf.errors.InvalidArgumentError):
        shape = "an error"
    if shape != tuple(image_shape):
        raise ValueError(
            f"`flow` must map {size} latents to images of `image_shape` {tuple(image_shape)}, got "
            f"{shape} from `flow.forward_event_shape([{size}])`."
        )
    try:
        flow.forward_dtype(dtype)
    except TypeError:
        raise ValueError(
            f"`flow` was made for another dtype than {dtype.name}; give as `dtype` the one with "
            "which the flow was made."
        ) from None
    squeezes = [part for part in flow.submodules if isinstance(part, bijectors.Squeeze)]
    if num_scales is not None and len(squeezes) != num_scales:
        raise ValueError(
            f"`flow` has {len(squeezes)} scales, but `num_scales` is {num_scales}; give the number "
            "with which the flow was made."
        )
