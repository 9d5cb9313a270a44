"""Learned scale and shift, which data may initialise."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.image_bijector import check_event_rank, event_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, Increasing, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import parameter_properties, ps
from tfp_ebm.internal.types import DType, Parameter, TensorLike

__all__ = ["ActNorm"]

_MIN_STANDARD_DEVIATION = 1e-3


class ActNorm(Increasing, tfp.bijectors.AutoCompositeTensorBijector):
    """A scale and a shift per channel, or per position and channel, of an image, or of a vector.

        forward(x) = x exp(log_scale) + shift
        forward_log_det_jacobian(x) = sum of log_scale over the event (H W times it, per channel)

    Events are images `[H, W, C]`, or vectors `[C]` with `event_rank=1`. Parameters broadcast
    against the event, and against each other; axes before those of the event are a batch of
    bijectors. A `tf.function` can return it.

    It starts as the identity. `initialize(x)` sets it so that a batch of data comes out with mean
    0 and standard deviation 1; that happens only when asked, never inside a traced call, and the
    flag `is_initialized` is a variable that checkpoints keep, so that a restored model is not
    initialised again.

    >>> import tensorflow as tf
    >>> norm = ActNorm.create([3])
    >>> norm.initialize(5.0 + 2.0 * tf.random.stateless_normal([7, 4, 4, 3], seed=(0, 1)))
    >>> bool(norm.is_initialized)
    True
    >>> vectors = ActNorm.create([3], event_rank=1)
    >>> vectors.forward_log_det_jacobian(tf.zeros([7, 3]), event_ndims=1).numpy().tolist()
    0.0

    Source: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions" (2018),
    section 3.1; per position, Ho et al., "Flow++" (2019).
    """

    def __init__(
        self,
        shift: TensorLike,
        log_scale: TensorLike,
        is_initialized: tf.Variable | None = None,
        event_rank: int = 3,
        validate_args: bool = False,
        name: str = "act_norm",
    ) -> None:
        """Constructs the bijector from given parameters; `create` makes trainable ones.

        Args:
          shift: of images `[C]`, or `[..., H, W, C]`, where H and W may be 1 for a batch per
            channel; of vectors `[..., C]`.
          log_scale: of the same kinds.
          is_initialized: boolean variable that `initialize` sets, or None.
          event_rank: 3 for images `[..., H, W, C]`, 1 for vectors `[..., C]`.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the shapes do not broadcast, or have rank 2 for images, or `event_rank` is
            neither 1 nor 3.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._shift, self._log_scale) = converted(shift=shift, log_scale=log_scale)
            self._is_initialized = is_initialized
            self._event_rank = check_event_rank(event_rank)
            self._joint_shape = _parameter_shape(
                self._shift.shape, self._log_scale.shape, self._event_rank
            )
            super().__init__(
                **bijector_arguments(
                    parameters, name, event_rank, is_constant_jacobian=True, dtype=dtype
                )
            )

    @classmethod
    def create(
        cls,
        shape: Sequence[int],
        dtype: tf.DType = tf.float32,
        event_rank: int = 3,
        name: str = "act_norm",
    ) -> "ActNorm":
        """Returns a trainable identity.

        Args:
          shape: `[C]` for one scale and shift per channel, `[H, W, C]` for one per position.
          dtype: dtype of the variables.
          event_rank: 3 for images, 1 for vectors, whose shape is `[C]`.
          name: name of the bijector.

        Raises:
          ValueError: if the shape is not 1 or 3 positive integers, or 1 of them for vectors.
        """
        shape = [checks.positive_integer("shape", size) for size in shape]
        if len(shape) not in (1, check_event_rank(event_rank)):
            expected = (
                "[channels]" if event_rank == 1 else "[channels] or [height, width, channels]"
            )
            raise ValueError(
                f"`shape` must be {expected} for events of rank {event_rank}, got {shape}."
            )
        return cls(
            tf.Variable(tf.zeros(shape, dtype), name="shift"),
            tf.Variable(tf.zeros(shape, dtype), name="log_scale"),
            tf.Variable(False, trainable=False, name="is_initialized"),
            event_rank,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        properties = parameter_properties.ParameterProperties(
            event_ndims=lambda norm, ndims=None: norm.event_rank if ndims is None else ndims,
            shape_fn=_shape_per_channel,
        )
        flag = parameter_properties.ParameterProperties(event_ndims=None, is_preferred=False)
        return {"shift": properties, "log_scale": properties, "is_initialized": flag}

    shift = Given[Parameter]("The shift, as given.")
    log_scale = Given[Parameter]("The logarithm of the scale, as given.")
    is_initialized = Given[Parameter](
        "Whether data set the parameters, a boolean variable, or None."
    )
    event_rank = Given[int]("1 for vectors, 3 for images.")

    def initialize(self, x: TensorLike) -> None:
        """Sets the parameters so that `forward(x)` has mean 0 and standard deviation 1.

        Args:
          x: `[..., H, W, C]`, or `[..., C]` for vectors, data as they reach this bijector, with
            the batch axes of the parameters, if any, before those of the event; all other leading
            axes are averaged over. Their standard deviation is taken to be at least 1e-3.

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
        x = self._checked(tf.convert_to_tensor(x, self.dtype))
        shape = [1] * (x.shape.rank - self._joint_shape.rank) + self._joint_shape.as_list()
        averaged = [axis for axis, size in enumerate(shape) if size == 1]
        mean, variance = tf.nn.moments(x, axes=averaged, keepdims=True)
        if not bool(tf.reduce_all(tf.math.is_finite(mean + variance))):
            raise ValueError("`x` must be finite, got NaN or infinite entries.")
        deviation = tf.maximum(tf.sqrt(variance), _MIN_STANDARD_DEVIATION)
        self._log_scale.assign(tf.reshape(-tf.math.log(deviation), self._joint_shape))
        self._shift.assign(tf.reshape(-mean / deviation, self._joint_shape))
        if self._is_initialized is not None:
            self._is_initialized.assign(True)

    def _checked(self, x):
        """Returns the events, whose number of channels is then checked in a graph too."""
        expected = self._joint_shape[-self._event_rank :].as_list()
        found = event_dims("ActNorm", x.shape, self._event_rank)[-len(expected) :]
        pairs = zip(expected, found, strict=True)
        kind = "vectors" if self._event_rank == 1 else "images"
        if any(size not in (None, 1) and other not in (None, size) for size, other in pairs):
            raise ValueError(
                f"ActNorm was made for {kind} of shape [..., {', '.join(map(str, expected))}], got "
                f"{x.shape}."
            )
        return x if x.shape.rank is None else tf.ensure_shape(x, [*x.shape[:-1], expected[-1]])

    def _forward(self, x):
        return self._checked(x) * tf.exp(self._log_scale) + self._shift

    def _inverse(self, y):
        y = self._checked(y)
        return (y - self._shift) * tf.exp(-tf.convert_to_tensor(self._log_scale))

    def _forward_log_det_jacobian(self, x):
        log_scale = tf.convert_to_tensor(self._log_scale)
        rank = min(log_scale.shape.rank, self._event_rank)
        total = tf.reduce_sum(log_scale, axis=list(range(-rank, 0)))
        positions = ps.reduce_prod(ps.shape(x)[-self._event_rank : -1])
        own_positions = ps.reduce_prod(ps.shape(log_scale)[-rank:-1])
        return total * tf.cast(positions // own_positions, total.dtype)


def _shape_per_channel(shape):
    """Returns the shape of parameters per channel for images, or vectors, of a shape."""
    if ps.rank_from_shape(shape) < 3:
        return shape
    return ps.concat([shape[:-3], [1, 1], shape[-1:]], axis=0)


def _parameter_shape(shift_shape, log_scale_shape, event_rank):
    """Returns the shape that both broadcast to."""
    shapes = (shift_shape, log_scale_shape)
    try:
        shape = tf.broadcast_static_shape(*shapes)
    except ValueError:
        shape = None
    wrong_ranks = (0,) if event_rank == 1 else (0, 2)
    if shape is None or any(s.rank in wrong_ranks or s[-1] != shape[-1] for s in shapes):
        kinds = "[..., channels]"
        if event_rank == 3:
            kinds = "[channels] or [..., height, width, channels]"
        raise ValueError(
            f"`shift` and `log_scale` must have shapes {kinds} that broadcast, got {shift_shape} "
            f"and {log_scale_shape}."
        )
    return shape
