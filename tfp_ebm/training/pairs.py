"""What the trainer of a conditional model accepts as data: events, each with a condition."""

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Data, TensorLike
from tfp_ebm.models.conditional import Conditional
from tfp_ebm.training.arrays import as_array
from tfp_ebm.training.data import EventReader, events

__all__ = ["PairReader", "condition_of", "pair"]


def pair(x: TensorLike, condition: TensorLike) -> Data:
    """Returns events and conditions as one: a tuple of both, or x itself without conditions."""
    return x if condition is None else (x, condition)


def condition_of(batch: Data) -> Data:
    """Returns the conditions of a batch: the second of a tuple, `"label"` of a dictionary, or None.

    So data sets of TensorFlow Datasets serve as they are, batched.
    """
    if isinstance(batch, dict):
        return batch.get("label")
    if isinstance(batch, tuple | list) and len(batch) > 1:
        return batch[1]
    if isinstance(batch, tuple | list) and batch and isinstance(batch[0], dict):
        return batch[0].get("label")
    return None


class PairReader(EventReader):
    """Turns what users have into pairs of events and conditions, or says what is wrong with it."""

    def __init__(self, conditional: Conditional) -> None:
        """Constructs the reader.

        Args:
          conditional: the model.
        """
        super().__init__(conditional.model)
        self._conditional = conditional

    @property
    def conditional(self) -> Conditional:
        """The model."""
        return self._conditional

    def pair(self, batch: Data) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns events and conditions of a batch, in the dtypes of the model.

        Raises:
          ValueError: if the batch has no conditions.
        """
        condition = tf.convert_to_tensor(self._required("batches", condition_of(batch)))
        if self._conditional.num_classes is None:
            condition = tf.cast(condition, self._conditional.condition_dtype)
            condition = tf.ensure_shape(condition, [None, self._conditional.num_context])
        else:
            condition = tf.ensure_shape(condition, [None])
        return self.cast(tf.convert_to_tensor(events(batch))), condition

    def read(self, name: str, data: Data) -> Data:
        """As `EventReader.read`; arrays, `(x, condition)`, become a tuple of arrays.

        Args:
          name: name of the argument, for messages.
          data: the data, or None.

        Raises:
          ValueError: as `EventReader.read`, and if conditions are missing, of another number than
            the events, of another size than the model takes, not finite, or no labels of a class.
        """
        array = super().read(name, data)
        if not isinstance(array, np.ndarray):
            return array
        condition = self._checked(name, condition_of(data))
        if len(condition) != len(array):
            raise ValueError(
                f"`{name}` must have a condition for each of its {len(array)} events, got "
                f"{len(condition)}."
            )
        return array, condition

    def _check_batch(self, name, batch):
        super()._check_batch(name, batch)
        condition = self._checked(name, condition_of(batch))
        if len(condition) != len(events(batch)):
            raise ValueError(
                f"`{name}` must yield a condition for each event of a batch, got "
                f"{len(condition)} for {len(events(batch))}."
            )

    def _checked(self, name, condition):
        """Returns the conditions of some events as an array, if they are such."""
        condition = as_array(f"the condition of `{name}`", self._required(f"`{name}`", condition))
        if (num_classes := self._conditional.num_classes) is not None:
            if condition.ndim != 1:
                raise ValueError(
                    f"The condition of `{name}` must be labels [N], got shape {condition.shape}; "
                    "one-hot rows become labels by `rows.argmax(-1)`."
                )
            return checks.labels(condition, num_classes).numpy()
        if condition.ndim != 2 or condition.shape[1] != self._conditional.num_context:
            raise ValueError(
                f"The condition of `{name}` must have shape [N, {self._conditional.num_context}], "
                f"got {condition.shape}."
            )
        if not np.isfinite(condition).all():
            rows = np.flatnonzero(~np.isfinite(condition).all(axis=1))
            raise ValueError(
                f"The condition of `{name}` must be finite, got NaN or infinite values in "
                f"{len(rows)} of {len(condition)} rows, the first of them row {rows[0]}; drop or "
                "fill them."
            )
        return condition.astype(self._conditional.condition_dtype.as_numpy_dtype, copy=False)

    def _required(self, name, condition):
        if condition is None:
            wanted = "vectors" if self._conditional.num_classes is None else "labels"
            raise ValueError(
                f"A conditional model needs a condition for each event, {wanted}, but {name} have "
                "none; give `fit(x, condition)`, or batches of pairs."
            )
        return condition
