"""What bijectors of images, and of vectors, have in common."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.construction import Given, bijector_arguments
from tfp_ebm.internal.tfp_private import ps

__all__ = ["Rearrangement", "TwoPartSplit", "check_divisible", "check_event_rank", "event_dims"]

_AXES = {1: "vectors of shape [..., size]", 3: "images of shape [..., height, width, channels]"}


def check_event_rank(event_rank: object) -> int:
    """Returns the rank of the events, or raises if it is neither 1, vectors, nor 3, images."""
    if isinstance(event_rank, bool) or event_rank not in _AXES:
        raise ValueError(
            f"`event_rank` must be 1, for vectors, or 3, for images, got {event_rank!r}."
        )
    return int(event_rank)


def event_dims(owner: str, shape: tf.TensorShape, event_rank: int = 3) -> list[int | None]:
    """Returns `[H, W, C]` of images, or `[D]` of vectors, None where unknown.

    Raises:
      ValueError: if the rank is known and below that of an event.
    """
    if shape.rank is None:
        return [None] * event_rank
    if shape.rank < event_rank:
        raise ValueError(
            f"{owner} needs {_AXES[event_rank]}, got shape {shape}; add the missing axes."
        )
    return shape[-event_rank:].as_list()


def check_divisible(owner: str, axis: str, size: int | None, factor: int) -> None:
    """Raises unless a known `size` is a multiple of `factor`, naming the nearest that is."""
    if size is not None and size % factor:
        raise ValueError(
            f"{owner} needs a {axis} that is a multiple of {factor}, got {size}; pad it to "
            f"{size + -size % factor}, or choose another split."
        )


class Rearrangement(tfp.bijectors.AutoCompositeTensorBijector):
    """A bijector that only moves the entries of an event: its log-determinant is 0.

    Subclasses give `_forward`, `_inverse` and the four methods on event shapes.
    """

    def __init__(
        self,
        inverse_min_event_ndims: int | Sequence[int],
        parameters: dict,
        name: str,
        event_rank: int = 3,
    ) -> None:
        """Initializes the base class for events of rank `event_rank`."""
        ranks = {"inverse_min_event_ndims": inverse_min_event_ndims}
        own = bijector_arguments(parameters, name, event_rank, is_constant_jacobian=True, **ranks)
        super().__init__(**own)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)


class TwoPartSplit(Rearrangement):
    """A rearrangement of an image into a list of two of equal shape, or of a vector into two.

    Of a vector with an odd number of entries the first part has one more than the second. The
    subclasses give `_halves(x)` and `_merge(first, last)`, and the four methods on event shapes.
    """

    def __init__(self, swap: bool, event_rank: int, parameters: dict, name: str) -> None:
        """Initializes the base class, with the second part first if `swap`."""
        self._swap = swap
        self._event_rank = check_event_rank(event_rank)
        super().__init__([event_rank] * 2, parameters, name, event_rank)

    swap = Given[bool]("Whether the second part comes first in the list.")
    event_rank = Given[int]("1 for vectors, 3 for images.")

    @property
    def _is_permutation(self):
        return True

    def _in_order(self, parts):
        """Returns two parts as they come in the list, or as they were."""
        return list(parts)[::-1] if self._swap else list(parts)

    def _forward(self, x):
        return self._in_order(self._halves(x))

    def _inverse(self, y):
        return self._merge(*self._in_order(y))

    def _forward_dtype(self, dtype):
        return [dtype, dtype]

    def _inverse_dtype(self, dtype):
        return dtype[0]

    def _inverse_log_det_jacobian(self, y):
        return tf.zeros([], y[0].dtype)

    def _part_sizes(self, size):
        """Returns the sizes of the parts of a vector, in order, None where unknown.

        Raises:
          ValueError: if a known size leaves the second part nothing.
        """
        if size is None:
            return [None, None]
        if size < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 entries to split, got {size}; a vector of "
                "one has no part to condition on."
            )
        return self._in_order([size - size // 2, size // 2])

    def _vector_parts(self, shape):
        """Returns the shapes of the parts of vectors of a shape."""
        sizes = self._part_sizes(event_dims(type(self).__name__, shape, 1)[0])
        return [shape[:-1].concatenate([size]) for size in sizes]

    def _vector_part_tensors(self, shape):
        """Returns the shapes of the parts of vectors as tensors."""
        sizes = [shape[-1:] - shape[-1:] // 2, shape[-1:] // 2]
        return [ps.concat([shape[:-1], size], axis=0) for size in self._in_order(sizes)]

    def _joined_shape(self, shapes):
        """Returns the shape of two parts side by side."""
        sizes = [shape[-1] for shape in shapes]
        total = None if None in sizes else sum(sizes)
        return shapes[0][:-1].concatenate([total])

    def _joined_shape_tensor(self, shapes):
        """Returns the shape of two parts side by side as a tensor."""
        return ps.concat([shapes[0][:-1], shapes[0][-1:] + shapes[1][-1:]], axis=0)
