"""The conformance checks of bijectors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.keras import keras
from tfp_ebm.testing.conformance import (
    assert_close,
    check_checkpoint,
    check_gradients,
    fresh,
    randomize,
    require,
)

__all__ = ["check_bijector"]

tfb = tfp.bijectors

_TOLERANCE = {tf.float32: 1e-4, tf.float64: 1e-9}
_NUM_JACOBIANS = 3


def check_bijector(
    make_bijector: Callable[[tf.DType], tfb.Bijector],
    x: Any,
    *,
    dtypes: Sequence[tf.DType] = (tf.float32, tf.float64),
    tolerance: float | None = None,
    check_xla: bool = True,
) -> None:
    """Checks that a bijector does what TensorFlow Probability and its users expect.

    Run on each dtype, after noise is added to all trainable variables:

    * round trips both ways, with the cache cut by fresh tensors: TensorFlow Probability's own
      helper reads the stored input back and passes wrong inverses;
    * forward and inverse log-determinants against automatic differentiation, at three points;
    * shapes and dtypes for batches of rank 0, 1 and 2, and unknown shapes in a graph;
    * the same values in eager, graph and XLA mode, and at most one trace for a signature;
    * every trainable variable is found alone, in `Chain`, `Invert`, a `TransformedDistribution` and
      a Keras model, and gets a finite gradient that is not 0;
    * `copy`, and a checkpoint into a fresh object.

    >>> import numpy as np
    >>> from tfp_ebm.bijectors import Squeeze
    >>> check_bijector(lambda dtype: Squeeze(), np.random.default_rng(0).normal(size=[3, 2, 4, 1]))

    Args:
      make_bijector: returns a fresh bijector for a dtype.
      x: `[N, *event_shape]` points of the domain, N at least 3; include some near its edge.
      dtypes: the dtypes to check.
      tolerance: relative error allowed; by default 1e-4 in float32 and 1e-9 in float64.
      check_xla: whether to compile by XLA; False only where an operation has no XLA kernel.

    Raises:
      ConformanceError: naming the check that failed, and by how much.
    """
    for dtype in dtypes:
        allowed = _TOLERANCE[dtype] if tolerance is None else tolerance
        _check_in(dtype, make_bijector, tf.constant(np.asarray(x), dtype), allowed, check_xla)


def _check_in(dtype, make_bijector, points, allowed, check_xla):
    bijector = make_bijector(dtype)
    randomize(bijector)
    _check_round_trip(bijector, points, allowed)
    _check_log_det(bijector, points, allowed)
    _check_batches(bijector, points, allowed)
    _check_modes(bijector, points, allowed, check_xla)
    _check_variables(bijector, points)
    copied = bijector.copy()
    assert_close(
        copied.forward(points), bijector.forward(points), allowed, "copy", "forward of a copy"
    )
    check_checkpoint(
        bijector, lambda: make_bijector(dtype), lambda b: b.forward(tf.identity(points))
    )


def _event_ndims(x):
    return x.shape.rank - 1


def _output_ndims(bijector, x):
    return bijector.forward_event_ndims(_event_ndims(x))


def _check_round_trip(bijector, x, tolerance):
    y = bijector.forward(x)
    for part in tf.nest.flatten(y):
        require(part.dtype == x.dtype, "dtype", f"forward({x.dtype.name}) gives {part.dtype.name}.")
    back = bijector.inverse(fresh(y))
    assert_close(back, x, tolerance, "round trip", "inverse(forward(x)) against x")
    again = bijector.forward(fresh(back))
    assert_close(again, y, tolerance, "round trip", "forward(inverse(y)) against y")


def _log_det_by_autodiff(function, point):
    """Returns log |det| of the Jacobian of a function between structures of the same size."""
    flat = [tf.reshape(part, [-1]) for part in tf.nest.flatten(point)]
    sizes = [int(part.shape[0]) for part in flat]
    vector = tf.concat(flat, axis=0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(vector)
        pieces = tf.split(vector, sizes)
        shaped = [
            tf.reshape(piece, part.shape)
            for piece, part in zip(pieces, tf.nest.flatten(point), strict=True)
        ]
        result = function(tf.nest.pack_sequence_as(point, shaped))
        output = tf.concat([tf.reshape(part, [-1]) for part in tf.nest.flatten(result)], axis=0)
    jacobian = tape.jacobian(output, vector, experimental_use_pfor=False)
    if jacobian is None:
        jacobian = tf.zeros([vector.shape[0]] * 2, vector.dtype)
    return np.linalg.slogdet(jacobian.numpy().astype(np.float64))[1]


def _check_log_det(bijector, x, tolerance):
    ndims, output_ndims = _event_ndims(x), _output_ndims(bijector, x)
    y = bijector.forward(x)
    forward = bijector.forward_log_det_jacobian(fresh(x), event_ndims=ndims)
    inverse = bijector.inverse_log_det_jacobian(fresh(y), event_ndims=output_ndims)
    for index in range(_NUM_JACOBIANS):
        point = x[index]
        expected = _log_det_by_autodiff(bijector.forward, point)
        one = np.broadcast_to(forward, [x.shape[0]])[index]
        assert_close(one, expected, tolerance, "forward log-det", "against autodiff")
        image = fresh(tf.nest.map_structure(lambda part, i=index: part[i], y))
        expected = _log_det_by_autodiff(bijector.inverse, image)
        other = np.broadcast_to(inverse, [x.shape[0]])[index]
        assert_close(other, expected, tolerance, "inverse log-det", "against autodiff")


def _check_batches(bijector, x, tolerance):
    ndims = _event_ndims(x)
    y = bijector.forward(x)
    log_det = np.broadcast_to(bijector.forward_log_det_jacobian(x, event_ndims=ndims), [x.shape[0]])
    single = bijector.forward(x[0])
    first = tf.nest.map_structure(lambda part: part[0], y)
    assert_close(single, first, tolerance, "batch rank 0", "forward of one event")
    stacked = tf.stack([x, x[::-1]])
    double = bijector.forward(stacked)
    top = tf.nest.map_structure(lambda part: part[0], double)
    assert_close(top, y, tolerance, "batch rank 2", "forward of a batch of rank 2")
    double_log_det = bijector.forward_log_det_jacobian(stacked, event_ndims=ndims)
    double_log_det = np.broadcast_to(double_log_det, [2, x.shape[0]])
    expected = np.stack([log_det, log_det[::-1]])
    assert_close(double_log_det, expected, tolerance, "batch rank 2", "log-determinant")
    for part, shape in zip(
        tf.nest.flatten(y),
        tf.nest.flatten(bijector.forward_event_shape(x.shape[1:])),
        strict=True,
    ):
        require(part.shape[1:] == shape, "event shape", f"{part.shape[1:]} against {shape}.")
    back = bijector.inverse_event_shape(bijector.forward_event_shape(x.shape[1:]))
    require(back == x.shape[1:], "event shape", f"inverse_event_shape gives {back}.")


def _check_modes(bijector, x, tolerance, check_xla):
    ndims, traces = _event_ndims(x), []

    def value(points):
        traces.append(None)
        y = bijector.forward(points)
        # A new tensor, which the cache does not know, so that the inverse runs.
        back = bijector.inverse(tf.nest.map_structure(lambda part: part + 0, y))
        return y, bijector.forward_log_det_jacobian(points, event_ndims=ndims), back

    expected = value(x)
    modes = {
        "graph": {},
        "dynamic shape": {"input_signature": [tf.TensorSpec([None] * x.shape.rank, x.dtype)]},
    }
    if check_xla:
        modes["XLA"] = {"jit_compile": True}
    for mode, options in modes.items():
        traces.clear()
        function = tf.function(value, autograph=False, **options)
        assert_close(function(x), expected, tolerance, mode, "against eager mode")
        function(x + 0)
        require(len(traces) == 1, mode, f"traced {len(traces)} times for one signature.")


def _check_variables(bijector, x):
    count = len(bijector.trainable_variables)
    keras_model = keras.Model()
    keras_model.held = bijector
    holders = {
        "Chain": tfb.Chain([bijector]) if not isinstance(bijector.forward(x), list) else bijector,
        "Invert": tfb.Invert(bijector),
        "Keras model": keras_model,
    }
    if not isinstance(bijector.forward(x), list):
        size = math.prod(x.shape[1:])
        base = tfp.distributions.MultivariateNormalDiag(tf.zeros([size], x.dtype))
        shape = bijector.forward_event_shape(x.shape[1:])
        chain = tfb.Chain([tfb.Invert(bijector), tfb.Reshape(shape, [size])])
        holders["TransformedDistribution"] = tfp.distributions.TransformedDistribution(base, chain)
    for name, holder in holders.items():
        found = len(holder.trainable_variables)
        require(
            found == count,
            "variables",
            f"{found} of {count} are found in {name}: it would not train.",
        )
    if not count:
        return

    def value():
        y = bijector.forward(x + 0)
        log_det = bijector.forward_log_det_jacobian(x + 0, event_ndims=_event_ndims(x))
        terms = [tf.reduce_sum(tf.sin(part + 1)) for part in tf.nest.flatten(y)]
        return tf.add_n(terms) + tf.reduce_sum(log_det)

    check_gradients(value, bijector.trainable_variables, "gradient")
