"""The split of an image into two halves of its channels."""

import tensorflow as tf

from tfp_ebm.bijectors.image_bijector import TwoPartSplit, check_divisible, image_dims
from tfp_ebm.internal.tfp_private import ps

__all__ = ["ChannelSplit"]


class ChannelSplit(TwoPartSplit):
    """Splits `[..., H, W, C]` into its first and its last C/2 channels.

    A multipart bijector, like `tfb.Split`: `forward` returns a list of two images and `inverse`
    takes one. The log-determinant is 0. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> first, last = ChannelSplit().forward(tf.zeros([5, 4, 4, 6]))
    >>> first.shape, ChannelSplit().inverse([first, last]).shape
    (TensorShape([5, 4, 4, 3]), TensorShape([5, 4, 4, 6]))

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.4.
    """

    def __init__(
        self, swap: bool = False, validate_args: bool = False, name: str = "channel_split"
    ) -> None:
        """Constructs the split.

        Args:
          swap: whether the last channels come first in the list.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            super().__init__(swap, validate_args, parameters, name)

    def _halves(self, x):
        check_divisible("ChannelSplit", "number of channels", image_dims(self.name, x.shape)[2], 2)
        return tf.split(x, 2, axis=-1)

    def _merge(self, first, last):
        return tf.concat([first, last], axis=-1)

    def _forward_event_shape(self, shape):
        dims = image_dims("ChannelSplit", shape)
        check_divisible("ChannelSplit", "number of channels", dims[2], 2)
        half = None if dims[2] is None else dims[2] // 2
        return [shape[:-1].concatenate([half])] * 2

    def _inverse_event_shape(self, shapes):
        channels = [shape[-1] for shape in shapes]
        total = None if None in channels else sum(channels)
        return shapes[0][:-1].concatenate([total])

    def _forward_event_shape_tensor(self, shape):
        return [ps.concat([shape[:-1], shape[-1:] // 2], axis=0)] * 2

    def _inverse_event_shape_tensor(self, shapes):
        return ps.concat([shapes[0][:-1], shapes[0][-1:] + shapes[1][-1:]], axis=0)
