"""Names for what functions take, in place of `Any`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from typing_extensions import Unpack  # In `typing` from Python 3.11 on; TensorFlow brings it.

__all__ = [
    "Bijector",
    "Count",
    "DType",
    "Data",
    "Described",
    "Distribution",
    "Options",
    "Parameter",
    "Policy",
    "Schedule",
    "Seed",
    "Shape",
    "TensorLike",
    "Unpack",
]

Bijector: TypeAlias = tfp.bijectors.Bijector
Distribution: TypeAlias = tfp.distributions.Distribution

# A pair of integers, or a tensor of two, repeats exactly; None draws from TensorFlow's own seed.
Seed: TypeAlias = int | Sequence[int] | np.ndarray | tf.Tensor | None
# What `tf.convert_to_tensor` takes.
TensorLike: TypeAlias = tf.Tensor | tf.Variable | np.ndarray | np.generic | float | Sequence[Any]
# What a parameter is once it is kept: read late, so that training moves it.
Parameter: TypeAlias = tf.Tensor | tf.Variable | tfp.util.DeferredTensor
Count: TypeAlias = int | tf.Tensor
DType: TypeAlias = tf.DType | np.dtype | str | type | None
# The dtype of a network's variables, or a Keras policy.
Policy: TypeAlias = DType
Shape: TypeAlias = tf.TensorShape | tf.Tensor | Sequence[int | None]
# What Keras `fit` takes.
Data: TypeAlias = TensorLike | tf.data.Dataset | Iterable[Any] | Mapping[str, Any]
# A part of a model: its name, or its name with options; None: none.
Described: TypeAlias = str | Sequence[Any] | None
# Inverse temperatures, or how to choose them.
Schedule: TypeAlias = str | Sequence[float] | np.ndarray
Options: TypeAlias = Mapping[str, Any]
