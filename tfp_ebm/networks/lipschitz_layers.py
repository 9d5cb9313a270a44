"""Layers and activations that bring no two points further apart."""

import functools
from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import dtype_policy, keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.numeric import spectral_norm_bound
from tfp_ebm.internal.types import Policy, Unpack
from tfp_ebm.networks.network import LayerOptions, Network
from tfp_ebm.networks.spectral_norm import convolution_norm_bound

__all__ = ["LipSwish", "LipschitzLinear"]

# Above what rounding in float32 can take from a bound.
_MARGIN = 1 + 1e-5
# The largest slope of x sigmoid(b x), for any b > 0, is 1.09984.
_SWISH_SLOPE = 1.1
# The largest length of the slopes of swish(x) / 1.1 and swish(-x) / 1.1 together is 1.00397.
_CONCATENATED_SLOPE = 1.004


def _norm_bound(kernel, image_size):
    if not image_size:
        return spectral_norm_bound(kernel)
    return convolution_norm_bound(kernel, image_size)


@functools.cache
def _bounding(shape, dtype, image_size):
    """Returns the function from kernels of a shape to bounded kernels.

    Layers of one shape share its graph, which is not put in place of each of its calls: deep flows
    would otherwise take minutes to trace and to optimise.
    """

    def bounded(kernel):
        return kernel / tf.maximum(_MARGIN * _norm_bound(kernel, image_size), 1)

    signature = [tf.TensorSpec(shape, dtype)]
    options = {"experimental_attributes": {"_noinline": True}}
    return tf.function(bounded, input_signature=signature, autograph=False, **options)


class LipschitzLinear(Network):
    """A matrix, or a convolution, of spectral norm at most 1, and a bias.

        y = W min(1, 1 / bound(W)) x + b
        bound(W) = ||(W^T W)^p||_F^(1 / (2 p)) >= ||W||_2,   p = 32

    The norm is bounded whenever the kernel is read, so that it stays below 1 after any update, of
    any optimizer or by hand, and needs no callback. Power iteration comes from below, and anew
    after every jump of the weights; this bound is proven, has no state, exceeds the norm of n
    columns by a factor of at most n^(1 / 128), and has derivatives of every order. That of a
    convolution is `convolution_norm_bound`, at the size of the images. Kernels whose bound is below
    1 stay as they are.

    >>> layer = LipschitzLinear((3,), 5)
    >>> layer.kernel.assign(1e6 * layer.kernel).shape
    TensorShape([3, 5])
    >>> bool(tf.norm(layer.bounded_kernel(), ord=2, axis=[-2, -1]) <= 1)
    True

    Source: Behrmann et al., "Invertible residual networks" (2019), section 2; the bounds differ.
    """

    def __init__(
        self,
        input_shape: tf.TensorShape | Sequence[int],
        num_outputs: int,
        kernel_size: int = 1,
        initial_norm: float = 1.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the layer.

        Args:
          input_shape: `(D,)` for vectors, `(H, W, C)` for images.
          num_outputs: size of the last axis of the output.
          kernel_size: odd width of the convolution of images; zeros surround them.
          initial_norm: a bound on the norm of the first kernel, above 0.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer, or `kernel_size` is even.
        """
        super().__init__(**options)
        self._image_size = tuple(input_shape[:-1])
        num_outputs = checks.positive_integer("num_outputs", num_outputs)
        kernel_size = checks.positive_integer("kernel_size", kernel_size)
        initial_norm = checks.positive_number("initial_norm", initial_norm)
        if kernel_size % 2 == 0:
            raise ValueError(
                f"`kernel_size` must be odd, so that images keep their size, got {kernel_size}; "
                f"take {kernel_size + 1}."
            )
        shape = [kernel_size] * len(self._image_size) + [input_shape[-1], num_outputs]
        self.kernel = self.add_weight("kernel", shape, initializer="glorot_normal")
        self.bias = self.add_weight("bias", [num_outputs], initializer="zeros")
        bound = _norm_bound(tf.convert_to_tensor(self.kernel), self._image_size)
        self.kernel.assign(self.kernel * (initial_norm / bound))
        self.built = True

    def bounded_kernel(self) -> tf.Tensor:
        """Returns the kernel that the layer applies, whose spectral norm is at most 1."""
        kernel = tf.convert_to_tensor(self.kernel)
        return _bounding(tuple(kernel.shape), kernel.dtype, self._image_size)(kernel)

    def apply(self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        """Returns the output, `[..., num_outputs]`, for a kernel that is bounded already.

        Args:
          x: `[..., *input_shape]`.
          kernel: what `bounded_kernel` returns.
          bias: `[..., num_outputs]`, or with axes of length 1 for the height and the width.
        """
        if not self._image_size:
            return tf.tensordot(x, kernel, 1) + bias
        y = tf.nn.conv2d(flatten_leading_axes(x, 3), kernel, 1, "SAME")
        return restore_leading_axes(y, x) + bias

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the output, `[..., num_outputs]`, of `[..., *input_shape]`."""
        return self.apply(x, self.bounded_kernel(), tf.convert_to_tensor(self.bias))


class LipSwish(keras.layers.Layer):
    """The activation x sigmoid(b x) / 1.1 with a learned b > 0, whose slope is at most 1.

    With `concatenated` it returns both signs, which together are no steeper either:

        [lipswish(x), lipswish(-x)] / 1.004

    Unlike ReLU its second derivative vanishes nowhere for long, so that log-determinants can learn.

    >>> LipSwish(concatenated=True)(tf.zeros([4, 3])).shape
    TensorShape([4, 6])

    Source: Chen et al., "Residual Flows for Invertible Generative Modeling" (2019), section 3.3;
    concatenated, Perugachi-Diaz et al., "Invertible DenseNets with Concatenated LipSwish" (2021).
    """

    def __init__(
        self, concatenated: bool = False, dtype: Policy = tf.float32, name: str | None = None
    ) -> None:
        """Constructs the activation.

        Args:
          concatenated: whether it returns both signs, twice as many entries.
          dtype: dtype of the variable.
          name: name of the layer.
        """
        super().__init__(name=name, dtype=dtype_policy(dtype))
        self.concatenated = concatenated
        self.steepness = self.add_weight(
            "steepness", [], initializer=keras.initializers.Constant(0.5)
        )
        self.built = True

    def apply(self, x: tf.Tensor, steepness: tf.Tensor) -> tf.Tensor:
        """Returns the activation for a given softplus^-1(b).

        Args:
          x: `[..., F]`.
          steepness: what `steepness` holds.
        """
        if self.concatenated:
            x = tf.concat([x, -x], axis=-1)
        slope = _SWISH_SLOPE * (_CONCATENATED_SLOPE if self.concatenated else 1.0)
        return x * tf.sigmoid(tf.nn.softplus(steepness) * x) / slope

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the activation, `[..., F]`, or `[..., 2 F]` if concatenated."""
        return self.apply(x, tf.convert_to_tensor(self.steepness))
