"""How chains move in training, and those of all replicas in a form that can be saved."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfp_ebm.distributions import BoltzmannMachine, EnergyBased
from tfp_ebm.internal.replicas import num_replicas, replica_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed

__all__ = ["ReplicaStates", "chain_mover", "move_stale_chains"]


def chain_mover(part: EnergyBased, num_steps: int | None) -> Callable[[tf.Tensor], None]:
    """Returns what moves the chains of all replicas, outside of their steps.

    Args:
      part: an energy-based distribution.
      num_steps: number of sweeps; None: as many as the chains need.

    Returns:
      A function of a seed, which every replica folds its number into.
    """

    def move(seed):
        part.update_chains(num_steps, replica_seed(seed))

    compiled = tf.function(move, autograph=False)
    return lambda seed: tf.distribute.get_strategy().run(compiled, [seed])


def move_stale_chains(
    energy_based: Sequence[EnergyBased], num_steps: int | None, seed: Seed
) -> None:
    """Moves the chains that have not moved since weights were put in place, as averaged ones are.

    Args:
      energy_based: the energy-based distributions of a model.
      num_steps: number of sweeps; None: as many as the chains need.
      seed: seed; every replica folds in its number.
    """
    seed = samplers.sanitize_seed(seed, salt="move_stale_chains")
    for index, part in enumerate(energy_based):
        if bool(part.are_chains_stale()):
            chain_mover(part, num_steps)(samplers.fold_in(seed, index))


class ReplicaStates(tf.Module):
    """The chains of all replicas, `[num_replicas, ...]`, beside the first one's in the model.

    With one replica it is empty: the model itself holds everything.
    """

    def __init__(self, energy_based: Sequence[EnergyBased]) -> None:
        """Creates variables for what the replicas hold.

        Args:
          energy_based: the energy-based distributions of the model.
        """
        super().__init__(name="replica_states")
        self._sources = []
        if num_replicas() > 1:
            chains = [part.chains for part in energy_based if isinstance(part, BoltzmannMachine)]
            self._sources = [v for part in chains if part is not None for v in part.variables]
        self.states = [
            tf.Variable(tf.zeros([num_replicas(), *source.shape], source.dtype), trainable=False)
            for source in self._sources
        ]

    def gather(self) -> None:
        """Copies the states of all replicas, of all workers, to the variables."""
        strategy = tf.distribute.get_strategy()
        for source, states in zip(self._sources, self.states, strict=True):
            rows = strategy.run(lambda source=source: tf.convert_to_tensor(source)[tf.newaxis])
            states.assign(strategy.gather(rows, axis=0))

    def scatter(self) -> None:
        """Gives every replica its own states back."""
        strategy = tf.distribute.get_strategy()

        def assign(source, states):
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            source.assign(tf.convert_to_tensor(states)[index])

        for source, states in zip(self._sources, self.states, strict=True):
            strategy.run(tf.function(assign, autograph=False), (source, states))
