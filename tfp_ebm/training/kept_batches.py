"""Batches that are kept on their way to training, spread over an epoch of unknown length."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.types import Data
from tfp_ebm.training.data import events

__all__ = ["FixedBatches", "KeptBatches"]


class FixedBatches(list):
    """Batches that are the same in every epoch."""

    def take(self) -> list[Any]:
        """Returns the batches."""
        return self


class KeptBatches:
    """Keeps every k-th batch that passes by, until they are taken at the end of an epoch.

    Where the length of an epoch is not known, k starts at 1 and doubles, and every second batch is
    dropped, whenever more than `max_events` are held. So what is kept is spread over all that
    passed by, whatever its order, and memory is bounded.
    """

    def __init__(
        self, num_batches: int | None, share: float, min_events: int, max_events: int
    ) -> None:
        """Constructs an empty keeper.

        Args:
          num_batches: batches of an epoch, None if unknown.
          share: the share of an epoch that is taken at its end.
          min_events: how many events are taken at least, as far as there are.
          max_events: how many are taken and held at most, but for the last batch.
        """
        self._num_batches = num_batches
        self._share, self._min, self._max = share, min_events, max_events
        self._lock = threading.Lock()  # Pipelines run ahead in threads of their own.
        self._start()

    def _start(self):
        self._kept, self._held = [], 0
        self._stride, self._num_seen, self._num_events = 1, 0, 0

    def __len__(self) -> int:
        """The number of batches that are held."""
        return len(self._kept)

    def see(self, batch: Data) -> None:
        """Keeps a copy of a batch if it is its turn.

        Args:
          batch: arrays in any structure.
        """
        size = len(tf.nest.flatten(batch)[0])
        with self._lock:
            if not self._num_seen and self._num_batches is not None and size:
                self._stride = max(1, self._num_batches // self._wanted(size, self._num_batches))
            if self._num_seen % self._stride == 0:
                self._kept.append(tf.nest.map_structure(np.array, batch))
                self._held += size
            self._num_seen += 1
            self._num_events += size
            if self._held > self._max and len(self._kept) > 1:
                self._kept, self._stride = self._kept[::2], 2 * self._stride
                self._held = sum(len(tf.nest.flatten(one)[0]) for one in self._kept)

    def _wanted(self, size, num_batches):
        """Returns how many batches of a size are to be taken from so many."""
        count = max(math.ceil(self._min / size), math.ceil(self._share * num_batches))
        return max(1, min(count, self._max // size))

    def take(self) -> list[Any]:
        """Returns batches that are spread over what passed by, as tensors, and starts again."""
        with self._lock:
            kept = self._kept
            if kept and self._num_events:
                wanted = self._wanted(self._num_events / self._num_seen, self._num_seen)
                rows = np.linspace(0, len(kept) - 1, int(min(wanted, len(kept)))).round()
                kept = [kept[int(row)] for row in rows]
            self._start()
        return [tf.nest.map_structure(tf.convert_to_tensor, batch) for batch in kept]

    def of_dataset(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Returns a data set of batches as it is, which shows them to the keeper."""
        is_dense = all(isinstance(s, tf.TensorSpec) for s in tf.nest.flatten(dataset.element_spec))

        def pass_on(*batch):
            batch = batch[0] if len(batch) == 1 else batch
            shown = batch if is_dense else events(batch)

            def see(*parts):
                self.see(tf.nest.pack_sequence_as(shown, parts))
                return np.int64(0)

            seen = tf.numpy_function(see, tf.nest.flatten(shown), tf.int64)
            with tf.control_dependencies([seen]):
                return tf.nest.map_structure(tf.identity, batch)

        return dataset.map(pass_on)

    def of_iterator(self, iterator: Iterator[Any]) -> Iterator[Any]:
        """Yields the batches of an iterator, and shows them to the keeper."""
        for batch in iterator:
            self.see(batch)
            yield batch
