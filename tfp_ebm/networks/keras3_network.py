"""A Keras 3 layer or model as a conditioner."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import dtype_policy, is_keras_3, keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes

__all__ = ["Keras3Network"]


class Keras3Network(keras.layers.Layer):
    """A Keras 3 layer or model whose variables TensorFlow Probability sees.

    Keras 3 layers are no `tf.Module`s, and their variables no `tf.Variable`s, so that a bijector
    that holds one shows nothing to train. On the backend `tensorflow` each of them holds a
    `tf.Variable`; this layer of tf_keras holds those too. So they train, are checkpointed, and are
    found through `Chain`, `Invert` and `TransformedDistribution`; and the network is told by the
    Keras model around it whether it is `training`. The states of its random generators, as those
    of dropout, and its moving averages are saved along, and not trained.

    >>> import keras, tensorflow as tf
    >>> network = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(4)])
    >>> conditioner = Keras3Network(network, input_shape=[2])
    >>> conditioner(tf.zeros([5, 7, 2])).shape, len(conditioner.trainable_variables)
    (TensorShape([5, 7, 4]), 4)

    Layers must not be frozen; `LikelihoodModel(model, frozen=...)` leaves variables as they are.
    """

    def __init__(self, network: Any, input_shape: Sequence[int], name: str | None = None) -> None:
        """Holds the network, and builds it.

        Args:
          network: a `keras.Layer` or `keras.Model`, of one input and one output, and of the dtype
            of the flow. For one in float64, make it after
            `keras.config.set_dtype_policy("float64")`: a `Sequential` casts its input to that
            policy, whatever dtype its layers are given.
          input_shape: shape of one input, `(D,)` or `(H, W, C)`; more leading axes than one are
            made one for the network, and restored.
          name: name of the layer.

        Raises:
          TypeError: if the network is no layer of Keras 3.
          ValueError: if Keras 3 has another backend than TensorFlow, if the network does not take
            such inputs, if its dtype is not that of its layers, or if a layer is frozen.
        """
        if not is_keras_3(network) or not callable(network):
            raise TypeError(
                f"`network` must be a layer or model of Keras 3, got {type(network).__name__}; one "
                "of tf_keras needs no wrapper."
            )
        super().__init__(name=name, dtype=dtype_policy(network.dtype_policy.name))
        for size in input_shape:
            checks.positive_integer("input_shape", size)
        self.network = network
        self._event_ndims = len(tuple(input_shape))
        self(tf.zeros([1, *input_shape], self.compute_dtype))
        values = [variable.value for variable in network.variables]
        if others := [value for value in values if not isinstance(value, tf.Variable)]:
            raise ValueError(
                f"`network` must have variables of TensorFlow, got {type(others[0]).__name__}: set "
                'the environment variable KERAS_BACKEND to "tensorflow" before importing keras.'
            )
        self._check_dtypes(values)
        for variable, value in zip(network.variables, values, strict=True):
            # Keras 3 makes every weight a trainable tf.Variable, also one of a frozen layer, and
            # what a tf.Variable says of itself is for good: here it would be trained.
            if value.trainable and not variable.trainable:
                raise ValueError(
                    f"`network` has a frozen layer, of the variable {variable.path}: thaw it, and "
                    "give the trainer the variables that are not to be trained by `frozen=`."
                )
        self._values = values  # A list of tf.Variables, which tf_keras and tf.Module look through.

    def _check_dtypes(self, values):
        """Raises if the network would compute in another dtype than that of its weights."""
        for value in values:
            if value.dtype.is_floating and value.dtype.name != self.network.variable_dtype:
                raise ValueError(
                    f"`network` casts its input to {self.network.compute_dtype}, but has weights "
                    f"of {value.dtype.name}: make it, and its layers, after "
                    f'`keras.config.set_dtype_policy("{value.dtype.name}")`.'
                )

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the output of inputs `[..., *input_shape]`, with their leading axes."""
        y = self.network(flatten_leading_axes(x, self._event_ndims), training=bool(training))
        return restore_leading_axes(y, x)
