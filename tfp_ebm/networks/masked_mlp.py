"""The fully connected network of autoregressive flows: each output sees the entries before it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.tfp_private import ps
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["MaskedMLP"]


class MaskedMLP(Network):
    """A fully connected network whose outputs for entry i see the entries 0 ... i - 1 alone.

    Every unit has a degree, and a weight counts only where degrees rise or stay: weights are
    multiplied by their masks whenever they are read, so that no update, average or noise can make
    a later entry seen. (`tfb.AutoregressiveNetwork` masks by a Keras constraint, which holds only
    after the updates of a Keras optimizer.) Of one entry and no context nothing is left to see: the
    outputs are trainable numbers.

    >>> import tensorflow as tf
    >>> network = MaskedMLP(3, num_outputs=2, hidden_units=[16])
    >>> network(tf.zeros([5, 3])).shape
    TensorShape([5, 3, 2])

    Source: Germain et al., "MADE: Masked Autoencoder for Distribution Estimation" (2015), section
    4, with degrees spread evenly.
    """

    def __init__(
        self,
        input_size: int,
        num_outputs: int,
        hidden_units: Sequence[int] = (128, 128),
        activation: Any = "relu",
        zero_output: bool = False,
        output_bias: Sequence[float] | None = None,
        num_context: int = 0,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_size: D, the number of entries.
          num_outputs: P, outputs for each entry.
          hidden_units: sizes of the hidden layers.
          activation: Keras activation of the hidden layers.
          zero_output: whether the weights of the last layer start at 0.
          output_bias: `[P]`, where the biases of each entry's outputs start; None: at 0.
          num_context: size of a context that lies after the entries, and that all outputs see.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer, or a hidden layer so small that its mask
            leaves an entry that no later one sees.
        """
        super().__init__(**options)
        size = checks.positive_integer("input_size", input_size)
        self.num_outputs = checks.positive_integer("num_outputs", num_outputs)
        num_context = checks.positive_integer("num_context", num_context, minimum=0)
        self.input_size = size + num_context
        bias = np.zeros(num_outputs) if output_bias is None else np.asarray(output_bias)
        if bias.shape != (num_outputs,):
            raise ValueError(
                f"`output_bias` must have {num_outputs} numbers, one for each output of an entry, "
                f"got shape {bias.shape}."
            )
        first = 0 if num_context else 1  # The degree of what only a context reaches.
        before = np.concatenate([np.arange(1, size + 1), np.zeros(num_context, int)])
        self.hidden, self._completed = [], []
        for units in hidden_units if size > first else ():
            degrees = _degrees(checks.positive_integer("hidden_units", units), first, size - 1)
            mask = before[:, np.newaxis] <= degrees
            self.hidden.append(_MaskedDense(mask, activation, dtype=self.dtype_policy))
            self._completed.append(_places(degrees, size))
            before = degrees
        after = np.repeat(np.arange(1, size + 1), num_outputs)
        self.output_layer = _MaskedDense(
            before[:, np.newaxis] < after if size > first else None,
            kernel_initializer="zeros" if zero_output else None,
            bias=np.tile(bias, size),
            dtype=self.dtype_policy,
        )
        self(tf.zeros([1, self.input_size], self.dtype))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the outputs, `[..., D, num_outputs]`, of vectors `[..., D + num_context]`."""
        if x.shape[-1] not in (None, self.input_size):
            raise ValueError(
                f"The network was made for vectors of size {self.input_size}, its context "
                f"included, got shape {x.shape}."
            )
        x = tf.ensure_shape(x, [*x.shape[:-1], self.input_size])
        y = flatten_leading_axes(x, 1)
        for layer in self.hidden:
            y = layer(y)
        y = restore_leading_axes(self.output_layer(y), x)
        shape = tf.concat([tf.shape(x)[:-1], [-1, self.num_outputs]], axis=0)
        static = [*x.shape[:-1], y.shape[-1] // self.num_outputs, self.num_outputs]
        return tf.cast(tf.ensure_shape(tf.reshape(y, shape), static), self.dtype)

    def entry_by_entry(
        self, next_entry: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], context: tf.Tensor
    ) -> tf.Tensor:
        """Returns vectors of which each entry is made of the outputs that see the ones before it.

            y_i = next_entry(i, self(concat([y, context]))[:, i]),   i = 0, ..., D - 1

        A hidden unit is computed once, in the step after the last entry that it sees. So all steps
        together take the products of one call of the network, where D calls take D times as many.

        >>> import tensorflow as tf
        >>> network = MaskedMLP(3, num_outputs=2, hidden_units=[16])
        >>> z = tf.random.normal([5, 3])
        >>> y = network.entry_by_entry(lambda i, p: z[:, i] + p[:, 0], context=tf.zeros([5, 0]))
        >>> bool(tf.reduce_all(tf.abs(y - z - network(y)[..., 0]) < 1e-6))
        True

        Args:
          next_entry: function of the number of an entry, an int32 scalar, and of its outputs,
            `[B, num_outputs]`, that returns the entry, `[B]`.
          context: `[B, num_context]`; tells B where `num_context` is 0.

        Returns:
          `[B, D]`.
        """
        if self.output_layer.kernel is None:  # Of a single entry, which sees nothing.
            outputs = self.output_layer(context)
            return next_entry(tf.constant(0), outputs)[:, tf.newaxis]
        layers = [*self.hidden, self.output_layer]
        kernels = [layer.masked_kernel() for layer in layers]
        size = self.output_layer.bias.shape[0] // self.num_outputs
        batch = ps.shape(context)[0]
        # What the activations of a layer are applied to, [units, B], as far as entries are known.
        sums = [tf.tile(layer.bias[:, tf.newaxis], [1, batch]) for layer in layers]
        if self.input_size > size:
            sums[0] += tf.matmul(kernels[0][size:], context, transpose_a=True, transpose_b=True)
        rows = [
            tf.gather(kernel, units) * tf.constant(counts[..., np.newaxis], kernel.dtype)
            for kernel, (units, counts) in zip(kernels[1:], self._completed, strict=True)
        ]
        places = [tf.constant(units) for units, _ in self._completed]

        def step(i, entries, *sums):
            sums = list(sums)
            for place, layer in enumerate(self.hidden):
                units = layer.activation(tf.gather(sums[place], places[place][i]))
                sums[place + 1] += tf.matmul(rows[place][i], units, transpose_a=True)
            outputs = tf.reshape(sums[-1], [size, self.num_outputs, batch])[i]
            entry = next_entry(i, tf.transpose(outputs))
            sums[0] += kernels[0][i, :, tf.newaxis] * entry
            return i + 1, entries.write(i, entry), *sums

        entries = tf.TensorArray(self.dtype, size, element_shape=sums[0].shape[1:])
        state = (0, entries, *sums)
        final = tf.while_loop(lambda *_: True, step, state, maximum_iterations=size)
        return tf.transpose(final[1].stack())


class _MaskedDense(keras.layers.Layer):
    """A dense layer whose weights are multiplied by a mask; with none, biases alone."""

    def __init__(self, mask, activation=None, kernel_initializer=None, bias=None, dtype=None):
        super().__init__(dtype=dtype)
        self.mask, self.activation = mask, keras.activations.get(activation)
        # Small, so that outputs of far outliers do not start huge.
        small = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.kernel_initializer, self.initial_bias = kernel_initializer or small, bias

    def build(self, input_shape):
        units = len(self.initial_bias) if self.mask is None else self.mask.shape[1]
        start = np.zeros(units) if self.initial_bias is None else self.initial_bias
        self.kernel = None
        if self.mask is not None:
            initializer = self.kernel_initializer
            self.kernel = self.add_weight("kernel", self.mask.shape, initializer=initializer)
        self.bias = self.add_weight("bias", [units], initializer=keras.initializers.Constant(start))
        super().build(input_shape)

    def call(self, x):
        if self.kernel is None:
            return tf.broadcast_to(self.bias, [tf.shape(x)[0], self.bias.shape[0]])
        return self.activation(tf.nn.bias_add(tf.matmul(x, self.masked_kernel()), self.bias))

    def masked_kernel(self):
        return self.kernel * tf.constant(self.mask, self.kernel.dtype)


def _degrees(units, first, last):
    """Returns degrees from first to last, spread evenly, each end among them."""
    if units < min(2, last - first + 1):
        raise ValueError(
            f"`hidden_units` must be at least 2 in each layer, got {units}: of a single unit the "
            "mask leaves entries that no later one sees."
        )
    return np.round(np.linspace(first, last, units)).astype(int)


def _places(degrees, size):
    """Returns the units of each degree below size, `[size, m]`, and which of them count."""
    found = [np.flatnonzero(degrees == degree) for degree in range(size)]
    width = max(map(len, found))
    counts = np.arange(width) < np.array([[len(units)] for units in found])
    return np.stack([np.resize([*units, 0], width) for units in found]), counts
