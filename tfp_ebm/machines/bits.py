"""Units of 0 and 1 as spins of -1 and +1: one machine, in the coordinates that learn better."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Parameter

__all__ = ["BitBias", "bits_of_spins", "spins_of_bits"]


def spins_of_bits(weights: Parameter, bias: Parameter) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the weights and fields of spins s = 2 v - 1, given those of bits v, read now.

        v^T W h + b^T (v, h) = s_v^T W s_h / 4 + (b / 2 + row and column sums of W / 4)^T s + const

    Args:
      weights: `[..., num_visible, num_hidden]`, W.
      bias: `[..., num_visible + num_hidden]`, b, visible units first.
    """
    weights, bias = tf.convert_to_tensor(weights), tf.convert_to_tensor(bias)
    return weights / 4, bias / 2 + _signals(weights) / 4


class BitBias(tfp.util.DeferredTensor):
    """The bias of bits, computed from the weights and fields of spins, which are trained."""

    def __init__(self, spin_weights: tf.Variable, spin_bias: tf.Variable) -> None:
        """Constructs it from the variables of spins."""
        shift = tfp.util.DeferredTensor(spin_weights, _shift, shape=spin_bias.shape)
        two = tf.constant(2, spin_bias.dtype)
        parts = [tfp.bijectors.Shift(shift), tfp.bijectors.Scale(two)]
        super().__init__(spin_bias, tfp.bijectors.Chain(parts))


def bits_of_spins(
    spin_weights: tf.Variable, spin_bias: tf.Variable
) -> tuple[tfp.util.DeferredTensor, BitBias]:
    """Returns the weights and bias of bits, computed whenever they are read from those of spins.

    The gradient with respect to the weights of bits grows with the means of the units, which have
    to be learned through it; in those of spins it does not. Every machine of bits is one of spins.

    Args:
      spin_weights: `[num_visible, num_hidden]`.
      spin_bias: `[num_visible + num_hidden]`.
    """
    four = tf.constant(4, spin_weights.dtype)
    weights = tfp.util.DeferredTensor(spin_weights, tfp.bijectors.Scale(four))
    return weights, BitBias(spin_weights, spin_bias)


def _signals(weights):
    return tf.concat([tf.reduce_sum(weights, axis) for axis in (-1, -2)], axis=-1)


def _shift(spin_weights):
    return -2 * _signals(tf.convert_to_tensor(spin_weights))
