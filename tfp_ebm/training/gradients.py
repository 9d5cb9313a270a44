"""What a training step does between gradients and weights."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["all_finite", "build_slots", "zero_unless"]


def all_finite(loss: tf.Tensor, gradients: Sequence[tf.Tensor | None]) -> tf.Tensor:
    """Returns whether the loss and every entry of the gradients are finite, a scalar."""
    # The sum of a tensor is finite only if its entries are, and costs one pass over it.
    sums = [tf.reduce_sum(gradient) for gradient in gradients if gradient is not None]
    return tf.reduce_all(tf.math.is_finite(tf.stack([loss, *sums])))


def zero_unless(
    is_finite: tf.Tensor, gradients: Sequence[tf.Tensor | None]
) -> list[tf.Tensor | None]:
    """Returns the gradients, or zeros in their place, without a copy of the former."""
    given = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
    kept = iter(tf.cond(is_finite, lambda: given, lambda: [tf.zeros_like(g) for g in given]))
    return [None if gradient is None else next(kept) for gradient in gradients]


def build_slots(optimizer: Any, variables: Sequence[tf.Variable]) -> None:
    """Makes an optimizer's slots now: made inside the first step they would cost a second trace."""
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:  # Keras's legacy optimizers, whose fused kernels are the fast ones on CPUs.
        optimizer._create_all_weights(variables)
