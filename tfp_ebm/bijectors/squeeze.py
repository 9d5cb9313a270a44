"""Space to depth."""

import tensorflow as tf

from tfp_ebm.bijectors.image_bijector import Rearrangement, check_divisible, event_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import ps

__all__ = ["Squeeze"]


class Squeeze(Rearrangement):
    """Trades height and width for channels: `[..., H, W, C]` to `[..., H/f, W/f, f f C]`.

    Channel `(f dy + dx) C + c` of the result holds channel c of the pixel at offset (dy, dx): the
    order of `tf.nn.space_to_depth`, sub-pixels first and colours last. The log-determinant is 0.
    A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> Squeeze().forward(tf.zeros([5, 4, 6, 3])).shape
    TensorShape([5, 2, 3, 12])

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.6.
    """

    def __init__(self, factor: int = 2, validate_args: bool = False, name: str = "squeeze") -> None:
        """Constructs the bijector.

        Args:
          factor: f, by which height and width shrink.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the factor is not an integer of at least 2.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self._factor = checks.positive_integer("factor", factor, minimum=2)
            super().__init__(3, parameters, name)

    factor = Given[int]("By what height and width shrink.")

    def _as_batch(self, x, transform):
        """Applies a transform of `[batch, H, W, C]` to images with any leading axes."""
        shape = ps.shape(x)
        y = transform(tf.reshape(x, ps.concat([[-1], shape[-3:]], axis=0)))
        return tf.reshape(y, ps.concat([shape[:-3], ps.shape(y)[1:]], axis=0))

    def _forward(self, x):
        self._forward_event_shape(x.shape)
        return self._as_batch(x, lambda images: tf.nn.space_to_depth(images, self._factor))

    def _inverse(self, y):
        self._inverse_event_shape(y.shape)
        return self._as_batch(y, lambda images: tf.nn.depth_to_space(images, self._factor))

    def _forward_event_shape(self, shape):
        height, width, channels = event_dims("Squeeze", shape)
        check_divisible("Squeeze", "height", height, self._factor)
        check_divisible("Squeeze", "width", width, self._factor)
        if shape.rank is None:
            return shape
        sizes = [
            None if height is None else height // self._factor,
            None if width is None else width // self._factor,
            None if channels is None else channels * self._factor**2,
        ]
        return shape[:-3].concatenate(sizes)

    def _inverse_event_shape(self, shape):
        height, width, channels = event_dims("Squeeze", shape)
        check_divisible("Squeeze (inverse)", "number of channels", channels, self._factor**2)
        if shape.rank is None:
            return shape
        sizes = [
            None if height is None else height * self._factor,
            None if width is None else width * self._factor,
            None if channels is None else channels // self._factor**2,
        ]
        return shape[:-3].concatenate(sizes)

    def _forward_event_shape_tensor(self, shape):
        f = self._factor
        return ps.concat([shape[:-3], shape[-3:-1] // f, shape[-1:] * f * f], axis=0)

    def _inverse_event_shape_tensor(self, shape):
        f = self._factor
        return ps.concat([shape[:-3], shape[-3:-1] * f, shape[-1:] // (f * f)], axis=0)
