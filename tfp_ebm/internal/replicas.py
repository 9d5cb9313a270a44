"""Work spread over the replicas of a `tf.distribute` strategy."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.tfp_private import samplers

__all__ = ["gather_over_replicas", "num_replicas", "replica_seed", "variable_key"]


def num_replicas() -> int:
    """Returns the number of replicas of the strategy in force; 1 without a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_seed(seed: tf.Tensor) -> tf.Tensor:
    """Returns the seed itself on the only replica, otherwise one for each replica."""
    if num_replicas() == 1:
        return seed
    return samplers.fold_in(seed, tf.distribute.get_replica_context().replica_id_in_sync_group)


def gather_over_replicas(
    function: Callable[[int, tf.Tensor], Any], count: int, seed: tf.Tensor
) -> tf.Tensor:
    """Returns `function(count, seed)`, with the count shared out over the replicas.

    Args:
      function: returns a nest of `[count, ...]` from a count and a seed.
      count: how many rows in all, at least; rounded up to a multiple of the number of replicas.
      seed: seed; every replica folds in its number.
    """
    if num_replicas() == 1 or not tf.distribute.in_cross_replica_context():
        return function(count, seed)
    share = -(-count // num_replicas())
    strategy = tf.distribute.get_strategy()
    rows = strategy.run(tf.function(lambda: function(share, replica_seed(seed)), autograph=False))
    return tf.nest.map_structure(lambda part: strategy.gather(part, axis=0), rows)


def variable_key(variable: tf.Variable) -> str:
    """Returns what a variable, its copies on replicas and Keras's wrappers of it have in common."""
    # As Keras optimizers do: `ref` tells wrappers apart, `handle` is missing outside of replicas.
    return variable._unique_id
