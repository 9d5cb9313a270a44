"""When a function is worth compiling by XLA: large tensors, many elementwise operations."""

import os
from collections.abc import Callable

import tensorflow as tf

__all__ = ["compile_if_large", "is_large"]

# What an unknown dimension counts: a usual batch.
_USUAL_BATCH = 32
# XLA runs an elementwise loop on one thread; the parts of a graph run side by side.
_NUM_PARTS = min(4, os.cpu_count() or 1)


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
    """Returns a function of tensors that runs compiled, in parts, where they are large.

    Args:
      function: takes tensors, the second the largest, that share their first axis, and returns
        one or a tuple of them; no entry along that axis may depend on another.
      minimum: number of elements from which on it is compiled.
    """
    compiled = tf.function(function, autograph=False, jit_compile=True)

    def either(*tensors):
        if not is_large(tensors[1], minimum):
            return function(*tensors)
        size = tensors[1].shape[0]
        if _NUM_PARTS == 1 or (size is not None and size < _NUM_PARTS):
            return compiled(*tensors)
        size = tf.shape(tensors[1])[0] if size is None else size
        each = size // _NUM_PARTS
        sizes = [each] * (_NUM_PARTS - 1) + [size - (_NUM_PARTS - 1) * each]
        parts = [tf.split(tensor, sizes, num=_NUM_PARTS) for tensor in tensors]
        results = [compiled(*part) for part in zip(*parts, strict=True)]
        if isinstance(results[0], tuple):
            return tuple(tf.concat(pieces, axis=0) for pieces in zip(*results, strict=True))
        return tf.concat(results, axis=0)

    return either
