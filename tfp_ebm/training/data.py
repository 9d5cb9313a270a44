"""What `fit` and `evaluate` accept as data, and their checks."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions import Dequantized

__all__ = ["check_data", "evaluation_batches", "events"]


def events(batch: Any) -> tf.Tensor:
    """Returns the events of a batch: itself, the first of a tuple, or `"image"` of a dictionary.

    So data sets of TensorFlow Datasets serve as they are, batched, with or without labels.

    Raises:
      ValueError: if a dictionary has no `"image"`.
    """
    if isinstance(batch, tuple | list):
        batch = batch[0]
    if isinstance(batch, dict):
        if "image" not in batch:
            raise ValueError(
                f'A batch that is a dictionary must have a key "image", got {sorted(batch)}; map '
                "the data set to its events."
            )
        batch = batch["image"]
    return batch


def evaluation_batches(data: Any, batch_size: int) -> Any:
    """Returns an array as a `tf.data.Dataset` of batches in its order, anything else as it is."""
    if not isinstance(data, np.ndarray):
        return data
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return tf.data.Dataset.from_tensor_slices(data).batch(batch_size).with_options(options)


def check_data(model: tfp.distributions.Distribution, name: str, data: Any) -> None:
    """Raises for arrays and data sets that cannot be events of the model.

    Args:
      model: the distribution.
      name: name of the argument.
      data: array `[N, *event_shape]`, or a `tf.data.Dataset` of batches.

    Raises:
      ValueError: if there is nothing in it, or its events have another shape or other values.
    """
    if isinstance(data, np.ndarray):
        _check_array(model, name, data)
    elif isinstance(data, tf.data.Dataset):
        _check_dataset(model, name, data)


def _check_shape(model, name, shape):
    expected = model.event_shape.as_list()
    if not tf.TensorShape([None, *expected]).is_compatible_with(shape):
        raise ValueError(
            f"`{name}` must have shape [N, {', '.join(map(str, expected))}] like the events "
            f"of the model, got {tuple(tf.TensorShape(shape).as_list())}."
        )


def _check_dataset(model, name, dataset):
    spec = events(dataset.element_spec)
    if spec.shape.rank is not None:
        _check_shape(model, name, spec.shape)
    if isinstance(model, Dequantized) and spec.dtype.is_floating:
        raise ValueError(
            f"`{name}` must hold integers from 0 to {model.num_levels - 1}, got a data set of "
            f"{spec.dtype.name}; keep the integers as they are, without scaling."
        )
    cardinality = int(dataset.cardinality())
    if cardinality == 0 or (
        cardinality == tf.data.UNKNOWN_CARDINALITY and not any(True for _ in dataset.take(1))
    ):
        raise ValueError(f"`{name}` is empty; there is nothing to learn from.")


def _check_array(model, name, data):
    _check_shape(model, name, data.shape)
    if len(data) == 0:
        raise ValueError(f"`{name}` is empty; there is nothing to learn from.")
    if not np.issubdtype(data.dtype, np.integer) and not np.isfinite(data).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinite values.")
    if isinstance(model, Dequantized):
        highest = model.num_levels - 1
        if data.min() < 0 or data.max() > highest or np.any(data % 1):
            raise ValueError(
                f"`{name}` must hold integers from 0 to {highest}, got values from "
                f"{data.min()} to {data.max()} of type {data.dtype}; rescale the data to "
                "levels, or change `num_levels`."
            )
