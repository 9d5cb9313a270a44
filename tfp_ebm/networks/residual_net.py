"""The plain residual network of images, for couplings of integers and what they factor out."""

from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["ResidualNet"]


class ResidualNet(Network):
    """A 3x3 convolution, blocks h + conv3x3(relu(conv3x3(relu(h)))), and another 3x3 convolution.

    The last convolution of every block starts at 0, so that blocks start as the identity. Without
    norms and gates it takes about a third of the time of a `GatedResNet` of its width.

    >>> import tensorflow as tf
    >>> ResidualNet((4, 6, 3), num_outputs=5, num_filters=8)(tf.zeros([2, 4, 6, 3])).shape
    TensorShape([2, 4, 6, 5])

    Source: He et al., "Identity Mappings in Deep Residual Networks" (2016), without batch norm.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        num_filters: int = 32,
        num_blocks: int = 2,
        dropout_rate: float = 0.0,
        zero_output: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_shape: `(H, W, C)`.
          num_outputs: channels of the output.
          num_filters: channels between the convolutions.
          num_blocks: number of blocks.
          dropout_rate: rate of dropout in every block while training.
          zero_output: whether the last convolution starts at 0.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer or the rate not in [0, 1).
        """
        super().__init__(**options)
        shape = checks.image_shape("input_shape", input_shape)
        num_filters = checks.positive_integer("num_filters", num_filters)
        num_outputs = checks.positive_integer("num_outputs", num_outputs)
        num_blocks = checks.positive_integer("num_blocks", num_blocks, minimum=0)
        dropout_rate = checks.fraction("dropout_rate", dropout_rate)

        def convolution(filters, initializer="he_normal"):
            return keras.layers.Conv2D(
                filters, 3, padding="same", kernel_initializer=initializer, dtype=self.dtype_policy
            )

        self.first = convolution(num_filters)
        self.blocks = [
            (convolution(num_filters), convolution(num_filters, "zeros")) for _ in range(num_blocks)
        ]
        self.dropout = keras.layers.Dropout(dropout_rate, dtype=self.dtype_policy)
        self.dropout.build([None])  # Also where no block calls it.
        self.last = convolution(num_outputs, "zeros" if zero_output else "glorot_uniform")
        self(tf.zeros([1, *shape], self.dtype))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the output, `[..., H, W, num_outputs]`, of images `[..., H, W, C]`."""
        y = self.first(flatten_leading_axes(x, 3))
        for inner, outer in self.blocks:
            y += outer(self.dropout(tf.nn.relu(inner(tf.nn.relu(y))), training=training))
        return tf.cast(restore_leading_axes(self.last(tf.nn.relu(y)), x), self.dtype)
