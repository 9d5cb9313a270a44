"""Learned scale and shift, which data may initialise."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.image_bijector import image_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import dtype_util, parameter_properties, ps, tensor_util

__all__ = ["ActNorm"]

_MIN_STANDARD_DEVIATION = 1e-3


class ActNorm(tfp.bijectors.AutoCompositeTensorBijector):
    """A scale and a shift per channel, or per position and channel, of an image.

        forward(x) = x exp(log_scale) + shift
        forward_log_det_jacobian(x) = sum of log_scale over the image (H W times it, per channel)

    Parameters broadcast against the image, and against each other; axes before the last three are
    a batch of bijectors. A `tf.function` can return it.

    It starts as the identity. `initialize(x)` sets it so that a batch of data comes out with mean
    0 and standard deviation 1; that happens only when asked, never inside a traced call, and the
    flag `is_initialized` is a variable that checkpoints keep, so that a restored model is not
    initialised again.

    >>> import tensorflow as tf
    >>> norm = ActNorm.create([3])
    >>> norm.initialize(5.0 + 2.0 * tf.random.stateless_normal([7, 4, 4, 3], seed=(0, 1)))
    >>> bool(norm.is_initialized)
    True

    Source: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions" (2018),
    section 3.1; per position, Ho et al., "Flow++" (2019).
    """

    def __init__(
        self,
        shift: Any,
        log_scale: Any,
        is_initialized: Any = None,
        validate_args: bool = False,
        name: str = "act_norm",
    ) -> None:
        """Constructs the bijector from given parameters; `create` makes trainable ones.

        Args:
          shift: `[C]`, or `[..., H, W, C]`, where H and W may be 1 for a batch per channel.
          log_scale: `[C]`, or `[..., H, W, C]`.
          is_initialized: boolean variable that `initialize` sets, or None.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the shapes do not broadcast, or have rank 2.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = dtype_util.common_dtype([shift, log_scale], dtype_hint=tf.float32)
            convert = tensor_util.convert_nonref_to_tensor
            self._shift = convert(shift, dtype=dtype, name="shift")
            self._log_scale = convert(log_scale, dtype=dtype, name="log_scale")
            self._is_initialized = is_initialized
            self._image_shape = _parameter_shape(self._shift.shape, self._log_scale.shape)
            super().__init__(
                forward_min_event_ndims=3,
                is_constant_jacobian=True,
                validate_args=validate_args,
                dtype=dtype,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def create(
        cls, shape: Sequence[int], dtype: tf.DType = tf.float32, name: str = "act_norm"
    ) -> "ActNorm":
        """Returns a trainable identity.

        Args:
          shape: `[C]` for one scale and shift per channel, `[H, W, C]` for one per position.
          dtype: dtype of the variables.
          name: name of the bijector.

        Raises:
          ValueError: if the shape is not 1 or 3 positive integers.
        """
        shape = [checks.positive_integer("shape", size) for size in shape]
        return cls(
            tf.Variable(tf.zeros(shape, dtype), name="shift"),
            tf.Variable(tf.zeros(shape, dtype), name="log_scale"),
            tf.Variable(False, trainable=False, name="is_initialized"),
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype: Any):
        properties = parameter_properties.ParameterProperties(
            event_ndims=3,
            shape_fn=lambda shape: ps.concat([shape[:-3], [1, 1], shape[-1:]], axis=0),
        )
        flag = parameter_properties.ParameterProperties(event_ndims=None, is_preferred=False)
        return {"shift": properties, "log_scale": properties, "is_initialized": flag}

    @classmethod
    def _is_increasing(cls, **kwargs: Any):
        return True

    @property
    def shift(self) -> Any:
        """The shift, as given."""
        return self._shift

    @property
    def log_scale(self) -> Any:
        """The logarithm of the scale, as given."""
        return self._log_scale

    @property
    def is_initialized(self) -> Any:
        """Whether data set the parameters, a boolean variable, or None."""
        return self._is_initialized

    def initialize(self, x: Any) -> None:
        """Sets the parameters so that `forward(x)` has mean 0 and standard deviation 1.

        Args:
          x: `[..., H, W, C]`, data as they reach this bijector, with the batch axes of the
            parameters, if any, before the last three; all other leading axes are averaged over.
            Their standard deviation is taken to be at least 1e-3.

        Raises:
          ValueError: if the parameters are not variables of one shape, or x is not finite.
        """
        if not isinstance(self._shift, tf.Variable) or not isinstance(self._log_scale, tf.Variable):
            raise ValueError("`initialize` needs variables to set; make them by `ActNorm.create`.")
        if self._shift.shape != self._log_scale.shape:
            raise ValueError(
                "`initialize` needs `shift` and `log_scale` of one shape, got "
                f"{self._shift.shape} and {self._log_scale.shape}."
            )
        x = self._checked_image(tf.convert_to_tensor(x, self.dtype))
        shape = [1] * (x.shape.rank - self._image_shape.rank) + self._image_shape.as_list()
        averaged = [axis for axis, size in enumerate(shape) if size == 1]
        mean, variance = tf.nn.moments(x, axes=averaged, keepdims=True)
        if not bool(tf.reduce_all(tf.math.is_finite(mean + variance))):
            raise ValueError("`x` must be finite, got NaN or infinite entries.")
        deviation = tf.maximum(tf.sqrt(variance), _MIN_STANDARD_DEVIATION)
        self._log_scale.assign(tf.reshape(-tf.math.log(deviation), self._image_shape))
        self._shift.assign(tf.reshape(-mean / deviation, self._image_shape))
        if self._is_initialized is not None:
            self._is_initialized.assign(True)

    def _checked_image(self, x):
        """Returns the image, whose number of channels is then checked in a graph too."""
        expected = self._image_shape[-3:].as_list()
        found = image_dims("ActNorm", x.shape)[-len(expected) :]
        pairs = zip(expected, found, strict=True)
        if any(size not in (None, 1) and other not in (None, size) for size, other in pairs):
            raise ValueError(
                f"ActNorm was made for images of shape [..., {', '.join(map(str, expected))}], got "
                f"{x.shape}."
            )
        return x if x.shape.rank is None else tf.ensure_shape(x, [*x.shape[:-1], expected[-1]])

    def _forward(self, x):
        return self._checked_image(x) * tf.exp(self._log_scale) + self._shift

    def _inverse(self, y):
        y = self._checked_image(y)
        return (y - self._shift) * tf.exp(-tf.convert_to_tensor(self._log_scale))

    def _forward_log_det_jacobian(self, x):
        log_scale = tf.convert_to_tensor(self._log_scale)
        rank = min(log_scale.shape.rank, 3)
        total = tf.reduce_sum(log_scale, axis=list(range(-rank, 0)))
        positions = ps.reduce_prod(ps.shape(x)[-3:-1])
        own_positions = ps.reduce_prod(ps.shape(log_scale)[-rank:-1])
        return total * tf.cast(positions // own_positions, total.dtype)


def _parameter_shape(shift_shape, log_scale_shape):
    """Returns the shape that both broadcast to."""
    shapes = (shift_shape, log_scale_shape)
    try:
        shape = tf.broadcast_static_shape(*shapes)
    except ValueError:
        shape = None
    if shape is None or any(s.rank in (0, 2) or s[-1] != shape[-1] for s in shapes):
        raise ValueError(
            "`shift` and `log_scale` must have shapes [channels] or [..., height, width, channels] "
            f"that broadcast, got {shift_shape} and {log_scale_shape}."
        )
    return shape
