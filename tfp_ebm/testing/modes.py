"""The same values in every mode of TensorFlow."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.testing.conformance import assert_close, require

__all__ = ["check_graphs", "check_vectorized_map"]


def check_graphs(
    function: Callable[[tf.Tensor], Any], points: tf.Tensor, tolerance: float, check_xla: bool
) -> None:
    """Raises unless a function gives its eager values in graphs, with one trace each.

    One graph knows the shapes; the other does not, and is compiled if `check_xla`.

    Args:
      function: takes `[N, *event_shape]` and returns a structure of tensors.
      points: what it takes.
      tolerance: relative error allowed.
      check_xla: whether to compile by XLA.

    Raises:
      ConformanceError: naming the mode.
    """
    traces = []

    def traced(x):
        traces.append(None)
        return function(x)

    expected = function(points)
    unknown = [tf.TensorSpec([None] * points.shape.rank, points.dtype)]
    dynamic = "XLA with unknown shapes" if check_xla else "unknown shapes"
    for mode, options in {
        "graph": {},
        dynamic: {"input_signature": unknown, "jit_compile": check_xla},
    }.items():
        traces.clear()
        compiled = tf.function(traced, autograph=False, **options)
        assert_close(compiled(points), expected, tolerance, mode, "against eager mode")
        compiled(points + 0)
        require(len(traces) == 1, mode, f"traced {len(traces)} times for one signature.")


def check_vectorized_map(
    function: Callable[[tf.Tensor], Any], points: tf.Tensor, tolerance: float
) -> None:
    """Raises unless `tf.vectorized_map` over single events gives the values of a batch."""
    mapped = tf.vectorized_map(function, points)
    assert_close(mapped, function(points), tolerance, "vectorized map", "against a batch")
