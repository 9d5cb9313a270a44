"""What reaches the energy-based distributions inside a model while its density is evaluated."""

import contextlib
import threading
from collections.abc import Iterator

import tensorflow as tf

__all__ = ["observe", "observed_values"]

_LOCAL = threading.local()  # A distribution strategy runs each replica in a thread of its own.


@contextlib.contextmanager
def observed_values() -> Iterator[dict[int, tf.Tensor]]:
    """Collects the points whose density energy-based distributions evaluate in the context.

    So a training step learns the latent points of its batch, which the flow computed anyway,
    without a second pass. Evaluations inside another traced function leave nothing.

    Yields:
      A dictionary from `id(distribution)` to the last points, `[..., *event_shape]`.
    """
    previous = getattr(_LOCAL, "values", None)
    _LOCAL.values, _LOCAL.graph = {}, tf.compat.v1.get_default_graph()
    try:
        yield _LOCAL.values
    finally:
        _LOCAL.values = previous


def observe(distribution: object, value: tf.Tensor) -> None:
    """Leaves points with the innermost `observed_values`, if there is one."""
    values = getattr(_LOCAL, "values", None)
    if values is None:
        return
    if tf.is_symbolic_tensor(value) and value.graph is not _LOCAL.graph:
        return
    values[id(distribution)] = value
