"""The energy of a Gaussian-Bernoulli restricted Boltzmann machine, as pure functions."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfp_ebm.distributions.gaussian_units import GaussianUnits
from tfp_ebm.internal.numeric import multiply_rows

__all__ = ["GaussianMachine"]


class _Parameters(NamedTuple):
    weights: tf.Tensor
    visible_bias: tf.Tensor
    hidden_bias: tf.Tensor
    scale: tf.Tensor
    weights_transposed: tf.Tensor


class GaussianMachine(GaussianUnits, _Parameters):
    """The machine of `GaussianUnits` whose couplings are a matrix.

    Attributes:
      weights: `[*B, num_visible, num_hidden]`, W.
      visible_bias: `[*B, num_visible]`, b.
      hidden_bias: `[*B, num_hidden]`, c.
      scale: `[*B, num_visible]` or `[*B, 1]`, sigma.
      weights_transposed: `[*B, num_hidden, num_visible]`, laid out once for all sweeps.
    """

    @classmethod
    def from_parameters(
        cls, weights: Any, visible_bias: Any, hidden_bias: Any, scale: Any
    ) -> "GaussianMachine":
        """Returns the machine of the parameters, read now."""
        weights, scale = tf.convert_to_tensor(weights), tf.convert_to_tensor(scale)
        return cls(
            weights,
            tf.convert_to_tensor(visible_bias),
            tf.convert_to_tensor(hidden_bias),
            scale[tf.newaxis] if scale.shape.rank == 0 else scale,
            tf.linalg.matrix_transpose(weights),
        )

    def multiply(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `W h`."""
        return multiply_rows(hidden, self.weights_transposed)

    def multiply_transposed(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T u`."""
        return multiply_rows(visible, self.weights)

    def _visible_shape(self):
        batch_shape = tf.broadcast_dynamic_shape(
            tf.shape(self.visible_bias)[:-1], tf.shape(self.weights)[:-2]
        )
        return tf.concat([batch_shape, [self.weights.shape[-2]]], axis=0)

    @property
    def batch_rank(self) -> int:
        """Rank of B."""
        return max(self.visible_bias.shape.rank - 1, self.weights.shape.rank - 2)
