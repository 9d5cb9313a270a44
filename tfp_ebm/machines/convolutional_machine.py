"""The energy of a convolutional restricted Boltzmann machine, as pure functions."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.machines.gaussian_units import GaussianUnits

__all__ = ["ConvolutionalMachine"]


class _Parameters(NamedTuple):
    filters: tuple[tf.Tensor, ...]
    visible_images: tuple[tf.Tensor, ...]
    hidden_image: tf.Tensor
    scale: tf.Tensor


class ConvolutionalMachine(GaussianUnits, _Parameters):
    """The machine of `GaussianUnits` whose couplings are convolutions into one hidden image.

        W^T u = sum_l filters_l * u_l,   W h = (filters_l transposed * h) for every part l

    Parts lie one after the other in the vector of visible units, the hidden image flat in that of
    the bits. A part's stride is the ratio of its height (width) to that of the hidden image.

    >>> from tfp_ebm import distributions
    >>> base = distributions.ConvolutionalRBM.create([(4, 4, 1)], num_filters=2)
    >>> type(base.machine()).__name__
    'ConvolutionalMachine'

    Attributes:
      filters: for each part `[kernel_height, kernel_width, C_l, num_filters]`.
      visible_images: for each part `[H_l, W_l, C_l]`, b.
      hidden_image: `[h, w, num_filters]`, c.
      scale: `[num_visible]` or `[1]`, sigma.
    """

    @classmethod
    def from_parameters(
        cls,
        filters: Sequence[Any],
        visible_bias: TensorLike,
        hidden_bias: TensorLike,
        scale: TensorLike,
        part_shapes: Sequence[Sequence[int]],
    ) -> "ConvolutionalMachine":
        """Returns the machine of the parameters, read now; the visible bias is a flat vector."""
        scale = tf.convert_to_tensor(scale)
        sizes = [math.prod(shape) for shape in part_shapes]
        parts = tf.split(tf.convert_to_tensor(visible_bias), sizes)
        return cls(
            tuple(tf.convert_to_tensor(bank) for bank in filters),
            tuple(tf.reshape(p, s) for p, s in zip(parts, part_shapes, strict=True)),
            tf.convert_to_tensor(hidden_bias),
            scale[tf.newaxis] if scale.shape.rank == 0 else scale,
        )

    @property
    def visible_bias(self) -> tf.Tensor:
        """b, flat."""
        return tf.concat([tf.reshape(image, [-1]) for image in self.visible_images], axis=0)

    @property
    def hidden_bias(self) -> tf.Tensor:
        """c, flat."""
        return tf.reshape(self.hidden_image, [-1])

    def _strides(self, part):
        height, width = part.shape[:2]
        return [height // self.hidden_image.shape[0], width // self.hidden_image.shape[1]]

    def multiply(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `W h` by transposed convolutions."""
        hidden = tf.convert_to_tensor(hidden, self.hidden_image.dtype)
        images = tf.reshape(flatten_leading_axes(hidden, 1), [-1, *self.hidden_image.shape])
        count = tf.shape(images)[0]
        parts = []
        for bank, part in zip(self.filters, self.visible_images, strict=True):
            shape = tf.concat([[count], part.shape], axis=0)
            pushed = tf.nn.conv2d_transpose(images, bank, shape, self._strides(part), "SAME")
            parts.append(tf.reshape(pushed, [-1, part.shape.num_elements()]))
        return restore_leading_axes(tf.concat(parts, axis=-1), hidden)

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T (v / sigma)` by convolutions."""
        visible = tf.convert_to_tensor(visible, self.hidden_image.dtype) / self.scale
        sizes = [part.shape.num_elements() for part in self.visible_images]
        rows = flatten_leading_axes(visible, 1)
        signals = [
            tf.nn.conv2d(tf.reshape(row, [-1, *part.shape]), bank, self._strides(part), "SAME")
            for row, bank, part in zip(
                tf.split(rows, sizes, axis=-1), self.filters, self.visible_images, strict=True
            )
        ]
        size = self.hidden_image.shape.num_elements()
        return restore_leading_axes(tf.reshape(tf.add_n(signals), [-1, size]), visible)
