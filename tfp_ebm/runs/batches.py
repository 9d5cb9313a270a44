"""A function of all events of a part, compiled once and called on some at a time."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfp_ebm.runs import progress

__all__ = ["in_batches"]


def in_batches(
    function: Callable[..., tf.Tensor],
    events: np.ndarray,
    seed: int,
    condition: np.ndarray | None = None,
    batch_size: int = 100,
    description: str = "likelihood",
) -> np.ndarray:
    """Returns `function(events, seed)`, or with a condition too, `[N, ...]`.

    Args:
      function: of a batch of events, a seed and, where there is one, the condition of the batch.
      events: `[N, *event_shape]`.
      seed: seed, of which each batch gets one of its own.
      condition: `[N]` labels, `[N, C]` vectors, or None.
      batch_size: events at a time.
      description: what the progress bar says.
    """
    signature = [
        tf.TensorSpec([None, *events.shape[1:]], events.dtype),
        tf.TensorSpec([2], tf.int32),
    ]
    arrays = [events]
    if condition is not None:
        if condition.ndim == 1:
            condition = condition.astype(np.int64)
        signature.append(tf.TensorSpec([None, *condition.shape[1:]], condition.dtype))
        arrays.append(condition)
    compiled = tf.function(function, input_signature=signature, autograph=False)
    batches = []
    for start in progress.bar(range(0, len(events), batch_size), description):
        x, *own = (array[start : start + batch_size] for array in arrays)
        batches.append(compiled(x, tf.constant([seed, start]), *own))
    return np.concatenate([batch.numpy() for batch in batches])
