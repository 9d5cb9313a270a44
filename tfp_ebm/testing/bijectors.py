"""The conformance checks of bijectors."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Bijector, TensorLike
from tfp_ebm.testing import conformance, log_determinants
from tfp_ebm.testing.causes import LITERAL, NO_COMPONENT
from tfp_ebm.testing.conformance import TOLERANCE, assert_close, fresh, require, strictest
from tfp_ebm.testing.derivatives import check_derivatives
from tfp_ebm.testing.modes import check_graphs, check_vectorized_map
from tfp_ebm.testing.parameter_batches import check_bijector_batches, constant_parameters

__all__ = ["check_bijector"]

tfb = tfp.bijectors


def check_bijector(
    make_bijector: Callable[[tf.DType], Bijector],
    x: TensorLike,
    *,
    dtypes: Sequence[tf.DType] = (tf.float32, tf.float64),
    tolerance: float | None = None,
    check_xla: bool = True,
    check_vmap: bool = True,
    check_finite_differences: bool = True,
) -> None:
    """Checks that a bijector does what TensorFlow Probability and its users expect.

    In float64, after noise is added to all trainable variables:

    * round trips both ways, with the cache cut by fresh tensors: TensorFlow Probability's own
      helper reads the stored input back and passes wrong inverses;
    * log-determinants against automatic differentiation: values, shapes and dtypes, in both
      directions, from the cache and without it, for every number of event dimensions, and
      `forward_min_event_ndims` and `is_increasing` against the Jacobian;
    * batches of rank 0, 1 and 2, event shapes, and a graph of unknown shapes;
    * the same values in eager, graph and XLA mode, with one trace for a signature, and `forward`
      under `tf.vectorized_map`;
    * first and second derivatives of both directions and both log-determinants, in the points and
      in every trainable variable and tensor parameter, against differences;
    * every trainable variable is found alone, in `Chain`, `Invert`, a `TransformedDistribution` and
      a Keras model, and gets a finite gradient that is not 0;
    * every subset of the tensor parameters batched, and slices, against one at a time;
    * `copy`, composite tensors, and a checkpoint into a fresh object.

    In the other dtypes: round trips, gradients, and the values of float64.

    >>> import numpy as np
    >>> from tfp_ebm.bijectors import Squeeze
    >>> check_bijector(lambda dtype: Squeeze(), np.random.default_rng(0).normal(size=[3, 2, 4, 1]))

    Args:
      make_bijector: returns a fresh bijector for a dtype, with the same constants in each.
      x: `[N, *event_shape]` points of the domain, N at least 3; include some near its edge. Keep
        events small: the Jacobian takes one backward pass for each entry.
      dtypes: the dtypes to check.
      tolerance: relative error allowed; by default 1e-4 in float32 and 1e-9 in float64.
      check_xla: whether to compile by XLA; False only where an operation has no XLA kernel.
      check_vmap: False only where an operation has no right rule for `tf.vectorized_map`.
      check_finite_differences: False only where the gradient is not that of the value, as that
        which passes a rounding.

    Raises:
      ConformanceError: naming the check that failed, and by how much.
    """
    first = strictest(dtypes)
    bijector, points = make_bijector(first), tf.constant(np.asarray(x), first)
    conformance.randomize(bijector)
    allowed = TOLERANCE[first] if tolerance is None else tolerance
    _check_round_trip(bijector, points, allowed)
    log_determinants.check_log_determinants(bijector, points, allowed)
    _check_batches(bijector, points, allowed)
    _check_event_shapes(bijector, points)
    _check_holders(bijector, points)
    _check_gradients(bijector, points)
    if check_finite_differences:
        _check_derivatives(bijector, points)
    _check_copies(lambda: make_bijector(first), bijector, points, allowed)
    check_bijector_batches(bijector, points, allowed)
    check_graphs(lambda x: _everything(bijector, x, points), points, allowed, check_xla)
    if check_vmap:
        check_vectorized_map(_both_ways(bijector, points)["forward"][0], points, allowed)
    for dtype in (dtype for dtype in dtypes if dtype != first):
        allowed = TOLERANCE[dtype] if tolerance is None else tolerance
        other = make_bijector(dtype)
        conformance.copy_variables(bijector, other)
        _check_round_trip(other, tf.cast(points, dtype), allowed)
        values = _everything(other, tf.cast(points, dtype), points)
        expected = _everything(bijector, points, points)
        assert_close(values, expected, allowed, dtype.name, f"against {first.name}")
        _check_gradients(other, tf.cast(points, dtype))


def _everything(bijector, x, points):
    """Returns both maps and log-determinants at events like `points`, without the cache's help."""
    ndims = points.shape.rank - 1
    y = bijector.forward(x)
    image = tf.nest.map_structure(lambda part: part + 0, y)
    forward = log_determinants.forward_log_det(bijector, x + 0, ndims)
    return (
        y,
        forward,
        bijector.inverse(image),
        log_determinants.inverse_log_det(bijector, image, ndims),
    )


