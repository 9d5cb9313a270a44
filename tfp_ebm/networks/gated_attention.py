"""Gated self-attention over the positions of an image."""

import math

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Shape, Unpack
from tfp_ebm.networks.dropout import dropout
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["GatedAttention"]


class GatedAttention(Network):
    """Multi-head attention between all positions of an image, with a gated residual.

        q, k, v = conv1x1(x + position)
        y = x + a * sigmoid(b),   (a, b) = conv1x1(dropout(softmax(q k^T / sqrt(F / heads)) v))

    For F channels `5 F^2 + 5 F` parameters; the position embedding belongs to the caller. Cost:
    `(H W)^2 F` for each image.

    >>> import tensorflow as tf
    >>> layer = GatedAttention(num_heads=4)
    >>> layer(tf.ones([2, 4, 6, 8]), position=tf.zeros([4, 6, 8])).shape
    TensorShape([2, 4, 6, 8])

    Source: Ho et al., "Flow++" (2019), section 3.3.
    """

    def __init__(
        self,
        num_heads: int = 4,
        dropout_rate: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs the layer.

        Args:
          num_heads: number of heads; must divide the number of channels.
          dropout_rate: rate of dropout while training.
          **options: `LayerOptions`.

        Raises:
          ValueError: if `num_heads` is not a positive integer, or when built, if it does not
            divide the number of channels.
        """
        super().__init__(**options)
        self.num_heads = checks.positive_integer("num_heads", num_heads)
        self.dropout_rate = checks.fraction("dropout_rate", dropout_rate)

    def build(self, input_shape: Shape) -> None:
        """Creates the two 1x1 convolutions."""
        channels = int(input_shape[-1])
        if channels % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the number of channels, got {self.num_heads} heads and "
                f"{channels} channels."
            )
        small = keras.initializers.VarianceScaling(0.01)
        self.query_key_value = keras.layers.Conv2D(3 * channels, 1, dtype=self.dtype_policy)
        self.gate = keras.layers.Conv2D(
            2 * channels, 1, kernel_initializer=small, dtype=self.dtype_policy
        )
        super().build(input_shape)

    def call(
        self, x: tf.Tensor, position: tf.Tensor | None = None, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the result, `[N, H, W, F]`, of `x` `[N, H, W, F]`.

        Args:
          x: the images.
          position: `[H, W, F]` added before the first convolution, or None.
          seed: seed of the dropout; None: no dropout.
        """
        shape, channels = tf.shape(x), x.shape[-1]
        packed = self.query_key_value(x if position is None else x + position)
        heads = tf.reshape(
            packed,
            [shape[0], shape[1] * shape[2], 3, self.num_heads, channels // self.num_heads],
        )
        query, key, value = tf.unstack(heads, axis=2)
        scores = tf.einsum("nqhf,nkhf->nhqk", query, key)
        weights = tf.nn.softmax(scores / math.sqrt(channels // self.num_heads))
        attended = tf.reshape(tf.einsum("nhqk,nkhf->nqhf", weights, value), shape)
        attended = tf.ensure_shape(attended, x.shape)
        a, b = tf.split(self.gate(dropout(attended, self.dropout_rate, seed)), 2, axis=-1)
        return x + a * tf.sigmoid(b)
