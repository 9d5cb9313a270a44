"""What bijectors of images have in common."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["ImageRearrangement", "TwoPartSplit", "check_divisible", "image_dims"]


def image_dims(owner: str, shape: tf.TensorShape) -> list[int | None]:
    """Returns `[H, W, C]`, None where unknown.

    Raises:
      ValueError: if the rank is known and below 3.
    """
    if shape.rank is None:
        return [None, None, None]
    if shape.rank < 3:
        raise ValueError(
            f"{owner} needs images of shape [..., height, width, channels], got shape {shape}; add "
            "the missing axes."
        )
    return shape[-3:].as_list()


def check_divisible(owner: str, axis: str, size: int | None, factor: int) -> None:
    """Raises unless a known `size` is a multiple of `factor`, naming the nearest that is."""
    if size is not None and size % factor:
        raise ValueError(
            f"{owner} needs a {axis} that is a multiple of {factor}, got {size}; pad it to "
            f"{size + -size % factor}, or choose another split."
        )


class ImageRearrangement(tfp.bijectors.AutoCompositeTensorBijector):
    """A bijector that only moves the entries of an image: its log-determinant is 0.

    Subclasses give `_forward`, `_inverse` and the four methods on event shapes.
    """

    def __init__(
        self,
        inverse_min_event_ndims: int | Sequence[int],
        validate_args: bool,
        parameters: dict,
        name: str,
    ) -> None:
        """Initializes the base class for events of rank 3."""
        super().__init__(
            forward_min_event_ndims=3,
            inverse_min_event_ndims=inverse_min_event_ndims,
            is_constant_jacobian=True,
            validate_args=validate_args,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)


class TwoPartSplit(ImageRearrangement):
    """A rearrangement of an image into a list of two images of equal shape.

    Subclasses give `_halves(x)` and `_merge(first, last)`, and the four methods on event shapes.
    """

    def __init__(self, swap: bool, validate_args: bool, parameters: dict, name: str) -> None:
        """Initializes the base class, with the second half first if `swap`."""
        self._swap = swap
        super().__init__([3, 3], validate_args, parameters, name)

    @property
    def swap(self) -> bool:
        """Whether the second half comes first in the list."""
        return self._swap

    @property
    def _is_permutation(self):
        return True

    def _forward(self, x):
        halves = list(self._halves(x))
        return halves[::-1] if self._swap else halves

    def _inverse(self, y):
        return self._merge(*(y[::-1] if self._swap else y))

    def _forward_dtype(self, dtype):
        return [dtype, dtype]

    def _inverse_dtype(self, dtype):
        return dtype[0]

    def _inverse_log_det_jacobian(self, y):
        return tf.zeros([], y[0].dtype)
