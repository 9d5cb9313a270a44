"""What `fit`, `evaluate` and `predict` accept as data."""

import itertools
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfp_ebm.datasets import num_batches, training_batches
from tfp_ebm.datasets.memory import is_mapped
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Data, Distribution
from tfp_ebm.models.parts import num_levels
from tfp_ebm.training.arrays import as_array
from tfp_ebm.training.data_checks import check_batched, check_shape, check_values

__all__ = ["EventReader", "evaluation_batches", "events"]


def events(batch: Data) -> Data:
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


def evaluation_batches(data: Data, batch_size: int) -> Data:
    """Returns arrays as a `tf.data.Dataset` of batches in their order, anything else as it is."""
    if not isinstance(data, np.ndarray | tuple):
        return data
    arrays = tf.nest.flatten(data)
    if any(map(is_mapped, arrays)):  # Read a batch at a time, as in training.
        batches = training_batches(data, batch_size, (0, 0), shuffle=False)
        return batches.take(num_batches(len(arrays[0]), batch_size))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return tf.data.Dataset.from_tensor_slices(data).batch(batch_size).with_options(options)


class EventReader:
    """Turns what users have into events of a model, or says what is wrong with it.

    It remembers the columns of the first table, which those that follow must have too.
    """

    def __init__(self, model: Distribution) -> None:
        """Constructs the reader.

        Args:
          model: the distribution.
        """
        self._model = model
        self._columns = None

    def cast(self, value: tf.Tensor) -> tf.Tensor:
        """Returns events in the dtype of the model, which levels need not have."""
        if num_levels(self._model) is not None:
            return value
        return tf.cast(value, self._model.dtype)

    def read(self, name: str, data: Data) -> Data:
        """Returns data as an array, or as a `tf.data.Dataset` or iterable of batches.

        Arrays, tensors, lists and tables (anything with `columns`, such as a pandas DataFrame)
        become arrays `[N, *event_shape]`; of a tuple the first part counts, of a dictionary
        `"image"`. Data sets, generators and Keras sequences keep their batches, the first of which
        is looked at.

        Args:
          name: name of the argument, for messages.
          data: the data, or None.

        Raises:
          ValueError: if there is nothing in it, or its events have another shape or other values
            than those of the model.
        """
        if data is None or isinstance(data, tf.distribute.DistributedDataset):
            return data
        if isinstance(data, tf.data.Dataset):
            return self._read_dataset(name, data)
        if isinstance(data, keras.utils.Sequence):
            if len(data):
                self._check_batch(name, data[0])
            return data
        if isinstance(data, Iterator):
            return self._read_iterator(name, data)
        if isinstance(data, tuple):
            data = data[0]
        if isinstance(data, dict):
            data = events(data)
        return self._read_array(name, data)

    def _read_array(self, name, data):
        array = as_array(name, data)
        columns = [str(column) for column in getattr(data, "columns", ())]
        check_shape(self._model, name, array.shape, columns)
        if columns:
            self._check_columns(name, columns)
        if len(array) == 0:
            raise ValueError(f"`{name}` is empty; there is nothing to learn from.")
        check_values(self._model, name, array, columns)
        if array.dtype == bool:
            array = array.astype(np.uint8)
        if num_levels(self._model) is not None:
            return array
        return array.astype(self._model.dtype.as_numpy_dtype, copy=False)

    def _check_columns(self, name, columns):
        if self._columns is None:
            self._columns = columns
        if columns != self._columns:
            raise ValueError(
                f"`{name}` must have the columns {', '.join(self._columns)} of the table before, "
                f"in this order, got {', '.join(columns)}; select them: table[columns]."
            )

    def _read_dataset(self, name, dataset):
        spec = events(dataset.element_spec)
        if not isinstance(spec, tf.TensorSpec):
            raise ValueError(
                f"`{name}` must be a data set of batches of tensors, got {type(spec).__name__}; "
                "make rows of one length, by `.to_tensor()` for ragged ones."
            )
        check_batched(self._model, name, spec.shape)
        first = next(iter(dataset.take(1)), None)
        if first is None:
            raise ValueError(f"`{name}` is empty; there is nothing to learn from.")
        self._check_batch(name, first)
        if spec.shape.rank is not None:
            return dataset
        shape = [None, *self._model.event_shape]  # Of unknown rank, as from some generators.
        return dataset.map(lambda *batch: _with_shape(batch, shape))

    def _read_iterator(self, name, iterator):
        first = next(iterator, None)
        if first is None:
            raise ValueError(f"`{name}` is empty; there is nothing to learn from.")
        self._check_batch(name, first)
        return itertools.chain([first], iterator)

    def _check_batch(self, name, batch):
        array = as_array(name, events(batch))
        check_batched(self._model, name, array.shape)
        check_shape(self._model, name, array.shape)
        check_values(self._model, name, array, of_data_set=True)


def _with_shape(batch, shape):
    """Returns the structure of an element of a data set, with the shape of its events known."""
    structure = batch[0] if len(batch) == 1 else batch
    if isinstance(structure, tuple):
        return (_with_shape(structure[:1], shape), *structure[1:])
    if isinstance(structure, dict):
        return {**structure, "image": tf.ensure_shape(structure["image"], shape)}
    return tf.ensure_shape(structure, shape)
