"""Sums over every state of a few binary units, in blocks of bounded memory."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.numeric import move_axis
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike

__all__ = [
    "StateMixture",
    "all_bits",
    "log_sum_over_states",
    "sample_categories",
    "sample_states",
]

_BLOCK = 2**12


def all_bits(
    num_units: int,
    dtype: tf.DType,
    start: TensorLike = 0,
    count: int | None = None,
    batch_rank: int = 0,
) -> tf.Tensor:
    """Returns states `start ... start + count - 1` of units in {0, 1}.

    Args:
      num_units: number of units.
      dtype: dtype of the states.
      start: number of the first state.
      count: how many; by default all `2^num_units`.
      batch_rank: number of axes of length 1 between the states and the units.

    Returns:
      `[count, 1, ..., 1, num_units]`.
    """
    count = 2**num_units if count is None else count
    index = tf.cast(start, tf.int64) + tf.range(count, dtype=tf.int64)
    bits = tf.bitwise.right_shift(index[:, tf.newaxis], tf.range(num_units, dtype=tf.int64)) % 2
    return tf.cast(tf.reshape(bits, [count] + [1] * batch_rank + [num_units]), dtype)


def log_sum_over_states(
    log_weight: Callable[[tf.Tensor], tf.Tensor], num_units: int, dtype: tf.DType, batch_rank: int
) -> tf.Tensor:
    """Returns `log sum_s exp(log_weight(s))` over all states in {0, 1}^num_units.

    Blocks of 4096 states keep memory bounded. Gradients are meant for a single block, 12 units.

    Args:
      log_weight: maps `[count, 1, ..., 1, num_units]` to `[count, *B]`.
      num_units: number of units.
      dtype: dtype of the states.
      batch_rank: rank of B.

    Returns:
      `[*B]`.
    """
    count = min(2**num_units, _BLOCK)

    def block(start):
        weights = log_weight(all_bits(num_units, dtype, start, count, batch_rank))
        return tf.reduce_logsumexp(weights, axis=0)

    total = block(0)
    if count == 2**num_units:
        return total
    _, total = tf.while_loop(
        lambda start, _: start < 2**num_units,
        lambda start, total: (start + count, tf.reduce_logsumexp([total, block(start)], 0)),
        (tf.constant(count, tf.int64), total),
        parallel_iterations=1,
    )
    return total


def sample_categories(logits: tf.Tensor, num_samples: Count, seed: Seed) -> tf.Tensor:
    """Draws indices along the first axis of `logits` `[K, *B]`, of shape `[num_samples, *B]`."""
    flat = tf.transpose(tf.reshape(logits, [tf.shape(logits)[0], -1]))
    index = tf.random.stateless_categorical(flat, num_samples, seed, dtype=tf.int32)
    shape = tf.concat([[num_samples], tf.shape(logits)[1:]], axis=0)
    return tf.reshape(tf.transpose(index), shape)


def sample_states(
    log_weight: Callable[[tf.Tensor], tf.Tensor],
    num_units: int,
    dtype: tf.DType,
    batch_rank: int,
    num_samples: Count,
    seed: Seed,
) -> tf.Tensor:
    """Draws independent states in {0, 1}^num_units, `[num_samples, *B, num_units]`."""
    seed = samplers.sanitize_seed(seed, salt="sample_states")
    bits = all_bits(num_units, dtype, batch_rank=batch_rank)
    index = sample_categories(log_weight(bits), num_samples, seed)
    return tf.gather(tf.reshape(bits, [-1, num_units]), index)


class StateMixture(NamedTuple):
    """A distribution over units that are independent given a state, one component a state.

    Attributes:
      log_weights: `[K, *B]`, of the states, up to a constant.
      means: `[K, *B, N]`, of the units given the state.
      variances: broadcasts with the means, of the units given the state.
    """

    log_weights: tf.Tensor
    means: tf.Tensor
    variances: tf.Tensor

    def _expectation(self, values):
        return tf.reduce_sum(tf.nn.softmax(self.log_weights, axis=0)[..., tf.newaxis] * values, 0)

    def mean(self) -> tf.Tensor:
        """Returns the mean of every unit, `[*B, N]`."""
        return self._expectation(self.means)

    def variance(self) -> tf.Tensor:
        """Returns the variance of every unit, `[*B, N]`."""
        return self._expectation(self.variances + (self.means - self.mean()) ** 2)

    def covariance(self) -> tf.Tensor:
        """Returns the covariance matrix of the units, `[*B, N, N]`."""
        share = tf.nn.softmax(self.log_weights, axis=0)[..., tf.newaxis]
        centred = self.means - self.mean()
        rows, weighted = move_axis(centred, 0, -2), move_axis(share * centred, 0, -2)
        between = tf.matmul(weighted, rows, transpose_a=True)
        return between + tf.linalg.diag(self._expectation(self.variances + 0 * self.means))
