"""Condition vectors beside what a network sees of an event."""

import tensorflow as tf

from tfp_ebm.internal.tfp_private import ps
from tfp_ebm.internal.types import TensorLike

__all__ = ["with_context"]


def with_context(
    part: tf.Tensor, condition: TensorLike, num_context: int, event_ndims: int, name: str
) -> tf.Tensor:
    """Returns a part of an event with a condition vector after its last axis, at every position.

    >>> with_context(tf.zeros([5, 4, 4, 2]), tf.zeros([5, 3]), 3, 3, "coupling").shape
    TensorShape([5, 4, 4, 5])

    Args:
      part: `[..., *spatial, C]`.
      condition: `[..., num_context]`, whose leading axes broadcast against those of the part from
        the right; None where there is none.
      num_context: size of the condition vectors; 0: there are none, and the part is returned.
      event_ndims: rank of `[*spatial, C]`.
      name: name of the bijector, for messages.

    Returns:
      `[..., *spatial, C + num_context]`.

    Raises:
      TypeError: if a condition is needed and missing, of another dtype, or given without need.
      ValueError: if it has another size, or does not broadcast.
    """
    if not num_context:
        if condition is not None:
            raise TypeError(
                f"`{name}` takes no `condition`: make it with `num_context`, the size of the "
                "condition vectors, and a conditioner that sees them."
            )
        return part
    if condition is None:
        raise TypeError(
            f"`{name}` is missing 1 required argument: `condition`, of shape [..., {num_context}]; "
            "call a whole model as `tfp_ebm.models.Conditional(model)(condition)`."
        )
    condition = tf.convert_to_tensor(condition, dtype_hint=part.dtype)
    if condition.dtype != part.dtype:
        raise TypeError(
            f"`condition` must have the dtype of the data, {part.dtype.name}, got "
            f"{condition.dtype.name}; cast it, and make class labels vectors by `tf.one_hot`."
        )
    leading_rank = part.shape.rank - event_ndims
    _check_shape(condition.shape, part.shape[:leading_rank], num_context)
    # One position of every event: the spatial axes are 1, the leading ones broadcast.
    shape = ps.shape(condition)
    ones = [1] * (event_ndims - 1)
    condition = tf.reshape(condition, ps.concat([shape[:-1], ones, shape[-1:]], axis=0))
    target = ps.concat([ps.shape(part)[:-1], [num_context]], axis=0)
    return tf.concat([part, tf.broadcast_to(condition, target)], axis=-1)


def _check_shape(shape, leading, num_context):
    if shape.rank is None or shape.rank < 1 or shape[-1] != num_context:
        raise ValueError(f"`condition` must have shape [..., {num_context}], got shape {shape}.")
    try:
        fits = tf.broadcast_static_shape(shape[:-1], leading).is_compatible_with(leading)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`condition` of shape {shape} must broadcast against the leading axes {leading} of "
            "the data; give one vector for each event, or the data as many leading axes."
        )
