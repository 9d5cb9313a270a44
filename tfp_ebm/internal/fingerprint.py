"""Whether parameters are still those that an estimate was made for."""

from collections.abc import Iterable

import tensorflow as tf

__all__ = ["fingerprint"]

_MULTIPLIER = -0x61C8864680B583EB  # 2^64 over the golden ratio, as a signed number.
_MIXER = -0x4B47D0C5A7A6B5D5  # Any odd number without a pattern.
_WORDS = {2: tf.int16, 4: tf.int32, 8: tf.int64}


def fingerprint(tensors: Iterable[tf.Tensor]) -> tf.Tensor:
    """Returns two numbers that change, but for a chance of 2^-64, when any entry does.

    The bits of every entry, times an odd number that depends on its place, are summed modulo 2^64.
    Unlike sums of powers it tells apart what has the same entries at other places, or two changes
    that cancel; unlike sums of floating-point numbers it is the same in eager, graph and XLA mode.

    Args:
      tensors: floating-point tensors, in a fixed order.

    Returns:
      `[2]` float64, whole numbers: the two halves of the sum.
    """
    total, start = tf.zeros([], tf.int64), tf.zeros([], tf.int64)
    for tensor in tensors:
        flat = tf.reshape(tensor, [-1])
        flat = tf.where(tf.equal(flat, 0), tf.zeros_like(flat), flat)  # -0 is 0.
        words = tf.cast(tf.bitcast(flat, _WORDS[flat.dtype.size]), tf.int64)
        size = tf.size(words, tf.int64)
        total += tf.reduce_sum(words * _odd_numbers(start, size))
        # A tensor that becomes longer or shorter moves all entries after it.
        start += size + 1
    halves = tf.stack([tf.bitwise.right_shift(total, 32), total])
    return tf.cast(tf.bitwise.bitwise_and(halves, 0xFFFFFFFF), tf.float64)


def _odd_numbers(start, count):
    """Returns numbers without a pattern for the places from `start` on, `[count]` int64."""
    mixed = (tf.range(start, start + count) + 1) * _MULTIPLIER
    mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, 29)) * _MIXER
    mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, 32))
    return tf.bitwise.bitwise_or(mixed, 1)
