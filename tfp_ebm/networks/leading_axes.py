"""Any number of leading axes around layers that want exactly one."""

import tensorflow as tf

__all__ = ["flatten_leading_axes", "restore_leading_axes"]


def flatten_leading_axes(x: tf.Tensor, event_ndims: int) -> tf.Tensor:
    """Returns x with all but its last `event_ndims` axes made one."""
    flat = tf.reshape(x, tf.concat([[-1], tf.shape(x)[-event_ndims:]], axis=0))
    return tf.ensure_shape(flat, [None, *x.shape[-event_ndims:]])


def restore_leading_axes(y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns y with the leading axes of x; only their last axes may differ in size."""
    shape = tf.concat([tf.shape(x)[:-1], tf.shape(y)[-1:]], axis=0)
    return tf.ensure_shape(tf.reshape(y, shape), [*x.shape[:-1], y.shape[-1]])
