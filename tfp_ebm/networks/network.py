"""What all networks share."""

from typing import TypedDict

import tensorflow as tf

from tfp_ebm.internal.keras import dtype_policy, keras
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Policy, Unpack

__all__ = ["LayerOptions", "Network"]


class LayerOptions(TypedDict, total=False):
    """Arguments of every network, those of a Keras layer.

    Args:
      dtype: dtype of the variables, or a Keras policy such as `"mixed_bfloat16"`.
      name: name of the layer.
    """

    dtype: Policy
    name: str | None


_spelled_out = spelled_out(LayerOptions, {"dtype": tf.float32, "name": None})


class Network(keras.layers.Layer):
    """A Keras layer in float32 unless told otherwise; subclasses take `LayerOptions`."""

    def __init__(self, **options: Unpack[LayerOptions]) -> None:
        """Constructs the layer."""
        super().__init__(**{**options, "dtype": dtype_policy(options.get("dtype", tf.float32))})

    def __init_subclass__(cls) -> None:
        """Spells the options out in the signature and the docstring of the constructor."""
        super().__init_subclass__()
        if "__init__" in vars(cls):
            _spelled_out(cls.__init__)
