"""The energy of a Gaussian-Bernoulli restricted Boltzmann machine, as pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.compiled import is_large
from tfp_ebm.internal.numeric import (
    broadcast_batch,
    common_batch_shape,
    laid_out_apart,
    laid_out_transposed,
    multiply_rows,
    standard_normal,
)
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed, TensorLike
from tfp_ebm.machines.gaussian_units import GaussianUnits

__all__ = ["GaussianMachine"]


# With fewer units to draw, launching a compiled kernel costs more than its single pass saves.
_SMALLEST_COMPILED_DRAW = 2**15


@tf.function(autograph=False, jit_compile=True)
def _bits_in_one_pass(logits, bias, seed):
    """Draws bits in one loop over the units; TensorFlow has no ThreeFry but in compiled code."""
    uniform = tf.random.stateless_uniform(
        tf.shape(logits), seed, dtype=logits.dtype, alg="threefry"
    )
    return tf.cast(uniform < tf.sigmoid(logits + bias), logits.dtype)


@tf.function(autograph=False, jit_compile=True)
def _normal_in_one_pass(signal, loc, scale, seed):
    """Draws Normal(loc + scale signal, scale^2) in one loop over the units."""
    noise = tf.random.stateless_normal(tf.shape(signal), seed, dtype=signal.dtype, alg="threefry")
    return loc + scale * (signal + noise)


def _as_column(parameter):
    """Returns a parameter of the units, or of every chain's units, for chains side by side."""
    return parameter[:, tf.newaxis] if parameter.shape.rank == 1 else tf.transpose(parameter)


class _Parameters(NamedTuple):
    weights: tf.Tensor
    visible_bias: tf.Tensor
    hidden_bias: tf.Tensor
    scale: tf.Tensor
    weights_transposed: tf.Tensor
    weights_over_scale: tf.Tensor


class GaussianMachine(GaussianUnits, _Parameters):
    """The machine of `GaussianUnits` whose couplings are a matrix.

    >>> from tfp_ebm import distributions
    >>> machine = distributions.GaussianBernoulliRBM.create(num_visible=3, num_hidden=2).machine()
    >>> machine.sample_exactly(5, seed=(0, 1)).shape[0]
    5

    Attributes:
      weights: `[..., num_visible, num_hidden]`, W, which broadcasts with B.
      visible_bias: `[*B, num_visible]`, b.
      hidden_bias: `[*B, num_hidden]`, c.
      scale: `[..., num_visible]` or `[..., 1]`, sigma, which broadcasts with B.
      weights_transposed: `[..., num_hidden, num_visible]`, laid out once for all sweeps.
      weights_over_scale: `[..., num_visible, num_hidden or more]`, `W / sigma`, laid out so too:
        columns of 0 may follow its own. The gradient of sigma takes no product of its own by it.
    """

    @classmethod
    def from_parameters(
        cls,
        weights: TensorLike,
        visible_bias: TensorLike,
        hidden_bias: TensorLike,
        scale: TensorLike,
        batch_shape: Sequence[int] = (),
    ) -> "GaussianMachine":
        """Returns the machine of the parameters, read now.

        Args:
          weights: `[..., num_visible, num_hidden]`.
          visible_bias: `[..., num_visible]`.
          hidden_bias: `[..., num_hidden]`.
          scale: a scalar, `[..., 1]` or `[..., num_visible]`.
          batch_shape: of further parameters, those that the machine does not hold.
        """
        weights = tf.convert_to_tensor(weights)
        visible_bias, hidden_bias, scale = (
            tf.convert_to_tensor(parameter, weights.dtype)
            for parameter in (visible_bias, hidden_bias, scale)
        )
        scale = scale[tf.newaxis] if scale.shape.rank == 0 else scale
        parameters = ((weights, 2), (visible_bias, 1), (hidden_bias, 1), (scale, 1))
        batch_shape = common_batch_shape(*parameters, batch_shape=batch_shape)
        return cls(
            weights,
            broadcast_batch(visible_bias, batch_shape),
            broadcast_batch(hidden_bias, batch_shape),
            scale,
            laid_out_transposed(weights),
            laid_out_apart(weights / scale[..., tf.newaxis]),
        )

    def multiply(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `W h`."""
        return multiply_rows(hidden, self.weights_transposed)

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T (v / sigma)`."""
        visible = tf.convert_to_tensor(visible, self.weights.dtype)
        return multiply_rows(visible, self.weights_over_scale)[..., : self.weights.shape[-1]]

    def sweep_columns(
        self, columns: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Does what `sweep` does on chains side by side, see `SpinMachine.sweep_columns`."""
        hidden_seed, visible_seed = samplers.split_seed(seed, n=2, salt="sweep")
        visible_bias, hidden_bias, scale = map(
            _as_column, (self.visible_bias, self.hidden_bias, self.scale)
        )
        columns = tf.convert_to_tensor(columns, self.weights.dtype)
        logits = inverse_temperature * tf.matmul(self.weights_transposed, columns / scale)
        if is_large(logits, _SMALLEST_COMPILED_DRAW):
            hidden = _bits_in_one_pass(logits, hidden_bias, hidden_seed)
        else:
            hidden = self.sample_bits(logits + hidden_bias, hidden_seed)
        signal = inverse_temperature * tf.matmul(self.weights, hidden)
        if is_large(signal, _SMALLEST_COMPILED_DRAW):
            return _normal_in_one_pass(signal, visible_bias, scale, visible_seed)
        noise = standard_normal(tf.shape(signal), seed=visible_seed, dtype=signal.dtype)
        return visible_bias + scale * (signal + noise)
