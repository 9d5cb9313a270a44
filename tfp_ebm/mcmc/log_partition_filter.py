"""A Kalman filter of log Z: predicted by weights as parameters move, measured by jumps."""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.importance import (
    bennett_log_ratio,
    disagree,
    effective_share,
    log_mean_exp,
)
from tfp_ebm.mcmc.jumps import JumpInfo

__all__ = ["LARGEST_VARIANCE", "LogPartitionFilter"]

# Fewer draws than this on either side say nothing about a ratio of normalisers.
_LEAST_EFFECTIVE_SIZE = 16.0
# With fewer draws than this left by a move of the parameters one outweighs all others, and may be
# any number of nats beside the mean of what was there: nothing left can tell.
_LEAST_LEFT = 1.5
# A variance above this is as good as none.
LARGEST_VARIANCE = 1e6


class LogPartitionFilter(NamedTuple):
    """What is known of log Z, in nats.

    Attributes:
      value: `[*B]` float64.
      variance: `[*B]` float64.
    """

    value: tf.Tensor
    variance: tf.Tensor

    @classmethod
    def start(
        cls, reference_log_partition: tf.Tensor, log_weights: tf.Tensor
    ) -> "LogPartitionFilter":
        """Returns log Z from that of the reference and the weights `[n, *B]` of draws of it."""
        step = log_mean_exp(log_weights)
        count = tf.cast(tf.shape(log_weights)[0], tf.float64)
        # A single draw knows nothing of its variance: 0 / 0, which is bounded as if infinite.
        variance = tf.reduce_mean(tf.math.expm1(log_weights - step) ** 2, axis=0) / (count - 1)
        value = tf.cast(reference_log_partition, tf.float64) + step
        return cls(value, _bounded(variance))

    def predict(
        self, log_weights: tf.Tensor, change: tf.Tensor, inflation: tf.Tensor
    ) -> "LogPartitionFilter":
        """Returns log Z after a move of the parameters.

        Args:
          log_weights: `[n, *B]`, of the chains before the move.
          change: `[n, *B]`, what the move adds to them.
          inflation: `[*B]`, by how much variances exceed those of independent draws.
        """
        log_share = tf.nn.log_softmax(log_weights, axis=0)
        step = tf.reduce_logsumexp(log_share + change, axis=0)
        spread = tf.reduce_sum(tf.exp(2 * log_share) * tf.math.expm1(change - step) ** 2, axis=0)
        # A log mean of widely spread increments is biased low, by about half their variance.
        left = effective_share(log_share + change)
        bias = 0.5 * tf.math.log(left / effective_share(log_share))
        variance = self.variance + inflation * spread + bias**2
        is_lost = left * tf.cast(tf.shape(change)[0], tf.float64) < _LEAST_LEFT
        return LogPartitionFilter(self.value + step, _bounded(variance)).lost_where(is_lost)

    def lost_where(self, is_lost: tf.Tensor) -> "LogPartitionFilter":
        """Returns it with a variance as large as can be where `is_lost`, which broadcasts."""
        largest = tf.constant(LARGEST_VARIANCE, tf.float64)
        return self._replace(variance=tf.where(is_lost, largest, self.variance))

    def measure(
        self, info: JumpInfo, log_weights: tf.Tensor, inflation: tf.Tensor
    ) -> "LogPartitionFilter":
        """Returns log Z corrected by the Bennett acceptance ratio of chains and proposals.

        The mean weight of the proposals alone exceeds Z by a factor e^t with probability e^-t at
        most: where it is clearly above what was found, there is mass that the chains do not know,
        and log Z is lost.

        Args:
          info: what a jump of all chains tells.
          log_weights: `[n, *B]`, of the chains.
          inflation: `[*B]`, by how much variances exceed those of independent draws.
        """
        of_chains = tf.cast(info.log_ratio_of_chains, tf.float64)
        of_proposals = tf.cast(info.log_ratio_of_proposals, tf.float64)
        bennett = bennett_log_ratio(of_chains, log_weights, of_proposals, self.value)
        noise = inflation * bennett.variance
        is_usable = (bennett.effective_size >= _LEAST_EFFECTIVE_SIZE) & tf.math.is_finite(
            bennett.log_ratio + noise
        )
        gain = tf.math.divide_no_nan(self.variance, self.variance + noise)
        gain = tf.where(is_usable, gain, 0.0)
        change = tf.where(gain > 0, bennett.log_ratio - self.value, 0.0)
        found = LogPartitionFilter(self.value + gain * change, (1 - gain) * self.variance)
        excess = log_mean_exp(of_proposals) - found.value
        count = tf.cast(tf.shape(of_proposals)[0], tf.float64)
        variance = found.variance + (1 / effective_share(of_proposals) - 1) / count
        return found.lost_where(tf.math.is_finite(excess) & disagree(excess, variance))


def _bounded(variance):
    return tf.where(variance < LARGEST_VARIANCE, variance, LARGEST_VARIANCE)
