"""How far chains are from independent draws."""

from typing import NamedTuple

import tensorflow as tf

__all__ = ["CARRYING_ACCEPTANCE", "LEAST_ACCEPTANCE", "Mixing"]

# Below this share of accepted jumps no longer autocorrelation is assumed.
LEAST_ACCEPTANCE = 0.01
# With a smaller share of accepted jumps chains have to come from mode to mode by sweeps.
CARRYING_ACCEPTANCE = 0.1
# Weight of the past in the mean acceptance. A wide layer accepts all jumps at first, with small
# weights, and none some dozens of updates later.
_MOMENTUM = 0.7


class Mixing(NamedTuple):
    """What jumps and resampling make of chains; means over them vary more than their number tells.

    Attributes:
      acceptance: `[*B]` float64, mean share of accepted jumps.
      duplicates: `[*B]` float64, n / m - 1 where n chains carry no more than m draws, because they
        were drawn again and did not jump since.
    """

    acceptance: tf.Tensor
    duplicates: tf.Tensor

    @property
    def inflation(self) -> tf.Tensor:
        """How many times larger variances of means are than with independent draws, `[*B]`.

        The autocorrelation time of which mode a chain is in, in jumps, times the share of chains
        that are no duplicates, inverted.
        """
        acceptance = tf.maximum(self.acceptance, LEAST_ACCEPTANCE)
        return (2 - acceptance) / acceptance * (1 + self.duplicates)

    def resampled(self, effective_share: tf.Tensor, is_poor: tf.Tensor) -> "Mixing":
        """Returns it after chains were drawn again where `is_poor`, at their effective share."""
        added = tf.where(is_poor, 1 / effective_share - 1, 0.0)
        return self._replace(duplicates=self.duplicates + added)

    def jumped(self, accepted: tf.Tensor) -> "Mixing":
        """Returns it after a jump of which a share of the chains was accepted, `[*B]`."""
        acceptance = _MOMENTUM * self.acceptance + (1 - _MOMENTUM) * accepted
        return Mixing(acceptance, self.duplicates * (1 - accepted))
