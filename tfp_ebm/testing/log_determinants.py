"""Log-determinants of bijectors against the Jacobian."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Bijector, Data
from tfp_ebm.testing.causes import LITERAL, NOT_SUMMED
from tfp_ebm.testing.conformance import assert_close, fresh, require

__all__ = ["check_log_determinants", "forward_log_det", "inverse_log_det"]

tfb = tfp.bijectors


def forward_log_det(bijector: Bijector, x: tf.Tensor, event_ndims: int) -> tf.Tensor:
    """Returns the forward log-determinant, broadcast to the batch of x."""
    log_det = bijector.forward_log_det_jacobian(x, event_ndims=event_ndims)
    return _over_batch(log_det, x, event_ndims)


def inverse_log_det(bijector: Bijector, y: Data, event_ndims: int) -> tf.Tensor:
    """Returns the inverse log-determinant, broadcast to the batch of y.

    Args:
      bijector: the bijector.
      y: its values.
      event_ndims: the rank of the event on the side of x.
    """
    output_ndims = bijector.forward_event_ndims(event_ndims)
    log_det = bijector.inverse_log_det_jacobian(y, event_ndims=output_ndims)
    first, first_ndims = tf.nest.flatten(y)[0], tf.nest.flatten(output_ndims)[0]
    return _over_batch(log_det, first, first_ndims)


def _over_batch(log_det, value, event_ndims):
    """Broadcasts to the batch of a value; a constant may come without the batch, nothing else."""
    batch = value.shape[: value.shape.rank - event_ndims]
    require(
        log_det.dtype == value.dtype,
        "log-det dtype",
        f"{log_det.dtype.name} for values of {value.dtype.name}. {LITERAL}",
    )
    if not log_det.shape.is_fully_defined() or not batch.is_fully_defined():
        return tf.broadcast_to(log_det, tf.shape(value)[: value.shape.rank - event_ndims])
    fits = log_det.shape.rank <= batch.rank and all(
        one in (1, other)
        for one, other in zip(reversed(log_det.shape), reversed(batch), strict=False)
    )
    message = f"{log_det.shape} for a batch of shape {batch}. {NOT_SUMMED}"
    require(fits, "log-det shape", message)
    return tf.broadcast_to(log_det, batch)


def check_log_determinants(bijector: Bijector, x: tf.Tensor, tolerance: float) -> None:
    """Raises unless log-determinants, minimal ranks and `is_increasing` fit the Jacobian.

    Args:
      bijector: the bijector.
      x: `[N, *event_shape]`, points of its domain.
      tolerance: relative error allowed.

    Raises:
      ConformanceError: naming the check.
    """
    ndims = x.shape.rank - 1
    y = fresh(bijector.forward(x))
    jacobians = _jacobians(bijector, x)
    expected = np.linalg.slogdet(jacobians)[1]
    forward = forward_log_det(bijector, fresh(x), ndims)
    message = "against autodiff"
    assert_close(forward, expected, tolerance, "forward log-det", message, NOT_SUMMED)
    inverse = inverse_log_det(bijector, y, ndims)
    assert_close(inverse, -expected, tolerance, "inverse log-det", message, NOT_SUMMED)
    one = x[0]
    forward_log_det(bijector, one, ndims)
    inverse_log_det(bijector, fresh(bijector.forward(one)), ndims)
    _check_cache(bijector, x, expected, tolerance)
    if tf.is_tensor(y):
        _check_minimal_ranks(bijector, x, y, jacobians, tolerance)


def _jacobians(bijector, x):
    """Returns `[N, D, D]`, one backward pass for each entry of the event, all points at once."""
    x = fresh(x)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(x)
        parts = tf.nest.flatten(bijector.forward(x))
        flat = tf.concat([tf.reshape(part, [x.shape[0], -1]) for part in parts], axis=1)
        entries = tf.unstack(flat, axis=1)
    zero = tf.UnconnectedGradients.ZERO
    rows = [tape.gradient(entry, x, unconnected_gradients=zero).numpy() for entry in entries]
    return np.stack(rows, axis=1).reshape(x.shape[0], len(rows), -1).astype(np.float64)


def _check_cache(bijector, x, expected, tolerance):
    """What the cache hands back must be what a fresh tensor gives."""
    ndims = x.shape.rank - 1
    check, message = "cache", "log-determinant of a value that the cache knows"
    for log_det_first in (True, False):
        point = fresh(x)
        if log_det_first:
            forward_log_det(bijector, point, ndims)
        y = bijector.forward(point)
        assert_close(inverse_log_det(bijector, y, ndims), -expected, tolerance, check, message)
        assert_close(forward_log_det(bijector, point, ndims), expected, tolerance, check, message)
        image = fresh(y)
        if log_det_first:
            inverse_log_det(bijector, image, ndims)
        back = bijector.inverse(image)
        assert_close(forward_log_det(bijector, back, ndims), expected, tolerance, check, message)
        assert_close(inverse_log_det(bijector, image, ndims), -expected, tolerance, check, message)


def _check_minimal_ranks(bijector, x, y, jacobians, tolerance):
    """Axes that `forward_min_event_ndims` leaves out must not mix, and have log-dets of their own.

    For elementwise bijectors that is one log-determinant for each entry.
    """
    ndims, least = x.shape.rank - 1, bijector.forward_min_event_ndims
    outside = math.prod(x.shape[1 : 1 + ndims - least])
    blocks = jacobians.reshape(len(jacobians), outside, -1, outside, jacobians.shape[-1] // outside)
    blocks = blocks.swapaxes(2, 3)
    is_between = ~np.eye(outside, dtype=bool)
    require(
        not np.any(blocks[:, is_between]),
        "forward_min_event_ndims",
        f"it is {least}, but entries beyond that many axes depend on each other.",
    )
    expected = np.linalg.slogdet(blocks[:, ~is_between])[1].reshape(x.shape[: 1 + ndims - least])
    message = f"forward log-determinants of events of rank {least} against autodiff"
    forward = forward_log_det(bijector, fresh(x), least)
    assert_close(forward, expected, tolerance, "event_ndims", message)
    inverse = inverse_log_det(bijector, fresh(y), least)
    message = message.replace("forward", "inverse")
    assert_close(inverse, -expected, tolerance, "event_ndims", message)
    if least == 0:
        _check_is_increasing(bijector, jacobians, x.shape)


def _check_is_increasing(bijector, jacobians, shape):
    try:
        claimed = bijector._internal_is_increasing()
    except NotImplementedError:
        require(False, "is_increasing", "an elementwise bijector must say it in `_is_increasing`.")
    slopes = np.diagonal(jacobians, axis1=1, axis2=2)
    fits = np.all((slopes > 0).reshape(shape) == np.asarray(claimed))
    require(fits, "is_increasing", f"it is {np.asarray(claimed)}, the slopes say otherwise.")
