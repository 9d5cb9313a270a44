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
          shift: `[C]`, or `[H, W, C]`.
          log_scale: of the same shape.
          is_initialized: boolean variable that `initialize` sets, or None.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the shapes differ or have another rank than 1 or 3.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = dtype_util.common_dtype([shift, log_scale], dtype_hint=tf.float32)
            convert = tensor_util.convert_nonref_to_tensor
            self._shift = convert(shift, dtype=dtype, name="shift")
            self._log_scale = convert(log_scale, dtype=dtype, name="log_scale")
            self._is_initialized = is_initialized
            if self._shift.shape != self._log_scale.shape or self._shift.shape.rank not in (1, 3):
                raise ValueError(
                    "`shift` and `log_scale` must both have shape [channels] or [height, width, "
                    f"channels], got {self._shift.shape} and {self._log_scale.shape}."
                )
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
        properties = parameter_properties.ParameterProperties
        return {
            "shift": properties(event_ndims=None),
            "log_scale": properties(event_ndims=None),
            "is_initialized": properties(event_ndims=None),
        }

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
          x: `[..., H, W, C]`, a batch of data as it reaches this bijector; its standard deviation
            is taken to be at least 1e-3.

        Raises:
          ValueError: if the parameters are not variables, or x is not finite.
        """
        if not isinstance(self._shift, tf.Variable) or not isinstance(self._log_scale, tf.Variable):
            raise ValueError("`initialize` needs variables to set; make them by `ActNorm.create`.")
        x = tf.convert_to_tensor(x, self.dtype)
        self._check_image(x)
        kept = 1 if self._shift.shape.rank == 1 else 3
        mean, variance = tf.nn.moments(x, axes=list(range(x.shape.rank - kept)))
        if not bool(tf.reduce_all(tf.math.is_finite(mean + variance))):
            raise ValueError("`x` must be finite, got NaN or infinite entries.")
        deviation = tf.maximum(tf.sqrt(variance), _MIN_STANDARD_DEVIATION)
        self._log_scale.assign(-tf.math.log(deviation))
        self._shift.assign(-mean / deviation)
        if self._is_initialized is not None:
            self._is_initialized.assign(True)

    def _check_image(self, x):
        expected = self._shift.shape
        if not expected.is_compatible_with(image_dims("ActNorm", x.shape)[-expected.rank :]):
            raise ValueError(
                f"ActNorm was made for images of shape [..., {', '.join(map(str, expected))}], got "
                f"{x.shape}."
            )

    def _forward(self, x):
        self._check_image(x)
        return x * tf.exp(self._log_scale) + self._shift

    def _inverse(self, y):
        self._check_image(y)
        return (y - self._shift) * tf.exp(-tf.convert_to_tensor(self._log_scale))

    def _forward_log_det_jacobian(self, x):
        total = tf.reduce_sum(self._log_scale)
        if self._shift.shape.rank == 3:
            return total
        positions = ps.reduce_prod(ps.shape(x)[-3:-1])
        return total * tf.cast(positions, total.dtype)