def _check_round_trip(bijector, x, tolerance):
    y = bijector.forward(x)
    for part in tf.nest.flatten(y):
        message = f"forward({x.dtype.name}) gives {part.dtype.name}. {LITERAL}"
        require(part.dtype == x.dtype, "dtype", message)
    back = bijector.inverse(fresh(y))
    assert_close(back, x, tolerance, "round trip", "inverse(forward(x)) against x")
    again = bijector.forward(fresh(back))
    assert_close(again, y, tolerance, "round trip", "forward(inverse(y)) against y")


def _check_batches(bijector, x, tolerance):
    """One event, and a batch of rank 2, must give what a batch of rank 1 gives."""
    expected = _everything(bijector, x, x)
    for index in (0, x.shape[0] - 1):
        one = tf.nest.map_structure(lambda part, i=index: part[i], expected)
        single = _everything(bijector, x[index], x)
        assert_close(single, one, tolerance, "batch rank 0", "one event against a batch")
    stacked = tf.nest.map_structure(lambda part: tf.stack([part, part[::-1]]), expected)
    double = _everything(bijector, tf.stack([x, x[::-1]]), x)
    assert_close(double, stacked, tolerance, "batch rank 2", "against a batch of rank 1")


def _check_event_shapes(bijector, x):
    event_shape = x.shape[1:]
    shapes = bijector.forward_event_shape(event_shape)
    parts = [part.shape[1:] for part in tf.nest.flatten(bijector.forward(x))]
    images = {
        "forward_event_shape": shapes,
        "forward_event_shape_tensor": bijector.forward_event_shape_tensor(event_shape),
    }
    for name, image in images.items():
        flat = image if isinstance(image, list) else [image]
        same = [list(part) == list(map(int, one)) for part, one in zip(parts, flat, strict=True)]
        require(all(same), "event shape", f"{name} gives {image}, values have {parts}.")
    tensors = images["forward_event_shape_tensor"]
    for name, shape in {
        "inverse_event_shape": bijector.inverse_event_shape(shapes),
        "inverse_event_shape_tensor": bijector.inverse_event_shape_tensor(tensors),
    }.items():
        same = list(event_shape) == list(map(int, shape))
        require(same, "event shape", f"{name} gives {shape}, events have {event_shape}.")


def _check_holders(bijector, x):
    count = len(bijector.trainable_variables)
    keras_model = keras.Model()
    keras_model.held = bijector
    holders = {"Invert": tfb.Invert(bijector), "Keras model": keras_model}
    if tf.is_tensor(bijector.forward(x)):
        size = math.prod(x.shape[1:])
        base = tfp.distributions.MultivariateNormalDiag(tf.zeros([size], x.dtype))
        shape = bijector.forward_event_shape(x.shape[1:])
        chain = tfb.Chain([tfb.Invert(bijector), tfb.Reshape(shape, [size])])
        holders["Chain"] = tfb.Chain([bijector])
        holders["TransformedDistribution"] = tfp.distributions.TransformedDistribution(base, chain)
    for name, holder in holders.items():
        found = len(holder.trainable_variables)
        message = f"{found} of {count} are found in {name}: it would not train. {NO_COMPONENT}"
        require(found == count, "variables", message)


def _both_ways(bijector, x):
    """Returns each direction with its log-determinant, and what it takes, by name."""
    ndims, y = x.shape.rank - 1, fresh(bijector.forward(x))

    def forward(point):
        point = point + 0  # Unknown to the cache.
        return bijector.forward(point), log_determinants.forward_log_det(bijector, point, ndims)

    def inverse(*parts):
        image = tf.nest.pack_sequence_as(y, [part + 0 for part in parts])
        return bijector.inverse(image), log_determinants.inverse_log_det(bijector, image, ndims)

    return {"forward": (forward, [x]), "inverse": (inverse, tf.nest.flatten(y))}


def _check_gradients(bijector, x):
    """Every variable must be reached from each direction."""
    for name, (function, points) in _both_ways(bijector, x).items():

        def value(function=function, points=points):
            parts = tf.nest.flatten(function(*points))
            return tf.add_n([tf.reduce_sum(tf.sin(part + 1)) for part in parts])

        conformance.check_gradients(value, bijector.trainable_variables, f"{name} gradient")


def _check_derivatives(bijector, x):
    constants = constant_parameters(bijector)
    for direction, (_, points) in _both_ways(bijector, x).items():

        def function(*inputs, direction=direction):
            count = len(inputs) - len(constants)
            values = dict(zip(constants, inputs[count:], strict=True))
            other = bijector.copy(**values) if values else bijector
            return _both_ways(other, x)[direction][0](*inputs[:count])

        check_derivatives(
            function,
            [*points, *constants.values()],
            bijector.trainable_variables,
            f"{direction} derivatives",
            names=list(constants),
        )


def _check_copies(make_bijector, bijector, x, tolerance):
    expected = bijector.forward(x)
    copied = bijector.copy().forward(x)
    assert_close(copied, expected, tolerance, "copy", "forward of a copy")
    conformance.check_composite(bijector, lambda b: b.forward(fresh(x)))
    conformance.check_checkpoint(bijector, make_bijector, lambda b: b.forward(fresh(x)))
    other = make_bijector()
    conformance.randomize(other, seed=1)
    values = other.forward(x)  # The very tensor that the first one has seen.
    assert_close(values, other.forward(fresh(x)), tolerance, "cache", "shared by two instances")
