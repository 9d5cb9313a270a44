"""Two numbers that tell whether the parameters of a machine have changed."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.compiled import compile_if_large

__all__ = ["UNKNOWN", "fingerprint", "has_changed"]

# The fingerprint of no machine, as no half of a sum is negative: nothing is known of parameters.
UNKNOWN = (0.0, -1.0)

_MULTIPLIER = -0x61C8864680B583EB  # 2^64 over the golden ratio, as a signed number.
_MIXER = -0x4B47D0C5A7A6B5D5  # Any odd number without a pattern.
_ROW = 256
# How fields are named that follow from others.
_DERIVED = ("_transposed", "_over_scale")


def fingerprint(machine: Any) -> tf.Tensor:
    """Returns two numbers that change, but for a chance of 2^-31 or less, when a parameter does.

    The bits of every entry, times odd numbers that depend on its place, are summed modulo 2^64.
    Unlike sums of powers it tells apart what has the same entries at other places, and
    changes that cancel; unlike sums of floating-point numbers it does not depend on their order.

    Args:
      machine: a nest of tensors; what follows from others, such as transposed copies, and integers,
        such as indices, are left out.

    Returns:
      `[2]` float64, whole numbers of at least 0: the two halves of the sum.
    """
    return _halves(*[tensor for tensor in _tensors(machine) if tensor.dtype.is_floating])


@tf.function(autograph=False)
def _add_up(*tensors):
    total = tf.zeros([], tf.int64)
    for place, tensor in enumerate(tensors):
        rows = _rows_of_words(tensor)
        # Signs, and numbers such as 1.0, have their bits at the upper end, which products drop.
        rows = tf.bitwise.bitwise_xor(rows, tf.bitwise.right_shift(rows, 32))
        of_rows = tf.reduce_sum(rows * _odd_numbers(2 * place, _ROW), axis=1)
        total += tf.reduce_sum(of_rows * _odd_numbers(2 * place + 1, tf.shape(rows)[0]))
    halves = tf.bitwise.bitwise_and(tf.stack([tf.bitwise.right_shift(total, 32), total]), 2**32 - 1)
    return tf.stop_gradient(tf.cast(halves, tf.float64))


# Compiled it is one pass over the entries, in a quarter of the time.
_halves = compile_if_large(_add_up, 2**18)


def _tensors(machine: Any) -> Iterator[tf.Tensor]:
    if hasattr(machine, "_fields"):
        for field in machine._fields:
            if not field.endswith(_DERIVED):
                yield from _tensors(getattr(machine, field))
    else:
        yield from map(tf.convert_to_tensor, tf.nest.flatten(machine))


def _rows_of_words(tensor):
    """Returns the bits of a tensor, zeros after them, `[..., 256]` int64."""
    share = 8 // tensor.dtype.size
    flat = tf.reshape(tensor, [-1])
    flat = tf.pad(flat, [[0, -tf.size(flat) % (share * _ROW)]])
    if share == 1:
        return tf.bitcast(tf.reshape(flat, [-1, _ROW]), tf.int64)
    return tf.bitcast(tf.reshape(flat, [-1, _ROW, share]), tf.int64)


def _odd_numbers(place, count):
    """Returns numbers without a pattern, others for every place, `[count]` int64."""
    numbers = tf.range(1, tf.cast(count, tf.int64) + 1) + place * 2**32
    numbers *= _MULTIPLIER
    numbers = tf.bitwise.bitwise_xor(numbers, tf.bitwise.right_shift(numbers, 29)) * _MIXER
    numbers = tf.bitwise.bitwise_xor(numbers, tf.bitwise.right_shift(numbers, 32))
    return tf.bitwise.bitwise_or(numbers, 1)


def has_changed(before: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
    """Returns whether two fingerprints differ, a boolean scalar; False if the first is unknown."""
    before = tf.convert_to_tensor(before)
    return tf.logical_and(before[1] >= 0, tf.reduce_any(tf.not_equal(before, now)))
