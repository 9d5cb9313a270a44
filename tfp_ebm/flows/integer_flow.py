"""Integer discrete flows: couplings of whole numbers."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["image_of_parts", "integer_flow", "integer_part_shapes"]

tfb = tfp.bijectors

_NUM_PARTS = {"bipartite": 2, "quadripartite": 4}
# Of translations, in the scaling's units of a quarter of the levels: all levels, either way.
_BOUND = 4.0
# The pixels of a square: those of one colour of a checkerboard first.
_PLACES = (0, 3, 1, 2)


def integer_part_shapes(
    image_shape: Sequence[int], num_scales: int | None = None
) -> list[tuple[int, ...]]:
    """Returns the shapes of the parts that an integer flow leaves, the coarsest first.

    Every scale squeezes C channels to 4 C, leaves half of them, then half of what stays; C go on.

    >>> integer_part_shapes((8, 8, 1), num_scales=1)
    [(4, 4, 1), (4, 4, 1), (4, 4, 2)]

    Args:
      image_shape: `(H, W, C)`, or `(D,)` of vectors.
      num_scales: number of scales; None: two, or as many as the sizes allow. 0: a single part.

    Raises:
      ValueError: if the height or width cannot be halved at every scale.
    """
    shape = tuple(image_shape)
    num_scales = _num_scales(shape, num_scales)
    parts = []
    for _ in range(num_scales):
        height, width, channels = shape
        half = (height // 2, width // 2)
        parts += [(*half, 2 * channels), (*half, channels)]
        shape = (*half, channels)
    return [shape, *parts[::-1]]


def image_of_parts(parts: tf.Tensor, part_shapes: Sequence[tuple[int, ...]]) -> tf.Tensor:
    """Returns the parts of coarser scales as an image: what the flow would make without couplings.

    >>> shapes = integer_part_shapes((4, 4, 1))
    >>> image_of_parts(tf.zeros([2, 4]), shapes[:4]).shape
    TensorShape([2, 2, 2, 1])

    Args:
      parts: `[..., n]`, the first parts side by side.
      part_shapes: their shapes and, last, that of the part which the image is to be beside.
    """
    *known, target = part_shapes
    image, start, channels = None, 0, part_shapes[0][-1]
    for shape in known:
        size = math.prod(shape)
        leading = tf.shape(parts)[:-1]
        part = tf.reshape(parts[..., start : start + size], tf.concat([leading, shape], axis=0))
        part = tf.ensure_shape(part, [*parts.shape[:-1], *shape])
        image = part if image is None else tf.concat([image, part], axis=-1)
        start += size
        if image.shape[-1] == 4 * channels:
            image = tfb.Chain(_squeeze(channels)).inverse(image)
    return tf.ensure_shape(image, [*parts.shape[:-1], *target[:2], image.shape[-1]])


def _squeeze(channels):
    """Returns the squeeze of C channels, the pixels of one colour of a checkerboard first."""
    order = [place * channels + channel for place in _PLACES for channel in range(channels)]
    return [tfb.Permute(order, axis=-1), bijectors.Squeeze()]


def _num_scales(shape, num_scales):
    if len(shape) != 3:
        if num_scales:
            raise ValueError(f"`num_scales` is for images, got {num_scales} for shape {shape}.")
        return 0
    checks.image_shape("image_shape", shape)
    most = 0
    while all(size % 2 ** (most + 1) == 0 for size in shape[:2]):
        most += 1
    if num_scales is None:
        return min(most, 2)
    num_scales = checks.positive_integer("num_scales", num_scales, minimum=0)
    if num_scales > most:
        raise ValueError(
            f"`image_shape` must have a height and width that are multiples of {2**num_scales} for "
            f"{num_scales} scales, got {shape}; take {most} scales, or pad the images."
        )
    return num_scales


def integer_flow(
    image_shape: Sequence[int],
    num_levels: int | Sequence[int | None] | None = 256,
    coupling: str = "bipartite",
    num_scales: int | None = None,
    num_steps: int = 2,
    num_filters: int = 32,
    num_blocks: int = 1,
    hidden_units: Sequence[int] = (256, 256),
    dropout_rate: float = 0.0,
    rezero: bool = True,
    location: TensorLike | None = None,
    scale: TensorLike | None = None,
    dtype: tf.DType = tf.float32,
    name: str = "integer_flow",
) -> tfb.Bijector:
    """Returns an integer discrete flow, from a vector of whole numbers to an image or a row.

    Couplings add rounded translations, modulo the number of levels where there is one: a
    permutation of the images, whose log-determinant is exactly 0 and which no level leaves. At each
    scale the image is squeezed, and half of the channels, the pixels of one colour of a
    checkerboard, is factored out after couplings; then half of what stays. The permutation before
    each coupling is undone after it. With `num_scales=0`, and for vectors, couplings with fully
    connected networks act on all entries, as in the book.

    >>> flow = integer_flow((8, 8, 1), num_levels=17, num_steps=1, num_filters=8)
    >>> flow.forward_event_shape([64]), len(integer_part_shapes((8, 8, 1)))
    (TensorShape([8, 8, 1]), 5)

    Args:
      image_shape: `(H, W, C)`, or `(D,)` of vectors.
      num_levels: number of levels; of vectors also one for each entry, None: any whole number.
      coupling: `"bipartite"`, or `"quadripartite"`: four parts, each given the three others.
      num_scales: number of scales of images; None: two, or as many as the sizes allow. 0: none.
      num_steps: couplings before each time that something is factored out, and after the last.
      num_filters: width of the networks of images.
      num_blocks: residual blocks of the networks of images.
      hidden_units: sizes of the networks of vectors, and of the coarsest part.
      dropout_rate: dropout in the networks.
      rezero: whether translations have a factor that starts at 0; else their last layers do.
      location: what networks subtract from entries; a number, or one for each entry of vectors.
        None: the middle of the levels.
      scale: what they divide by, and the unit of their translations. None: a quarter of the levels.
      dtype: dtype of all variables, and of the floats that hold the whole numbers.
      name: name of the bijector.

    Returns:
      A bijector from `[..., D]` to `[..., *image_shape]`; the parts lie as `integer_part_shapes`
      says.

    Raises:
      ValueError: if an argument is out of its range or the sizes cannot be halved often enough.

    Source: Tomczak, "Deep Generative Modeling", section 3.2; Hoogeboom et al., "Integer Discrete
    Flows and Lossless Compression" (2019); van den Berg et al., "IDF++" (2021).
    """
    num_parts = _NUM_PARTS[checks.choice("coupling", coupling, _NUM_PARTS)]
    num_steps = checks.positive_integer("num_steps", num_steps, minimum=0)
    shapes = integer_part_shapes(image_shape, num_scales)
    scaling = IntegerScaling.of(num_levels, location, scale)
    maker = _Couplings(
        num_parts, num_steps, scaling, rezero, dtype, num_filters, num_blocks, hidden_units,
        dropout_rate,
    )  # fmt: skip
    size = math.prod(shapes[0])
    last = tfb.Chain(maker.of_vectors(size))
    if len(shapes) == 1:
        flatten = tfb.Reshape(event_shape_in=shapes[0], event_shape_out=[size])
        return tfb.Invert(tfb.Chain([last, flatten]), name=name)
    levels = []
    for height, width, channels in shapes[:1:-2]:  # Of every scale the part that is left first.
        levels += [
            [*maker.of_images((height, width, 2 * channels)), *_squeeze(channels // 2)],
            maker.of_images((height, width, channels)),
        ]
    flow = bijectors.FactorOut([tfb.Chain(level) for level in levels], image_shape, last)
    return tfb.Invert(flow, name=name)


class _Couplings:
    """Makes couplings, each of other parts than the one before."""

    def __init__(
        self, num_parts, num_steps, scaling, rezero, dtype, num_filters, num_blocks, hidden_units,
        dropout_rate,
    ):  # fmt: skip
        self._num_parts, self._num_steps, self._rezero = num_parts, num_steps, rezero
        self._scaling, self._dtype = scaling, dtype
        self._images = {
            "num_filters": num_filters, "num_blocks": num_blocks, "dropout_rate": dropout_rate,
        }  # fmt: skip
        self._vectors = {"hidden_units": hidden_units, "dropout_rate": dropout_rate}

    def of_images(self, shape):
        """Returns couplings of the channels of images, in the order of a `Chain`."""
        height, width, channels = shape

        def network(given, moved):
            return networks.ResidualNet(
                (height, width, given), moved, zero_output=not self._rezero, dtype=self._dtype,
                **self._images,
            )  # fmt: skip

        return self._steps(channels, network, event_rank=3)

    def of_vectors(self, size):
        """Returns couplings of the entries of vectors, in the order of a `Chain`."""

        def network(given, moved):
            return networks.MLP(
                given, moved, activation="leaky_relu", zero_output=not self._rezero,
                dtype=self._dtype, **self._vectors,
            )  # fmt: skip

        return self._steps(size, network, event_rank=1)

    def _steps(self, size, network, event_rank):
        num_parts = min(self._num_parts, size)
        if num_parts < 2:  # A single entry has nothing to depend on.
            return []
        sizes = [len(part) for part in np.array_split(np.arange(size), num_parts)]
        return [
            self._coupling(_order(size, sizes, step), sizes, network, event_rank)
            for step in range(self._num_steps)
        ][::-1]

    def _coupling(self, order, sizes, network, event_rank):
        ends = np.cumsum(sizes)
        parts = [order[end - part : end] for end, part in zip(ends, sizes, strict=True)]
        functions = []
        for index, moved in enumerate(parts):
            if len(parts) == 2 and index == 0:
                functions.append(None)  # The bipartite one leaves the first part.
                continue
            given = np.concatenate([part for place, part in enumerate(parts) if place != index])
            functions.append(
                networks.Translation(
                    network(len(given), len(moved)),
                    *self._scaling.entries(given),
                    self._scaling.entries(moved)[1],
                    self._rezero,
                    _BOUND if self._scaling.has_levels else None,
                    self._dtype,
                )
            )
        return bijectors.GeneralCoupling(
            tfb.Chain([tfb.Split(sizes, axis=-1), tfb.Permute(order.tolist(), axis=-1)]),
            functions,
            [bijectors.rounded_addition(self._scaling.levels(part)) for part in parts],
            event_rank=event_rank,
        )


def _order(size, sizes, step):
    """Returns the order of the entries in a step: parts change places, then entries are dealt."""
    if step < len(sizes):
        return np.roll(np.arange(size), -int(np.sum(sizes[:step])))
    return np.random.default_rng([size, step]).permutation(size)
