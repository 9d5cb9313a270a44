"""The plain convolutional network that conditions the couplings of Glow."""

from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["ConvNet"]


class ConvNet(Network):
    """Three convolutions, 3x3, 1x1 and 3x3, with ReLUs between; the last one starts at 0.

    An affine coupling on top then starts as the identity.

    >>> import tensorflow as tf
    >>> ConvNet((4, 6, 3), num_outputs=6, num_filters=16)(tf.zeros([2, 4, 6, 3])).shape
    TensorShape([2, 4, 6, 6])

    Source: Kingma and Dhariwal, "Glow" (2018), section 5.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        num_filters: int = 512,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_shape: `(H, W, C)`.
          num_outputs: channels of the output.
          num_filters: channels of the two hidden layers.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer.
        """
        super().__init__(**options)
        shape = checks.image_shape("input_shape", input_shape)
        num_filters = checks.positive_integer("num_filters", num_filters)
        num_outputs = checks.positive_integer("num_outputs", num_outputs)

        def convolution(filters, side, initializer, activation=None):
            return keras.layers.Conv2D(
                filters,
                side,
                padding="same",
                activation=activation,
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
            )

        self.layers = [
            convolution(num_filters, 3, "he_normal", "relu"),
            convolution(num_filters, 1, "he_normal", "relu"),
            convolution(num_outputs, 3, "zeros"),
        ]
        self(tf.zeros([1, *shape], self.dtype))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the output, `[..., H, W, num_outputs]`, of images `[..., H, W, C]`."""
        y = flatten_leading_axes(x, 3)
        for layer in self.layers:
            y = layer(y)
        return tf.cast(restore_leading_axes(y, x), self.dtype)
