"""The gated convolutional residual network that conditions image couplings."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras

__all__ = ["GatedResNet", "concat_elu"]


def concat_elu(x: tf.Tensor) -> tf.Tensor:
    """Returns `elu([x, -x])`, twice the channels: no unit is ever dead."""
    return tf.nn.elu(tf.concat([x, -x], axis=-1))


class _GatedBlock(keras.layers.Layer):
    """LN(x + a * sigmoid(b)), (a, b) = conv1x1(dropout(concat_elu(conv3x3(concat_elu(x)))))."""

    def __init__(self, num_filters, dropout_rate, **kwargs):
        super().__init__(**kwargs)
        self.hidden = keras.layers.Conv2D(
            num_filters, 3, padding="same", kernel_initializer="he_normal", dtype=self.dtype
        )
        # Variance 0.01 of the usual: the block starts close to the identity.
        small = keras.initializers.VarianceScaling(0.01)
        self.gate = keras.layers.Conv2D(
            2 * num_filters, 1, kernel_initializer=small, dtype=self.dtype
        )
        self.dropout = keras.layers.Dropout(dropout_rate, dtype=self.dtype)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype)

    def call(self, x, training=None):
        hidden = concat_elu(self.hidden(concat_elu(x)))
        value, gate = tf.split(self.gate(self.dropout(hidden, training=training)), 2, axis=-1)
        return self.norm(x + value * tf.sigmoid(gate))


class GatedResNet(keras.layers.Layer):
    """A stack of gated residual convolutions from an image to parameters of its couplings.

        proj_in 3x3  ->  num_blocks times LN(x + gate(conv1x1(dropout(celu(conv3x3(celu(x))))))
                     ->  proj_out 3x3

    where `celu` is `concat_elu` and `gate` splits its input into a, b and returns
    `a sigmoid(b)`. For F filters and C input channels it has
    `(9 C + 1) F + num_blocks (22 F^2 + 5 F) + (9 F + 1) num_outputs` parameters, all created by
    the constructor. The last convolution starts small but not at 0, which would keep the
    components of a mixture identical for ever.

    >>> import tensorflow as tf
    >>> network = GatedResNet((4, 6, 3), num_outputs=5, num_filters=8, num_blocks=1)
    >>> network(tf.zeros([2, 7, 4, 6, 3])).shape, network.count_params()
    (TensorShape([2, 7, 4, 6, 5]), 2037)

    Source: Ho et al., "Flow++" (2019), section 3.3, without attention; the layer normalisation as
    in "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        num_filters: int = 32,
        num_blocks: int = 2,
        dropout_rate: float = 0.0,
        dtype: Any = tf.float32,
        name: str | None = None,
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_shape: `(H, W, C)`.
          num_outputs: channels of the output.
          num_filters: F.
          num_blocks: number of gated blocks.
          dropout_rate: rate of dropout while training.
          dtype: dtype of the variables.
          name: name of the layer.

        Raises:
          ValueError: if a size is not a positive integer or the rate not in [0, 1).
        """
        super().__init__(name=name, dtype=tf.as_dtype(dtype))
        shape = checks.image_shape("input_shape", input_shape)
        num_filters = checks.positive_integer("num_filters", num_filters)
        num_outputs = checks.positive_integer("num_outputs", num_outputs)
        num_blocks = checks.positive_integer("num_blocks", num_blocks, minimum=0)
        dropout_rate = checks.fraction("dropout_rate", dropout_rate)
        self.proj_in = keras.layers.Conv2D(
            num_filters, 3, padding="same", kernel_initializer="he_normal", dtype=self.dtype
        )
        self.blocks = [
            _GatedBlock(num_filters, dropout_rate, dtype=self.dtype) for _ in range(num_blocks)
        ]
        small = keras.initializers.RandomNormal(stddev=0.1 / math.sqrt(9 * num_filters))
        self.proj_out = keras.layers.Conv2D(
            num_outputs, 3, padding="same", kernel_initializer=small, dtype=self.dtype
        )
        self(tf.zeros([1, *shape], self.dtype))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the output, `[..., H, W, num_outputs]`, of images `[..., H, W, C]`."""
        shape = tf.shape(x)
        images = tf.reshape(x, tf.concat([[-1], shape[-3:]], axis=0))
        images = tf.ensure_shape(images, [None, *x.shape[-3:]])
        y = self.proj_in(images)
        for block in self.blocks:
            y = block(y, training=training)
        y = self.proj_out(y)
        result = tf.reshape(y, tf.concat([shape[:-1], tf.shape(y)[-1:]], axis=0))
        return tf.ensure_shape(result, [*x.shape[:-1], y.shape[-1]])
