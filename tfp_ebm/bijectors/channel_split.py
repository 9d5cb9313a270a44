"""The split of an image into two halves of its channels, and of a vector into two parts."""

import tensorflow as tf

from tfp_ebm.bijectors.image_bijector import TwoPartSplit, check_divisible, event_dims
from tfp_ebm.internal.tfp_private import ps

__all__ = ["ChannelSplit"]


class ChannelSplit(TwoPartSplit):
    """Splits `[..., H, W, C]` into its first and its last C/2 channels, or vectors into two parts.

    With `event_rank=1` it splits `[..., D]`, D at least 2, into its first ceil(D/2) and its last
    floor(D/2) entries. A multipart bijector, like `tfb.Split`: `forward` returns a list of two
    parts and `inverse` takes one. The log-determinant is 0. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> first, last = ChannelSplit().forward(tf.zeros([5, 4, 4, 6]))
    >>> first.shape, ChannelSplit().inverse([first, last]).shape
    (TensorShape([5, 4, 4, 3]), TensorShape([5, 4, 4, 6]))
    >>> [part.shape for part in ChannelSplit(event_rank=1).forward(tf.zeros([8, 5]))]
    [TensorShape([8, 3]), TensorShape([8, 2])]

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.4.
    """

    def __init__(
        self,
        swap: bool = False,
        event_rank: int = 3,
        validate_args: bool = False,
        name: str = "channel_split",
    ) -> None:
        """Constructs the split.

        Args:
          swap: whether the last channels come first in the list.
          event_rank: 3 for images `[..., H, W, C]`, 1 for vectors `[..., D]`.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if `event_rank` is neither 1 nor 3; when called, if the number of channels of
            images is odd, or vectors have one entry.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            super().__init__(swap, event_rank, parameters, name)

    def _halves(self, x):
        if self._event_rank == 1:
            self._vector_parts(x.shape)  # Raises for vectors that cannot be split.
            size = ps.shape(x)[-1]
            return tf.split(x, [size - size // 2, size // 2], axis=-1)
        channels = event_dims("ChannelSplit", x.shape)[2]
        check_divisible("ChannelSplit", "number of channels", channels, 2)
        return tf.split(x, 2, axis=-1)

    def _merge(self, first, last):
        return tf.concat([first, last], axis=-1)

    def _forward_event_shape(self, shape):
        if self._event_rank == 1:
            return self._vector_parts(shape)
        dims = event_dims("ChannelSplit", shape)
        check_divisible("ChannelSplit", "number of channels", dims[2], 2)
        half = None if dims[2] is None else dims[2] // 2
        return [shape[:-1].concatenate([half])] * 2

    def _inverse_event_shape(self, shapes):
        return self._joined_shape(shapes)

    def _forward_event_shape_tensor(self, shape):
        return self._vector_part_tensors(shape)

    def _inverse_event_shape_tensor(self, shapes):
        return self._joined_shape_tensor(shapes)
