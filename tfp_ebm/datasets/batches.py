"""Batches of images for training, in an order that can be taken up anywhere."""

import math

import numpy as np
import tensorflow as tf

from tfp_ebm.datasets.memory import is_mapped, release
from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed

__all__ = ["num_batches", "training_batches"]

_MAX_KEPT = 1 << 23
# Around a row that is read the system maps neighbouring pages too.
_TOUCHED = 1 << 16


def num_batches(num_images: int, batch_size: int) -> int:
    """Returns the number of batches in an epoch, the last of which may be smaller.

    >>> from tfp_ebm import datasets
    >>> datasets.num_batches(10, batch_size=4)
    3
    """
    return math.ceil(num_images / batch_size)


def training_batches(
    images: np.ndarray | tuple[np.ndarray, ...],
    batch_size: int,
    seed: Seed,
    start: int = 0,
    shuffle: bool = True,
    horizontal_flips: bool = False,
) -> tf.data.Dataset:
    """Returns an endless data set of batches: epoch after epoch, each in an order of its own.

    Batch number i is a function of the seed and of i alone, so that interrupted training goes on
    with exactly the batches it would have had: pass `start`. Images keep their dtype, so bytes
    stay bytes up to the model. Arrays that are mapped from a file (`np.memmap`, `np.load` with
    `mmap_mode`, views of such) stay there: a batch is read when it is due. Other arrays become
    tensors once.

    >>> images = np.arange(10, dtype=np.uint8)[:, np.newaxis]
    >>> batches = training_batches(images, batch_size=4, seed=(0, 1))
    >>> epoch = [batch.ravel() for batch in batches.take(3).as_numpy_iterator()]
    >>> [len(batch) for batch in epoch], sorted(np.concatenate(epoch).tolist()) == list(range(10))
    ([4, 4, 2], True)

    Args:
      images: `[N, *event_shape]`, or a tuple of that and of what belongs to it, such as labels
        `[N]`; then batches are tuples.
      batch_size: images in a batch; the last one of an epoch holds the rest.
      seed: a pair of integers.
      start: number of the first batch, counted from the start of training.
      shuffle: whether the order is random, anew in every epoch, or that of the array.
      horizontal_flips: whether half of the images, at random, are mirrored left to right.

    Raises:
      ValueError: if a number is not a positive integer, there are no images, or flips are asked
        for where the array has no axis of columns.
    """
    batch_size = checks.positive_integer("batch_size", batch_size)
    start = checks.positive_integer("start", start, minimum=0)
    first = images[0] if isinstance(images, tuple) else images
    if len(first) == 0:
        raise ValueError("`images` is empty; there is nothing to learn from.")
    if horizontal_flips and first.ndim != 4:
        raise ValueError(
            f"`horizontal_flips` needs images [N, H, W, C], got an array of shape {first.shape}."
        )
    order_seed, flip_seed = samplers.split_seed(seed, n=2, salt="training_batches")
    kept = tf.nest.map_structure(
        lambda part: part if is_mapped(part) else tf.constant(part), images
    )
    size, steps = len(first), num_batches(len(first), batch_size)

    def rows(part, index):
        result = _read(part, index) if is_mapped(part) else tf.gather(part, index)
        if size % batch_size == 0:  # A size that is known when the update is traced saves time.
            result = tf.ensure_shape(result, [batch_size, *part.shape[1:]])
        return result

    def flipped(batch, step):
        if isinstance(batch, tuple):
            return (flipped(batch[0], step), *batch[1:])
        step_seed = samplers.fold_in(flip_seed, tf.cast(step, tf.int32))
        is_flipped = samplers.uniform([tf.shape(batch)[0], 1, 1, 1], seed=step_seed) < 0.5
        return tf.where(is_flipped, tf.reverse(batch, axis=[2]), batch)

    def batch(step):
        epoch, place = step // steps, step % steps
        index = tf.range(place * batch_size, tf.minimum((place + 1) * batch_size, size))
        if shuffle:
            epoch_seed = samplers.fold_in(order_seed, tf.cast(epoch, tf.int32))
            index = tf.random.experimental.index_shuffle(index, epoch_seed, size - 1)
        result = tf.nest.map_structure(lambda part: rows(part, index), kept)
        return flipped(result, step) if horizontal_flips else result

    options = tf.data.Options()
    # Every worker of a strategy computes the same batches and takes its share of each.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    steps_to_come = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    return steps_to_come.map(batch).prefetch(2).with_options(options)


def _read(array, index):
    """Returns rows of an array on disk, which are read when the batch is made."""
    native, read = array.dtype.newbyteorder("="), [0]
    step = max(1, _MAX_KEPT // max(_TOUCHED, array[:1].nbytes))

    def rows_at(index):
        rows = np.empty([len(index), *array.shape[1:]], native)
        for start in range(0, len(index), step):
            rows[start : start + step] = array[index[start : start + step]]
            read[0] += min(step, len(index) - start)
            if read[0] >= step:  # Pages of earlier rows, which would fill the memory.
                release(array)
                read[0] = 0
        return rows

    rows = tf.numpy_function(rows_at, [index], native)
    return tf.ensure_shape(rows, [None, *array.shape[1:]])
