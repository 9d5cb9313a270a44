"""The fully connected network that conditions couplings of vectors."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Unpack
from tfp_ebm.networks.network import LayerOptions, Network

__all__ = ["MLP"]


class MLP(Network):
    """A fully connected network, all of whose variables the constructor creates.

    >>> import tensorflow as tf
    >>> MLP(3, num_outputs=4, hidden_units=[16])(tf.zeros([5, 3])).shape
    TensorShape([5, 4])
    """

    def __init__(
        self,
        input_size: int,
        num_outputs: int,
        hidden_units: Sequence[int] = (128, 128),
        activation: Any = "relu",
        dropout_rate: float = 0.0,
        zero_output: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        """Constructs and builds the network.

        Args:
          input_size: size of the last axis of the input.
          num_outputs: size of the last axis of the output.
          hidden_units: sizes of the hidden layers.
          activation: Keras activation of the hidden layers.
          dropout_rate: rate of dropout after each hidden layer while training.
          zero_output: whether the last layer starts at 0: an affine coupling then starts as the
            identity. Not for mixtures, whose components would stay identical for ever.
          **options: `LayerOptions`.

        Raises:
          ValueError: if a size is not a positive integer or the rate not in [0, 1).
        """
        super().__init__(**options)
        input_size = checks.positive_integer("input_size", input_size)
        num_outputs = checks.positive_integer("num_outputs", num_outputs)
        self.hidden = []
        for units in hidden_units:
            units = checks.positive_integer("hidden_units", units)
            self.hidden.append(
                keras.layers.Dense(units, activation=activation, dtype=self.dtype_policy)
            )
        rate = checks.fraction("dropout_rate", dropout_rate)
        self.dropout = keras.layers.Dropout(rate, dtype=self.dtype_policy)
        self.dropout.build([None])  # Also where no hidden layer calls it.
        initializer = "zeros" if zero_output else "glorot_uniform"
        self.output_layer = keras.layers.Dense(
            num_outputs, kernel_initializer=initializer, dtype=self.dtype_policy
        )
        self(tf.zeros([1, input_size], self.dtype))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the output, `[..., num_outputs]`, of vectors `[..., input_size]`."""
        y = flatten_leading_axes(x, 1)
        for layer in self.hidden:
            y = self.dropout(layer(y), training=training)
        return tf.cast(restore_leading_axes(self.output_layer(y), x), self.dtype)
