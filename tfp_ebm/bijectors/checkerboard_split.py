"""The split of an image into interleaved pixels, and of a vector into interleaved entries."""

import tensorflow as tf

from tfp_ebm.bijectors.image_bijector import TwoPartSplit, check_divisible, event_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import ps

__all__ = ["CheckerboardSplit"]


class CheckerboardSplit(TwoPartSplit):
    """Splits `[..., H, W, C]` into two images `[..., H, W/2, C]` of interleaved pixels.

    With `pattern="columns"` the even columns come first and then the odd ones: what Flow++ and
    the papers built on it call a checkerboard. With `pattern="checkerboard"` the first image holds
    the pixels with an even sum of row and column, the true checkerboard. With `event_rank=1` it
    splits vectors `[..., D]`, D at least 2, into the ceil(D/2) entries at even positions and the
    floor(D/2) at odd ones, whatever the pattern. A multipart bijector, like `tfb.Split`. The
    log-determinant is 0. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> image = tf.reshape(tf.range(4), [2, 2, 1])
    >>> [part.numpy().ravel().tolist() for part in CheckerboardSplit().forward(image)]
    [[0, 2], [1, 3]]
    >>> true = CheckerboardSplit("checkerboard")
    >>> [part.numpy().ravel().tolist() for part in true.forward(image)]
    [[0, 3], [1, 2]]
    >>> vectors = CheckerboardSplit(event_rank=1)
    >>> [part.numpy().tolist() for part in vectors.forward(tf.range(5))]
    [[0, 2, 4], [1, 3]]

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.4; the columns, Ho et
    al., "Flow++" (2019), code.
    """

    def __init__(
        self,
        pattern: str = "columns",
        swap: bool = False,
        event_rank: int = 3,
        validate_args: bool = False,
        name: str = "checkerboard_split",
    ) -> None:
        """Constructs the split.

        Args:
          pattern: `"columns"` or `"checkerboard"`.
          swap: whether the odd part comes first in the list.
          event_rank: 3 for images `[..., H, W, C]`, 1 for vectors `[..., D]`.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the pattern is unknown or `event_rank` neither 1 nor 3; when called, if the
            width of images is odd, or vectors have one entry.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self._pattern = checks.choice("pattern", pattern, ["columns", "checkerboard"])
            super().__init__(swap, event_rank, parameters, name)

    pattern = Given[str]("Which pixels belong together.")

    def _exchange_odd_rows(self, even, odd):
        """Exchanges the two parts in odd rows: columns to checkerboard, and back."""
        if self._pattern == "columns":
            return even, odd
        height = ps.shape(even)[-3]
        is_odd_row = tf.reshape(tf.range(height) % 2 == 1, [-1, 1, 1])
        return tf.where(is_odd_row, odd, even), tf.where(is_odd_row, even, odd)

    def _halves(self, x):
        if self._event_rank == 1:
            self._vector_parts(x.shape)  # Raises for vectors that cannot be split.
            return x[..., ::2], x[..., 1::2]
        _, width, _ = event_dims("CheckerboardSplit", x.shape)
        check_divisible("CheckerboardSplit", "width", width, 2)
        shape = ps.shape(x)
        pairs_shape = ps.concat([shape[:-2], [shape[-2] // 2, 2], shape[-1:]], axis=0)
        even, odd = tf.unstack(tf.reshape(x, pairs_shape), num=2, axis=-2)
        return self._exchange_odd_rows(even, odd)

    def _merge(self, even, odd):
        if self._event_rank == 1:
            return _interleave(even, odd)
        even, odd = self._exchange_odd_rows(even, odd)
        shape = ps.shape(even)
        merged_shape = ps.concat([shape[:-2], [2 * shape[-2]], shape[-1:]], axis=0)
        return tf.reshape(tf.stack([even, odd], axis=-2), merged_shape)

    def _forward_event_shape(self, shape):
        if self._event_rank == 1:
            return self._vector_parts(shape)
        _, width, channels = event_dims("CheckerboardSplit", shape)
        check_divisible("CheckerboardSplit", "width", width, 2)
        half = None if width is None else width // 2
        return [shape[:-2].concatenate([half, channels])] * 2

    def _inverse_event_shape(self, shapes):
        if self._event_rank == 1:
            return self._joined_shape(shapes)
        _, width, channels = event_dims("CheckerboardSplit", shapes[0])
        double = None if width is None else 2 * width
        return shapes[0][:-2].concatenate([double, channels])

    def _forward_event_shape_tensor(self, shape):
        if self._event_rank == 1:
            return self._vector_part_tensors(shape)
        return [ps.concat([shape[:-2], shape[-2:-1] // 2, shape[-1:]], axis=0)] * 2

    def _inverse_event_shape_tensor(self, shapes):
        if self._event_rank == 1:
            return self._joined_shape_tensor(shapes)
        shape = shapes[0]
        return ps.concat([shape[:-2], shape[-2:-1] * 2, shape[-1:]], axis=0)


def _interleave(even, odd):
    """Returns vectors from their entries at even positions and at odd ones, one fewer at most."""
    shape, num_odd = ps.shape(even), ps.shape(odd)[-1]
    # What is appended here is cut off again.
    pairs = tf.stack([even, tf.concat([odd, even[..., num_odd:]], axis=-1)], axis=-1)
    joined = tf.reshape(pairs, ps.concat([shape[:-1], 2 * shape[-1:]], axis=0))
    return joined[..., : shape[-1] + num_odd]
