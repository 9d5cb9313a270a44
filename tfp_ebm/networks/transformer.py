"""The transformer that conditions couplings of patches."""

import math
from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.layer_norm import LayerNorm
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["Transformer"]


class Transformer(Network):
    """A vision transformer: every position of an image is a token, and all see each other.

        x = dense(image) + position
        x = x + dense(attention(norm(x)))        num_blocks times, each followed by
        x = x + dense(gelu(dense(norm(x))))      with four times the width between
        output = dense(norm(x)), which starts at 0

    For width F about `12 F^2` parameters a block, all created by the constructor. Cost: `24 F^2`
    operations for each token and block, and `4 (H W)^2 F` for the attention of each image.

    >>> import tensorflow as tf
    >>> network = Transformer((4, 6, 3), num_outputs=5, num_filters=8, num_blocks=1, num_heads=2)
    >>> network(tf.zeros([2, 7, 4, 6, 3])).shape
    TensorShape([2, 7, 4, 6, 5])

    Source: Kolesnikov, Pinto and Tschannen, "Jet: A Modern Transformer-Based Normalizing Flow"
    (2024), section 3; Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021).
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        num_filters: int = 64,
        num_blocks: int = 2,
        num_heads: int = 4,
        dropout_rate: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_shape: `(H, W, C)`.
          num_outputs: channels of the output.
          num_filters: F, the width of a token.
          num_blocks: number of blocks.
          num_heads: heads of the attention; must divide F.
          dropout_rate: rate of dropout at the end of every branch while training.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer, the rate not in [0, 1), or `num_heads`
            does not divide F.
        """
        super().__init__(**options)
        shape = checks.image_shape("input_shape", input_shape)
        width = checks.positive_integer("num_filters", num_filters)
        num_heads = checks.positive_integer("num_heads", num_heads)
        if width % num_heads:
            raise ValueError(
                f"`num_filters` must be a multiple of `num_heads`, got {width} filters and "
                f"{num_heads} heads; take {-(-width // num_heads) * num_heads} filters."
            )
        rate = checks.fraction("dropout_rate", dropout_rate)
        policy = self.dtype_policy
        self.embedding = keras.layers.Dense(width, dtype=policy)
        self.position = self.add_weight(
            "position",
            [shape[0] * shape[1], width],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        self.blocks = [
            _Block(width, num_heads, rate, policy)
            for _ in range(checks.positive_integer("num_blocks", num_blocks, minimum=0))
        ]
        self.norm = LayerNorm(dtype=policy)
        self.output_layer = keras.layers.Dense(
            checks.positive_integer("num_outputs", num_outputs),
            kernel_initializer="zeros",
            dtype=policy,
        )
        self(tf.zeros([1, *shape], self.dtype))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the output, `[..., H, W, num_outputs]`, of images `[..., H, W, C]`."""
        images = flatten_leading_axes(x, 3)
        height, width, channels = images.shape[1:]
        tokens = self.embedding(tf.reshape(images, [-1, height * width, channels]))
        tokens += tf.cast(self.position, tokens.dtype)
        for block in self.blocks:
            tokens = block(tokens, training=training)
        y = self.output_layer(self.norm(tokens))
        y = tf.reshape(y, [-1, height, width, y.shape[-1]])
        return tf.cast(restore_leading_axes(y, x), self.dtype)


class _Block(keras.layers.Layer):
    """Attention and a fully connected network, each after a layer norm and with a residual."""

    def __init__(self, width, num_heads, dropout_rate, policy):
        super().__init__(dtype=policy)
        self.num_heads = num_heads
        self.norms = [LayerNorm(dtype=policy) for _ in range(2)]
        self.query_key_value = keras.layers.Dense(3 * width, dtype=policy)
        self.attended = keras.layers.Dense(width, dtype=policy)
        self.hidden = keras.layers.Dense(4 * width, dtype=policy)
        self.output_layer = keras.layers.Dense(width, dtype=policy)
        self.dropout = keras.layers.Dropout(dropout_rate, dtype=policy)

    def call(self, x, training=None):
        attended = self._attention(self.norms[0](x))
        x += self.dropout(self.attended(attended), training=training)
        hidden = _gelu(self.hidden(self.norms[1](x)))
        return x + self.dropout(self.output_layer(hidden), training=training)

    def _attention(self, x):
        _, length, width = x.shape
        size = width // self.num_heads
        packed = tf.reshape(self.query_key_value(x), [-1, length, 3, self.num_heads, size])
        query, key, value = tf.unstack(tf.transpose(packed, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query / math.sqrt(size), key, transpose_b=True)
        heads = tf.matmul(tf.nn.softmax(scores), value)
        return tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), [-1, length, width])


def _gelu(x):
    """Returns x times the normal distribution function of x; TensorFlow's rounds to float32."""
    return 0.5 * x * tf.math.erfc(x * -math.sqrt(0.5))
