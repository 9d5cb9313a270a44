"""Drawing many samples of a model."""

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Distribution, Seed

__all__ = ["BatchSampler"]


class BatchSampler:
    """Draws many samples of a model in batches, by one function that is compiled once.

    >>> import tensorflow_probability as tfp
    >>> draw = BatchSampler(tfp.distributions.Normal([0.0, 1.0], 1.0), batch_size=4)
    >>> draw(10, seed=(0, 1)).shape
    (10, 2)
    """

    def __init__(self, model: Distribution, batch_size: int = 250) -> None:
        """Constructs the sampler.

        Args:
          model: a distribution.
          batch_size: samples at a time.

        Raises:
          ValueError: if `batch_size` is no positive integer.
        """
        self._batch_size = checks.positive_integer("batch_size", batch_size)
        self._draw = tf.function(
            lambda seed: model.sample(self._batch_size, seed=seed), autograph=False
        )

    def __call__(self, num_samples: int, seed: Seed = None) -> np.ndarray:
        """Returns samples of the model as its variables are now, `[num_samples, ...]`.

        Args:
          num_samples: number of samples.
          seed: seed; a pair of integers repeats exactly, for the same batch size.

        Raises:
          ValueError: if `num_samples` is no positive integer.
        """
        num_samples = checks.positive_integer("num_samples", num_samples)
        seed = samplers.sanitize_seed(seed, salt="batch_sampler")
        num_batches = -(-num_samples // self._batch_size)
        batches = [self._draw(samplers.fold_in(seed, i)).numpy() for i in range(num_batches)]
        return np.concatenate(batches)[:num_samples]
