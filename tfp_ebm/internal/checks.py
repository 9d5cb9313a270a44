"""Argument checks that name the argument, what was expected, what came, and the fix."""

import difflib
import functools
import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.types import Distribution, TensorLike

__all__ = [
    "batches",
    "choice",
    "finite",
    "fraction",
    "image_shape",
    "labels",
    "layer_shapes",
    "matrix",
    "nonnegative_number",
    "positive_integer",
    "positive_number",
    "same_size",
    "spins",
    "valid",
    "variables",
    "vector",
    "whole_numbers",
]


def positive_integer(name: str, value: TensorLike, minimum: int = 1) -> int:
    """Returns `value` as an int, or raises if it is not an integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise ValueError(f"`{name}` must be an integer of at least {minimum}, got {value!r}.")
    return int(value)


def positive_number(name: str, value: TensorLike) -> float:
    """Returns `value` as a float, or raises if it is not a finite number above 0."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number above 0, got {value!r}.")
    return float(value)


def nonnegative_number(name: str, value: TensorLike) -> float:
    """Returns `value` as a float, or raises if it is not a finite number of at least 0."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number of at least 0, got {value!r}.")
    return float(value)


def fraction(name: str, value: TensorLike) -> float:
    """Returns `value` as a float, or raises if it is not in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1), got {value!r}.")
    return float(value)


def choice(name: str, value: TensorLike, options: Iterable[str]) -> str:
    """Returns `value`, or raises naming the options and the nearest one."""
    options = sorted(options)
    if value in options:
        return value
    nearest = difflib.get_close_matches(str(value), options, n=1, cutoff=0.4)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"`{name}` must be one of {', '.join(options)}, got {value!r}.{hint}")


def image_shape(name: str, value: Sequence[int]) -> tuple[int, int, int]:
    """Returns `value` as a tuple (height, width, channels), or raises."""
    try:
        shape = tuple(positive_integer(name, size) for size in value)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) != 3:
        raise ValueError(
            f"`{name}` must be three positive integers (height, width, channels), got {value!r}."
        )
    return shape


def event_shape(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Returns the shape of images `(H, W, C)`, or of vectors `(D,)`, as a tuple, or raises."""
    if isinstance(value, Sequence) and len(value) == 1:
        return (positive_integer(name, value[0]),)
    return image_shape(name, value)


def permutation(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Returns `value` as a tuple, or raises if it is not each of 0 ... D - 1 once."""
    order = tuple(positive_integer(name, entry, minimum=0) for entry in value)
    if not order:
        raise ValueError(f"`{name}` must hold at least one number, 0, got none.")
    if sorted(order) != [*range(len(order))]:
        missing = sorted({*range(len(order))} - {*order})
        raise ValueError(
            f"`{name}` must hold each number from 0 to {len(order) - 1} once, got {list(order)}"
            f"{f', without {missing}' if missing else ''}."
        )
    return order


def layer_shapes(weights: TensorLike, bias: TensorLike) -> None:
    """Raises unless `weights` is a matrix (or a batch) and `bias` has an entry for each unit."""
    matrix("weights", weights, "num_visible, num_hidden")
    size = weights.shape[-2] + weights.shape[-1]
    if bias.shape.rank is None or bias.shape.rank < 1 or bias.shape[-1] != size:
        raise ValueError(
            f"`bias` must have shape [..., num_visible + num_hidden] = [..., {size}], one entry "
            f"for each unit, got shape {bias.shape}."
        )


def batches(**parameters: tuple[Any, int]) -> None:
    """Raises unless the batch shapes of parameters, each given with its own rank, broadcast."""
    shapes = {
        name: value.shape[: value.shape.rank - event_ndims]
        for name, (value, event_ndims) in parameters.items()
        if value.shape.rank is not None and value.shape.rank > event_ndims
    }
    try:
        functools.reduce(tf.broadcast_static_shape, shapes.values(), tf.TensorShape([]))
    except ValueError as error:
        given = ", ".join(f"`{name}` {list(shape)}" for name, shape in shapes.items())
        raise ValueError(
            f"The batch shapes of the parameters must broadcast against each other, got {given}."
        ) from error


def matrix(name: str, value: TensorLike, axes: str) -> None:
    """Raises unless `value` is a matrix or a batch of them; `axes` names its last two."""
    if value.shape.rank is None or value.shape.rank < 2:
        raise ValueError(f"`{name}` must have shape [..., {axes}], got shape {value.shape}.")
    if None in value.shape[-2:]:
        raise ValueError(
            f"`{name}` must have last two axes, [{axes}], of sizes that are known before anything "
            f"runs, got shape {value.shape}; `tf.ensure_shape` states them."
        )


def vector(name: str, value: TensorLike, size: int) -> None:
    """Raises unless `value` is a vector of this size, or a batch of them."""
    if value.shape.rank is None or value.shape.rank < 1 or value.shape[-1] != size:
        raise ValueError(f"`{name}` must have shape [..., {size}], got shape {value.shape}.")


def variables(name: str, value: Iterable[Any]) -> list[tf.Variable]:
    """Returns `value` as a list, or raises if it is not one of variables."""
    value = list(value)
    for entry in value:
        if not isinstance(entry, tf.Variable):
            raise TypeError(
                f"`{name}` must hold variables, such as `base.trainable_variables`, got "
                f"{type(entry).__name__}."
            )
    return value


def valid(value: tf.Tensor, condition: tf.Tensor, message: str) -> tf.Tensor:
    """Returns a float tensor, refused where a condition fails.

    Eager mode raises a ValueError. A graph asserts, and entries become NaN: XLA drops asserts.
    """
    if tf.executing_eagerly():
        if not bool(tf.reduce_all(condition)):
            raise ValueError(message)
        return value
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(condition), [message])]):
        return tf.where(condition, value, tf.constant(float("nan"), value.dtype))


