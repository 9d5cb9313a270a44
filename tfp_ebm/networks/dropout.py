"""Dropout from few random bits."""

import tensorflow as tf

from tfp_ebm.internal.compiled import compile_if_large
from tfp_ebm.internal.tfp_private import ps

__all__ = ["dropout"]

# From this number of pairs of entries on, compiling pays for its seconds.
_LARGE = 2**15
_RESOLUTION = 2**16


def _mask(bits, num_kept):
    """Returns 0 or the scale of what is kept, two entries for each word of 32 bits."""
    halves = tf.cast(tf.reshape(tf.bitcast(bits, tf.uint16), [-1]), tf.int32)
    return tf.cast(halves < num_kept, tf.float32) * (_RESOLUTION / tf.cast(num_kept, tf.float32))


_either_mask = compile_if_large(_mask, _LARGE)


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None) -> tf.Tensor:
    """Returns x with a share of its entries at 0 and the rest scaled up; x itself without seed.

    Stateless, so that a block computed again in the backward pass has the same mask. Sixteen random
    bits decide on each entry, so that the rate is a multiple of 2^-16, and the scale is that of the
    rounded rate: the mean stays exact.

    Args:
      x: `[...]`.
      rate: the share, in [0, 1).
      seed: seed; None: no dropout.

    Returns:
      `[...]`, the dtype of x.
    """
    num_kept = round(_RESOLUTION * (1 - rate))
    if seed is None or num_kept == _RESOLUTION:
        return x
    size = ps.size(x)
    bits = tf.random.stateless_uniform([(size + 1) // 2], seed, None, None, tf.uint32)
    mask = _either_mask(bits, tf.constant(max(num_kept, 1)))[:size]
    return x * tf.reshape(tf.cast(mask, x.dtype), ps.shape(x))
