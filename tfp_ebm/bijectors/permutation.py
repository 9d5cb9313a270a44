"""The entries of a vector, or the channels of an image, in another order."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.bijectors.image_bijector import Rearrangement
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given

__all__ = ["Permutation"]


class Permutation(Rearrangement):
    """Puts the entries of the last axis into another order.

        forward(x)[..., i] = x[..., order[i]],   forward_log_det_jacobian(x) = 0

    Unlike `tfb.Permute` it can be sliced by TensorFlow Probability, and says which entries are
    missing where an order is no permutation. A `tf.function` can return it.

    >>> Permutation([2, 0, 1]).forward([10.0, 11.0, 12.0]).numpy().tolist()
    [12.0, 10.0, 11.0]
    >>> Permutation.reversal(3).forward([10.0, 11.0, 12.0]).numpy().tolist()
    [12.0, 11.0, 10.0]
    """

    def __init__(
        self, order: Sequence[int], validate_args: bool = False, name: str = "permutation"
    ) -> None:
        """Constructs the bijector.

        Args:
          order: `[D]` integers, each from 0 to D - 1 once: where each entry comes from.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the order is no permutation; when called, if events have another size.
        """
        order = checks.permutation("order", order)
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self._order = order
            super().__init__(1, parameters, name, event_rank=1)

    @classmethod
    def reversal(cls, size: int, name: str = "reversal") -> "Permutation":
        """Returns the reversal of vectors of a size."""
        return cls(range(checks.positive_integer("size", size))[::-1], name=name)

    @classmethod
    def random(cls, size: int, seed: int, name: str = "permutation") -> "Permutation":
        """Returns the permutation that a seed of NumPy draws."""
        size = checks.positive_integer("size", size)
        return cls(np.random.default_rng(seed).permutation(size), name=name)

    order = Given[tuple[int, ...]]("Where each entry comes from.")

    @property
    def _is_permutation(self):
        return True

    def _checked(self, shape):
        """Returns the shape, or raises if a known last axis has another size."""
        size = None if shape.rank is None else shape[-1]
        if size not in (None, len(self._order)):
            raise ValueError(
                f"Permutation was made for {len(self._order)} entries, got events of shape {shape}."
            )
        return shape

    def _forward(self, x):
        return self._reordered(x, self._order)

    def _inverse(self, y):
        return self._reordered(y, np.argsort(self._order))

    def _reordered(self, x, order):
        self._checked(x.shape)
        if tuple(order) == tuple(range(len(order)))[::-1]:
            # Several times as fast as a gather of the last axis, and the sum that is its gradient.
            return tf.reverse(x, axis=[-1])
        return tf.gather(x, order, axis=-1)

    def _forward_event_shape(self, shape):
        return self._checked(shape)

    def _inverse_event_shape(self, shape):
        return self._checked(shape)

    def _forward_event_shape_tensor(self, shape):
        return shape

    def _inverse_event_shape_tensor(self, shape):
        return shape