def whole_numbers(
    value: tf.Tensor,
    dtype: tf.DType,
    ends: Callable[[tf.DType], tuple[tf.Tensor, tf.Tensor]],
    message: str,
) -> tf.Tensor:
    """Returns a tensor in a dtype, refused as `valid` does where it is not whole or out of range.

    Args:
      value: numbers of any dtype, which are compared before a cast could round them.
      dtype: a floating dtype.
      ends: returns the lowest and the highest number, in the dtype of the comparison.
      message: what the error says.
    """
    exact = value
    if not value.dtype.is_floating:
        exact = tf.cast(value, tf.int64)
    elif value.dtype.size < dtype.size:
        exact = tf.cast(value, dtype)
    low, high = ends(exact.dtype)
    condition = (exact >= low) & (exact <= high)
    if exact.dtype.is_floating:
        condition &= tf.equal(exact, tf.floor(exact))
    return valid(tf.cast(value, dtype), condition, message)


def finite(name: str, value: TensorLike, above_zero: bool = False) -> None:
    """Raises if `value` is known now and not finite, or not positive where it must be."""
    if not tf.executing_eagerly():
        return
    value = tf.convert_to_tensor(value)
    if not bool(tf.reduce_all(tf.math.is_finite(value))):
        raise ValueError(f"`{name}` must be finite, got NaN or infinite entries.")
    if above_zero and not bool(tf.reduce_all(value > 0)):
        raise ValueError(f"`{name}` must be above 0, got {float(tf.reduce_min(value))}.")


def labels(value: TensorLike, num_classes: int, lowest: int = 0) -> tf.Tensor:
    """Returns class labels as int32, or raises if one is not from `lowest` to num_classes - 1.

    `lowest=-1` lets unknown labels pass. In a graph the check is part of it.
    """
    value = tf.convert_to_tensor(value)
    if not value.dtype.is_integer:
        raise ValueError(
            f"`labels` must be integers, got {value.dtype.name}; one-hot rows become them by "
            "`tf.argmax(rows, axis=-1)`."
        )
    value = tf.cast(value, tf.int64)
    in_range = (value >= lowest) & (value < num_classes)
    low = "-1, where a label is unknown," if lowest < 0 else "0, since a label is needed here,"
    message = f"`labels` must lie between {low} and num_classes - 1 = {num_classes - 1}"
    if tf.executing_eagerly():
        wrong = value.numpy()[~in_range.numpy()]
        if wrong.size:
            raise ValueError(f"{message}, got {wrong.flat[0]}.")
        return tf.cast(value, tf.int32)
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(in_range), [message])]):
        # XLA drops the assertion, and a cast could bring a large number back into the range.
        return tf.cast(tf.where(in_range, value, lowest - 1), tf.int32)


def spins(name: str, value: TensorLike, dtype: tf.DType) -> tf.Tensor:
    """Returns spins as a tensor; if one is neither -1 nor +1, what `valid` makes of it."""
    value = tf.cast(value, dtype)
    message = (
        f"`{name}` must be spins, -1 or +1; bits become spins by `2 * bits - 1`, and probabilities "
        "by `mode()` or `sample()` of their distribution."
    )
    return valid(value, tf.equal(tf.abs(value), 1), message)


def same_size(a: Distribution, b: Distribution) -> None:
    """Raises unless two distributions over vectors have the same event shape."""
    if a.event_shape != b.event_shape:
        raise ValueError(
            f"The divergence of `{a.name}` from `{b.name}` needs events of one shape, got "
            f"{a.event_shape} and {b.event_shape}."
        )
