"""Operations of two whole numbers that can be undone, for couplings of integers."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["InvertibleOperation", "round_straight_through", "rounded_addition"]


class InvertibleOperation(NamedTuple):
    """A binary operation and its inverse: `undo(apply(x, t), t) == x` for every t.

    >>> from tfp_ebm import bijectors
    >>> flip = bijectors.InvertibleOperation(lambda x, t: x * t, lambda y, t: y * t)
    >>> spins, signs = tf.constant([1.0, -1.0]), tf.constant([-1.0, -1.0])
    >>> flip.undo(flip.apply(spins, signs), signs).numpy().tolist()
    [1.0, -1.0]

    Attributes:
      apply: `apply(x, t)`, the operation on what is transformed and what a function gave.
      undo: its inverse in the first argument.
    """

    apply: Callable[[TensorLike, TensorLike], TensorLike]
    undo: Callable[[TensorLike, TensorLike], TensorLike]


@tf.custom_gradient
def round_straight_through(x: TensorLike) -> tf.Tensor:
    """Returns the nearest whole numbers, halves to the even one, with the gradient of identity.

    >>> with tf.GradientTape() as tape:
    ...     x = tf.constant([0.4, 1.7])
    ...     tape.watch(x)
    ...     y = round_straight_through(x)
    >>> y.numpy().tolist(), tape.gradient(y, x).numpy().tolist()
    ([0.0, 2.0], [1.0, 1.0])

    Args:
      x: `[...]`, floats.

    Source: Hoogeboom et al., "Integer Discrete Flows and Lossless Compression" (2019), section 3.2.
    """
    return tf.round(x), lambda y_bar: y_bar


def rounded_addition(num_levels: int | Sequence[int | None] | None = None) -> InvertibleOperation:
    """Returns x + round(t), which maps whole numbers to whole numbers, with its inverse.

        apply(x, t) = x + round(t) mod num_levels,   undo(y, t) = y - round(t) mod num_levels

    Modulo the number of levels it is a permutation of the levels 0 ... num_levels - 1: no
    probability leaves them. The gradient passes the rounding, and the modulo, as if neither were.

    >>> add = rounded_addition(num_levels=17)
    >>> y = add.apply(tf.constant([3.0, 16.0]), tf.constant([-0.6, 1.2]))
    >>> y.numpy().tolist(), add.undo(y, tf.constant([-0.6, 1.2])).numpy().tolist()
    ([2.0, 0.0], [3.0, 16.0])

    Args:
      num_levels: number of levels; a sequence has one for each entry of the last axis, or None:
        any whole number. None: any, of all entries.

    Raises:
      ValueError: if a number is not an integer of at least 2.
    """
    counts = list(num_levels) if hasattr(num_levels, "__len__") else [num_levels]
    for count in counts:
        if count is not None:
            checks.positive_integer("num_levels", count, minimum=2)
    return InvertibleOperation(
        functools.partial(_add, counts), functools.partial(_subtract, counts)
    )


# No functions inside another one, which Python could not copy to another process.
def _add(counts, x, t):
    return _within(counts, x + round_straight_through(t))


def _subtract(counts, y, t):
    return _within(counts, y - round_straight_through(t))


def _within(counts, value):
    """Returns numbers modulo the levels, where there are any."""
    is_bounded = [count is not None for count in counts]
    if not any(is_bounded):
        return value
    # A modulus of 1 stands where there is none, and its result is dropped.
    modulus = tf.constant([count or 1 for count in counts], value.dtype)
    wrapped = tf.math.floormod(value, modulus)
    return wrapped if all(is_bounded) else tf.where(is_bounded, wrapped, value)
