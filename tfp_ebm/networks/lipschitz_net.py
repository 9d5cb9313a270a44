"""Networks whose Lipschitz constant is below 1: those of residual flows and of DenseNet flows."""

import math
import numbers
from collections.abc import Sequence

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import dtype_policy, keras
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.lipschitz_layers import LipschitzLinear, LipSwish
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["LipschitzDenseNet", "LipschitzNet"]

# Of the last layer, so that a new network is nearly 0, and x + g(x) nearly x.
_INITIAL_NORM = 0.1
_KERNEL_SIZE = 3
# The learned weights of a concatenation have this length, and are at least this before it.
_WEIGHTS_LENGTH, _LEAST_WEIGHT = 0.98, 0.1


class _Contraction(Network):
    """A network g of events onto events of the same shape, with ||g(x) - g(y)|| <= c ||x - y||.

    All layers but the last have a Lipschitz constant of at most 1, and the last is scaled by c.
    What the layers apply, bounded kernels among it, is computed once for many evaluations:
    subclasses give `_hidden(x, tensors)`, which takes what it needs from an iterator over the
    tensors.
    """

    def __init__(self, event_shape, coefficient, num_context, options):
        super().__init__(**options)
        self.event_shape = _event_shape(event_shape)
        is_number = isinstance(coefficient, numbers.Real) and not isinstance(coefficient, bool)
        if not is_number or not 0 < coefficient < 1:
            raise ValueError(
                "`coefficient` must be a number above 0 and below 1, such as 0.98, or x + g(x) may "
                f"have no inverse, got {coefficient!r}."
            )
        self.coefficient = float(coefficient)
        self.num_context = checks.positive_integer("num_context", num_context, minimum=0)

    def _linear(self, num_inputs, num_outputs, kernel_size=1, initial_norm=1.0):
        shape = (*self.event_shape[:-1], num_inputs)
        return LipschitzLinear(
            shape, num_outputs, kernel_size, initial_norm, dtype=self.dtype_policy
        )

    def _finish(self, layers, num_hidden, kernel_size):
        """Makes the last layer, and the map of conditions to biases of the first one."""
        self.hidden_layers = layers
        last = self._linear(num_hidden, self.event_shape[-1], kernel_size, _INITIAL_NORM)
        self.output_layer, self.context_kernel = last, None
        if self.num_context:
            shape = [self.num_context, layers[0].bias.shape[-1]]
            self.context_kernel = self.add_weight("context", shape, initializer="glorot_normal")
        self.built = True

    def tensors(self, condition: tf.Tensor | None = None) -> list[tf.Tensor]:
        """Returns what the network applies at the present values of its variables.

        Args:
          condition: `[..., num_context]`, where there is one; it moves the biases of the first
            layer, so that g is a contraction in x whatever the condition does.

        Returns:
          Bounded kernels, biases and steepnesses, for `apply`.
        """
        tensors = []
        for layer in (*self.hidden_layers, self.output_layer):
            if isinstance(layer, LipschitzLinear):
                tensors += [layer.bounded_kernel(), tf.convert_to_tensor(layer.bias)]
            else:
                tensors += [tf.convert_to_tensor(variable) for variable in layer.weights]
        if condition is not None:
            moved = tf.tensordot(condition, tf.convert_to_tensor(self.context_kernel), 1)
            for _ in self.event_shape[:-1]:
                moved = tf.expand_dims(moved, -2)
            tensors[1] += moved
        return tensors

    def apply(self, x: tf.Tensor, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns g(x), `[..., *event_shape]`.

        Args:
          x: `[..., *event_shape]`.
          tensors: what `tensors()` returns.
        """
        tensors = iter(tensors)
        y = self._hidden(x, tensors)
        return self.coefficient * self.output_layer.apply(y, next(tensors), next(tensors))

    def call(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
        """Returns g(x), `[..., *event_shape]`.

        Args:
          x: `[..., *event_shape]`.
          condition: `[..., num_context]`, where there is one.
        """
        return self.apply(x, self.tensors(condition))


class LipschitzNet(_Contraction):
    """A contraction of vectors or images by layers of norm 1 in a row.

        g(x) = c W_(n+1) phi(W_n ... phi(W_1 x + b_1) ... + b_n) + b_(n+1),   ||W_i||_2 <= 1

    phi is `LipSwish`. For images the first and the last layer are 3 x 3 convolutions, those between
    are 1 x 1. The norms are bounded whenever the weights are read, see `LipschitzLinear`.

    >>> network = LipschitzNet((3,), hidden_units=[16])
    >>> network(tf.zeros([5, 3])).shape, network.coefficient
    (TensorShape([5, 3]), 0.98)

    Source: Chen et al., "Residual Flows for Invertible Generative Modeling" (2019), appendix E,
    which starts every layer with an activation.
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        hidden_units: Sequence[int] = (64, 64),
        coefficient: float = 0.98,
        num_context: int = 0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          event_shape: `(D,)` for vectors, `(H, W, C)` for images.
          hidden_units: sizes of the hidden layers; of images their channels.
          coefficient: c, a bound on the Lipschitz constant, between 0 and 1.
          num_context: size of the condition vectors that the network takes; 0: there are none.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer, there is no hidden layer, or the
            coefficient is not between 0 and 1.
        """
        super().__init__(event_shape, coefficient, num_context, options)
        if not len(hidden_units):
            raise ValueError("`hidden_units` must hold the size of a layer at least, got none.")
        layers, size = [], self.event_shape[-1]
        for index, units in enumerate(hidden_units):
            units = checks.positive_integer("hidden_units", units)
            layers.append(self._linear(size, units, 1 if index else _KERNEL_SIZE))
            layers.append(LipSwish(dtype=self.dtype_policy))
            size = units
        self._finish(layers, size, _KERNEL_SIZE)

    def _hidden(self, x, tensors):
        for layer in self.hidden_layers:
            if isinstance(layer, LipschitzLinear):
                x = layer.apply(x, next(tensors), next(tensors))
            else:
                x = layer.apply(x, next(tensors))
        return x


class _Concatenation(keras.layers.Layer):
    """The learned weights of the two parts of a dense layer."""

    def __init__(self, dtype):
        super().__init__(dtype=dtype_policy(dtype))
        self.unconstrained = self.add_weight("unconstrained", [2], initializer="zeros")
        self.built = True


def _concatenation_weights(unconstrained):
    weights = tf.nn.softplus(unconstrained) + _LEAST_WEIGHT
    return weights * (_WEIGHTS_LENGTH * tf.math.rsqrt(tf.reduce_sum(weights**2)))


class LipschitzDenseNet(_Contraction):
    """A contraction of vectors or images by dense layers, each of which keeps its input.

        g(x) = c W_(n+1) h_n(... h_1(x)) + b_(n+1)
        h_i(x) = [eta_1 x, eta_2 phi(W_i x + b_i)],   eta_1^2 + eta_2^2 <= 1,   ||W_i||_2 <= 1

    phi is `LipSwish`, concatenated by default. As the Lipschitz constant of what lies side by side
    is the length of both constants, h_i is no steeper than 1 with eta = (1, 1) / sqrt(2), and with
    learned weights, eta = softplus(k) + 0.1 scaled to the length 0.98. For images W_1 ... W_n are
    3 x 3 convolutions and W_(n+1) is 1 x 1.

    >>> network = LipschitzDenseNet((3,), num_layers=2, growth=8)
    >>> network(tf.zeros([5, 3])).shape
    TensorShape([5, 3])

    Source: "Deep Generative Modeling" (Tomczak), equations 3.25 to 3.30; learned weights,
    Perugachi-Diaz et al., "Invertible DenseNets with Concatenated LipSwish" (2021).
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        num_layers: int = 3,
        growth: int = 16,
        learned_weights: bool = True,
        concatenated: bool = True,
        coefficient: float = 0.98,
        num_context: int = 0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          event_shape: `(D,)` for vectors, `(H, W, C)` for images.
          num_layers: n, the number of dense layers.
          growth: size that each of them adds, twice as much if concatenated.
          learned_weights: whether the weights eta are learned; else they are 1 / sqrt(2).
          concatenated: whether phi returns both signs.
          coefficient: c, a bound on the Lipschitz constant, between 0 and 1.
          num_context: size of the condition vectors that the network takes; 0: there are none.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer or the coefficient not between 0 and 1.
        """
        super().__init__(event_shape, coefficient, num_context, options)
        growth = checks.positive_integer("growth", growth)
        self.learned_weights = learned_weights
        layers, size = [], self.event_shape[-1]
        for _ in range(checks.positive_integer("num_layers", num_layers)):
            layers.append(self._linear(size, growth, _KERNEL_SIZE))
            layers.append(LipSwish(concatenated, dtype=self.dtype_policy))
            if learned_weights:
                layers.append(_Concatenation(self.dtype_policy))
            size += growth * (2 if concatenated else 1)
        self._finish(layers, size, 1)

    def _hidden(self, x, tensors):
        fixed = [tf.constant(math.sqrt(0.5), x.dtype)] * 2
        step = 3 if self.learned_weights else 2
        for index in range(0, len(self.hidden_layers), step):
            linear, activation = self.hidden_layers[index : index + 2]
            y = activation.apply(linear.apply(x, next(tensors), next(tensors)), next(tensors))
            weights = fixed
            if self.learned_weights:
                weights = tf.unstack(_concatenation_weights(next(tensors)))
            x = tf.concat([weights[0] * x, weights[1] * y], axis=-1)
        return x


def _event_shape(shape):
    """Returns the shape of vectors or images as a tuple, or raises."""
    if isinstance(shape, Sequence) and len(shape) == 1:
        return (checks.positive_integer("event_shape", shape[0]),)
    return checks.image_shape("event_shape", shape)
