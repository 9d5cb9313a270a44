"""Any number of leading axes around layers that want exactly one."""

import tensorflow as tf

__all__ = ["flatten_leading_axes", "restore_leading_axes"]


def flatten_leading_axes(x: tf.Tensor, event_ndims: int) -> tf.Tensor:
    """Returns x with all but its last `event_ndims` axes made one, which is never empty.

    An empty batch becomes one row of zeros, which `restore_leading_axes` takes away: what oneDNN's
    convolution returns for no images has the channels of its input.
    """
    flat = tf.reshape(x, tf.concat([[-1], tf.shape(x)[-event_ndims:]], axis=0))
    if _may_be_empty(x, event_ndims):
        num_missing = tf.cast(tf.shape(flat)[0] < 1, tf.int32)
        flat = tf.pad(flat, [[0, num_missing], *[[0, 0]] * event_ndims])
    return tf.ensure_shape(flat, [None, *x.shape[-event_ndims:]])


def restore_leading_axes(y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns y with the leading axes of x; only their last axes may differ in size."""
    event_ndims = y.shape.rank - 1
    if _may_be_empty(x, event_ndims):
        y = y[: tf.reduce_prod(tf.shape(x)[:-event_ndims])]
    shape = tf.concat([tf.shape(x)[:-1], tf.shape(y)[-1:]], axis=0)
    return tf.ensure_shape(tf.reshape(y, shape), [*x.shape[:-1], y.shape[-1]])


def _may_be_empty(x, event_ndims):
    return not x.shape[:-event_ndims].num_elements()
