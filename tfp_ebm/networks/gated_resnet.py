"""The gated convolutional residual network that conditions image couplings."""

import functools
import math
from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.compiled import compile_if_large
from tfp_ebm.internal.keras import dtype_policy, keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import DType, Unpack
from tfp_ebm.networks.dropout import dropout
from tfp_ebm.networks.gated_attention import GatedAttention
from tfp_ebm.networks.layer_norm import LayerNorm
from tfp_ebm.networks.network import LayerOptions, Network
from tfp_ebm.networks.recomputation import recomputed

__all__ = ["GatedConvolution", "GatedResNet", "concat_elu"]

# From this number of entries on, compiling pays for its seconds.
_LARGE = 2**16


def _pull_back(y, y_bar):
    ahead, behind = tf.split(tf.raw_ops.EluGrad(gradients=y_bar, outputs=y), 2, axis=-1)
    return ahead - behind


_either_pull_back = compile_if_large(_pull_back, _LARGE)


@tf.custom_gradient
def concat_elu(x: tf.Tensor) -> tf.Tensor:
    """Returns `elu([x, -x])`, twice the channels: no unit is ever dead.

    >>> from tfp_ebm import networks
    >>> networks.concat_elu(tf.ones([1, 2, 2, 3])).shape
    TensorShape([1, 2, 2, 6])
    """
    y = tf.concat([tf.nn.elu(x), tf.nn.elu(-x)], axis=-1)
    return y, functools.partial(_either_pull_back, y)


def _small():
    """Returns an initializer of a hundredth of the usual variance: blocks start near identity."""
    return keras.initializers.VarianceScaling(0.01)


