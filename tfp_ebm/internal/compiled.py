"""When a function is worth compiling by XLA: large tensors, many elementwise operations."""

from collections.abc import Callable

import tensorflow as tf

__all__ = ["compile_if_large", "is_large"]

# What an unknown dimension counts: a usual batch.
_USUAL_BATCH = 32


def is_large(tensor: tf.Tensor, minimum: int) -> bool:
    """Returns whether a tensor has at least `minimum` elements, as far as is known statically.

    Compiled functions pass over memory once where plain operations pass once each, but launching
    one costs some 20 microseconds, and compiling it seconds. False while functions run eagerly.
    """
    if tensor.shape.rank is None or tf.config.functions_run_eagerly():
        return False
    size = 1
    for dimension in tensor.shape:
        size *= _USUAL_BATCH if dimension is None else dimension
    return size >= minimum


def compile_if_large(function: Callable, minimum: int) -> Callable:
    """Returns a function of tensors that runs compiled where they are large.

    Args:
      function: takes tensors.
      minimum: number of elements of one of them from which on it is compiled.
    """
    compiled = tf.function(function, autograph=False, jit_compile=True)

    def either(*tensors):
        large = any(is_large(tensor, minimum) for tensor in tensors)
        return (compiled if large else function)(*tensors)

    return either
