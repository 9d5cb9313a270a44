"""Seeds for draws that nobody gave a seed."""

import contextlib
import threading
from collections.abc import Iterator

import tensorflow as tf

from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed

__all__ = ["sanitize_seed", "seed_scope"]

_LOCAL = threading.local()  # A distribution strategy runs each replica in a thread of its own.


@contextlib.contextmanager
def seed_scope(seed: tf.Tensor) -> Iterator[None]:
    """Makes every draw inside that has no seed of its own a function of this one.

    TensorFlow's own fallback keeps its state inside kernels, where no checkpoint reaches it; a
    training step whose draws all come from a seed can be repeated to the last digit.

    Args:
      seed: a pair of integers.
    """
    previous = getattr(_LOCAL, "scope", None)
    _LOCAL.scope = [seed, 0]
    try:
        yield
    finally:
        _LOCAL.scope = previous


def sanitize_seed(seed: Seed, salt: str | None = None) -> tf.Tensor:
    """As TensorFlow Probability's, but a missing seed is the next one of the `seed_scope`."""
    scope = getattr(_LOCAL, "scope", None)
    if seed is None and scope is not None:
        scope[1] += 1
        seed = samplers.fold_in(scope[0], scope[1])
    return samplers.sanitize_seed(seed, salt=salt)