class GatedConvolution(keras.layers.Layer):
    """x + a * sigmoid(b), (a, b) = conv_k(dropout(concat_elu(conv3x3(concat_elu(x))))).

    A context enters by a 1x1 convolution: added to the gate's input, or, as in the official code
    of Flow++, to the output of the first convolution after a `concat_elu`.

    >>> from tfp_ebm import networks
    >>> block = networks.GatedConvolution(num_filters=4)
    >>> block(tf.ones([1, 3, 3, 4])).shape
    TensorShape([1, 3, 3, 4])
    """

    def __init__(
        self,
        num_filters: int,
        dropout_rate: float = 0.0,
        context: str = "none",
        gate_kernel: int = 1,
        dtype: DType = tf.float32,
    ) -> None:
        """Constructs the layer.

        Args:
          num_filters: F, channels of the input and the output.
          dropout_rate: rate of dropout, where a seed is given.
          context: where a context image enters: `"none"`, `"gate"` or `"hidden"`.
          gate_kernel: side of the gate's convolution, k.
          dtype: dtype of the variables, or a Keras policy such as `"mixed_bfloat16"`.
        """
        super().__init__(dtype=dtype_policy(dtype))
        self.hidden = keras.layers.Conv2D(
            num_filters, 3, padding="same", kernel_initializer="he_normal", dtype=self.dtype_policy
        )
        options = {"kernel_initializer": _small(), "dtype": self.dtype_policy}
        if gate_kernel == 1:
            # A product of matrices, whose gradient is faster than a convolution's.
            self.gate = keras.layers.Dense(2 * num_filters, **options)
        else:
            self.gate = keras.layers.Conv2D(2 * num_filters, gate_kernel, padding="same", **options)
        self.dropout_rate = dropout_rate
        self.context = context
        if context != "none":
            channels = 2 * num_filters if context == "gate" else num_filters
            self.from_context = keras.layers.Conv2D(
                channels, 1, kernel_initializer=_small(), dtype=self.dtype_policy
            )

    def call(
        self, x: tf.Tensor, context: tf.Tensor | None = None, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the result, `[N, H, W, F]`.

        Args:
          x: `[N, H, W, F]`.
          context: `[N, H, W, c]`, if the layer takes one.
          seed: seed of the dropout; None: no dropout.
        """
        hidden = self.hidden(concat_elu(x))
        if self.context == "hidden":
            hidden += self.from_context(concat_elu(context))
        gate = dropout(concat_elu(hidden), self.dropout_rate, seed)
        if isinstance(self.gate, keras.layers.Dense):  # On rows, where the bias joins the product.
            rows = self.gate(tf.reshape(gate, [-1, gate.shape[-1]]))
            gate = tf.reshape(rows, tf.shape(gate))
        else:
            gate = self.gate(gate)
        if self.context == "gate":
            gate += self.from_context(context)
        a, b = tf.split(gate, 2, axis=-1)
        return x + a * tf.sigmoid(b)


class _Block(keras.layers.Layer):
    """A gated convolution and a layer norm; with attention, that and another layer norm."""

    def __init__(self, num_filters, dropout_rate, num_heads, context, dtype):
        super().__init__(dtype=dtype_policy(dtype))
        self.convolution = GatedConvolution(
            num_filters, dropout_rate, context, dtype=self.dtype_policy
        )
        self.norm = LayerNorm(dtype=self.dtype_policy)
        self.attention = None
        if num_heads:
            self.attention = GatedAttention(num_heads, dropout_rate, dtype=self.dtype_policy)
            self.attention_norm = LayerNorm(dtype=self.dtype_policy)

    def call(self, x, context=None, position=None, seed=None):
        x = self.norm(self.convolution(x, context, seed))
        if self.attention is not None:
            attention_seed = None if seed is None else samplers.fold_in(seed, 1)
            x = self.attention_norm(self.attention(x, position, attention_seed))
        return x


class GatedResNet(Network):
    """A stack of gated residual convolutions from an image to parameters of its couplings.

        proj_in 3x3  ->  num_blocks times LN(x + gate(conv1x1(dropout(celu(conv3x3(celu(x))))))
                     ->  proj_out 3x3

    where `celu` is `concat_elu` and `gate` splits its input into a, b and returns
    `a sigmoid(b)`. For F filters and C input channels it has
    `(9 C + 1) F + num_blocks (22 F^2 + 5 F) + (9 F + 1) num_outputs` parameters, all created by
    the constructor. The last convolution starts small but not at 0, which would keep the
    components of a mixture identical for ever.

    Options: self-attention with a learned position embedding and a second layer norm in every
    block (`5 F^2 + 7 F` parameters a block, and `H W F`), and a context image that enters every
    block (`context="gate"`: `2 F (c + 1)` parameters a block for c context channels, or
    `context="hidden"`: `F (2 c + 1)`).

    >>> import tensorflow as tf
    >>> network = GatedResNet((4, 6, 3), num_outputs=5, num_filters=8, num_blocks=1)
    >>> network(tf.zeros([2, 7, 4, 6, 3])).shape, network.count_params()
    (TensorShape([2, 7, 4, 6, 5]), 2037)

    Source: Ho et al., "Flow++" (2019), section 3.3; without attention, and the layer norm and
    context as in "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_outputs: int,
        num_filters: int = 32,
        num_blocks: int = 2,
        dropout_rate: float = 0.0,
        num_heads: int = 0,
        context: str = "none",
        context_channels: int = 0,
        zero_output: bool = False,
        recompute: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_shape: `(H, W, C)`.
          num_outputs: channels of the output.
          num_filters: F.
          num_blocks: number of gated blocks.
          dropout_rate: rate of dropout while training.
          num_heads: heads of the self-attention in every block; 0: none.
          context: where a context image enters the blocks: `"none"`, `"gate"` or `"hidden"`.
          context_channels: channels of the context.
          zero_output: whether the last convolution starts at 0; not for mixtures.
          recompute: whether the backward pass computes every block again instead of keeping its
            inner tensors: much less memory, about a third more time.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer, the rate not in [0, 1), the context
            unknown, or `num_heads` does not divide F.
        """
        super().__init__(**options)
        shape = checks.image_shape("input_shape", input_shape)
        num_filters = checks.positive_integer("num_filters", num_filters)
        num_outputs = checks.positive_integer("num_outputs", num_outputs)
        num_blocks = checks.positive_integer("num_blocks", num_blocks, minimum=0)
        dropout_rate = checks.fraction("dropout_rate", dropout_rate)
        num_heads = checks.positive_integer("num_heads", num_heads, minimum=0)
        if num_heads and num_filters % num_heads:
            raise ValueError(
                f"`num_filters` must be a multiple of `num_heads`, got {num_filters} filters and "
                f"{num_heads} heads; take {-(-num_filters // num_heads) * num_heads} filters."
            )
        self.dropout_rate, self.recompute = dropout_rate, bool(recompute)
        self.context = checks.choice("context", context, ("none", "gate", "hidden"))
        self.proj_in = keras.layers.Conv2D(
            num_filters, 3, padding="same", kernel_initializer="he_normal", dtype=self.dtype_policy
        )
        self.blocks = [
            _Block(num_filters, dropout_rate, num_heads, context, self.dtype_policy)
            for _ in range(num_blocks)
        ]
        self.position = None
        if num_heads:
            self.position = self.add_weight(
                "position",
                [*shape[:2], num_filters],
                initializer=keras.initializers.RandomNormal(stddev=0.01),
            )
        small = keras.initializers.RandomNormal(stddev=0.1 / math.sqrt(9 * num_filters))
        self.proj_out = keras.layers.Conv2D(
            num_outputs,
            3,
            padding="same",
            kernel_initializer="zeros" if zero_output else small,
            dtype=self.dtype_policy,
        )
        example = tf.zeros([1, *shape], self.dtype)
        if context == "none":
            self(example)
        else:
            channels = checks.positive_integer("context_channels", context_channels)
            self(example, tf.zeros([1, *shape[:2], channels], self.dtype))

    def call(
        self, x: tf.Tensor, context: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Returns the output, `[..., H, W, num_outputs]`, of images `[..., H, W, C]`.

        Args:
          x: the images.
          context: `[..., H, W, c]`, if the network takes one.
          training: whether dropout is on.

        Raises:
          ValueError: if a context is missing, or given where none is taken.
        """
        if (context is None) != (self.context == "none"):
            raise ValueError(
                f"`context` must {'not ' if context is not None else ''}be given to a network "
                f"made with context={self.context!r}."
            )
        y = self.proj_in(flatten_leading_axes(x, 3))
        if context is not None:
            context = flatten_leading_axes(context, 3)
        seeds = [None] * len(self.blocks)
        if training and self.dropout_rate:
            # Not `fold_in`, which flips the bits of a number in the seed: networks, attention and
            # blocks are all numbered, and some would have one seed.
            seeds = samplers.split_seed(sanitize_seed(None), n=len(self.blocks), salt="dropout")
        for block, seed in zip(self.blocks, seeds, strict=True):
            y = self._run(block, y, context, seed)
        return tf.cast(restore_leading_axes(self.proj_out(y), x), self.dtype)

    def _run(self, block, x, context, seed):
        if not self.recompute:
            return block(x, context, self.position, seed)
        tensors = [tensor for tensor in (context, seed) if tensor is not None]

        def again(x, *tensors):
            left = list(tensors)
            kept = None if context is None else left.pop(0)
            return block(x, kept, self.position, left.pop(0) if left else None)

        return recomputed(again, x, *tensors)
