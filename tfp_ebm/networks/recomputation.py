"""Functions that the backward pass computes again instead of keeping what is inside them."""

import math
from collections.abc import Callable

import tensorflow as tf

__all__ = ["recomputed"]


def recomputed(function: Callable, *tensors: tf.Tensor) -> tf.Tensor:
    """Returns `function(*tensors)`, computed once more for its gradient.

    As `tf.recompute_grad`, which cannot be differentiated twice; this can, to every order.

    Args:
      function: takes the tensors and returns one tensor; variables that it reads get gradients.
      *tensors: its arguments.
    """

    @tf.custom_gradient
    def run(*tensors):
        # So that tapes do not record the inside in eager mode; its own gradient is never asked for.
        result = tf.recompute_grad(function)(*tensors)

        def gradient(bar, variables=()):
            floating = [part for part in tensors if part.dtype.is_floating]
            with tf.GradientTape() as tape:
                later = [_after(bar, part) for part in floating]
                tape.watch(later)
                tape.watch(list(variables))
                kept = iter(later)
                again = function(*[next(kept) if p.dtype.is_floating else p for p in tensors])
            slopes = tape.gradient(again, [later, list(variables)], output_gradients=bar)
            of_floating = iter(slopes[0])
            of_tensors = [next(of_floating) if p.dtype.is_floating else None for p in tensors]
            return (of_tensors, slopes[1]) if variables else of_tensors

        return result, gradient

    return run(*tensors)


def _after(earlier, tensor):
    """Returns the tensor, by a step that cannot run before another one is known.

    Otherwise a compiler would see that the second computation is the first, and keep its insides. A
    control dependency would do but for XLA, which knows none.
    """
    if tf.executing_eagerly():
        return tf.identity(tensor)
    first = tf.reduce_max(tf.reshape(tf.stop_gradient(earlier), [-1])[:1])
    return tensor + tf.cast(tf.where(tf.equal(first, first), 0.0, math.nan), tensor.dtype)
