"""Levels of a flow of images, each of which leaves half of its channels."""

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal.construction import bijector_arguments
from tfp_ebm.internal.identity import EqualByIdentity
from tfp_ebm.internal.tfp_private import ps

__all__ = ["FactorOut"]


class FactorOut(EqualByIdentity, OnePassBijector):
    """Passes an image through levels; each leaves the last half of its channels, as it is by then.

        h_0 = x,   [h_l, part_l] = split(level_l(h_(l-1))),   l = 1, ..., L
        y = [last(flatten(h_L)), flatten(part_L), ..., flatten(part_1)]
        forward_log_det_jacobian(x) = sum of those of the levels and of the last

    Parts lie side by side in a vector, the coarsest first. Compositions of `tfb.JointMap` and
    `tfb.Chain` do the same, but TensorFlow Probability hashes the parts of a bijector twice for
    each time they are nested: minutes from four levels on.

    >>> import tensorflow as tf
    >>> from tfp_ebm.bijectors import Squeeze
    >>> flow = FactorOut([Squeeze(), tfp.bijectors.Identity()], (4, 4, 1))
    >>> flow.forward(tf.zeros([2, 4, 4, 1])).shape, flow.part_shapes
    (TensorShape([2, 16]), ((2, 2, 1), (2, 2, 1), (2, 2, 2)))

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.6.
    """

    def __init__(
        self,
        levels: Sequence[tfp.bijectors.Bijector],
        image_shape: Sequence[int],
        last: tfp.bijectors.Bijector | None = None,
        validate_args: bool = False,
        name: str = "factor_out",
    ) -> None:
        """Constructs the bijector.

        Args:
          levels: bijectors of images, from the finest level to the coarsest, each to an even number
            of channels.
          image_shape: `(H, W, C)`, static.
          last: bijector of the vector that is left after the last level; None: the identity.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if a level leaves an odd number of channels.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self._levels = list(levels)
            self._last = last
            self._shapes = [tuple(image_shape)]
            self._part_shapes = []
            for level in self._levels:
                *sides, channels = level.forward_event_shape(self._shapes[-1])
                if channels % 2:
                    raise ValueError(
                        "`levels` must lead to even numbers of channels, half of which are "
                        f"factored out, got {channels} from {self._shapes[-1]}."
                    )
                self._shapes.append((*sides, channels // 2))
                self._part_shapes.append((*sides, channels // 2))
            rank = len(self._shapes[0])
            super().__init__(
                **bijector_arguments(parameters, name, rank, inverse_min_event_ndims=1)
            )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @property
    def part_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the parts, in the order they lie in the vector."""
        return (self._shapes[-1], *self._part_shapes[::-1])

    @property
    def levels(self) -> tuple[tfp.bijectors.Bijector, ...]:
        """The levels, the finest first."""
        return tuple(self._levels)

    def _forward_and_log_det(self, x):
        parts, log_det = [], tf.zeros([], x.dtype)
        for level, shape in zip(self._levels, self._part_shapes, strict=True):
            y = level.forward(x)
            log_det += level.forward_log_det_jacobian(x, event_ndims=3)
            x, part = tf.split(y, 2, axis=-1)
            parts.append(_reshape(part, shape, [math.prod(shape)]))
        x = _reshape(x, self._shapes[-1], [math.prod(self._shapes[-1])])
        if self._last is not None:
            y = self._last.forward(x)
            log_det += self._last.forward_log_det_jacobian(x, event_ndims=1)
            x = y
        return tf.concat([x, *parts[::-1]], axis=-1), log_det

    def _inverse_and_log_det(self, y):
        x, *parts = tf.split(y, [math.prod(shape) for shape in self.part_shapes], axis=-1)
        log_det = tf.zeros([], y.dtype)
        if self._last is not None:
            x = self._last.inverse(x)
            log_det += self._last.forward_log_det_jacobian(x, event_ndims=1)
        x = _reshape(x, [math.prod(self._shapes[-1])], self._shapes[-1])
        shapes = self._part_shapes[::-1]
        for level, part, shape in zip(self._levels[::-1], parts, shapes, strict=True):
            part = _reshape(part, [math.prod(shape)], shape)
            x = level.inverse(tf.concat([x, part], axis=-1))
            log_det += level.forward_log_det_jacobian(x, event_ndims=3)
        return x, log_det

    def _forward_event_shape(self, shape):
        rank = len(self._shapes[0])
        return shape[:-rank].concatenate([math.prod(self._shapes[0])])

    def _inverse_event_shape(self, shape):
        return shape[:-1].concatenate(self._shapes[0])

    def _forward_event_shape_tensor(self, shape):
        size = math.prod(self._shapes[0])
        return ps.concat([shape[: -len(self._shapes[0])], [size]], axis=0)

    def _inverse_event_shape_tensor(self, shape):
        return ps.concat([shape[:-1], self._shapes[0]], axis=0)


def _reshape(x, old, new):
    """Returns x with the event shape `new` in place of `old`."""
    leading = ps.shape(x)[: -len(old)]
    return tf.reshape(x, ps.concat([leading, new], axis=0))
