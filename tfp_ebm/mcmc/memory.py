"""States that propose where chains may jump: recent data, and scouts from elsewhere."""

from collections.abc import Callable

import tensorflow as tf

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.jumps import LatentMachine, random_states
from tfp_ebm.mcmc.persistent_chains import per_replica_variable

__all__ = ["RecentStates", "Scouts"]

# How many random hidden layers propose at a jump, and after how many sweeps: few beside the sweeps
# of the chains, which a wide layer makes costly.
_NUM_RANDOM, _NUM_SWEEPS = 16, 4


class RecentStates(tf.Module):
    """The last states that were shown, first in, first out."""

    def __init__(self, states: tf.Tensor, name: str = "recent_states") -> None:
        """Starts with given states.

        Args:
          states: `[size, *batch_shape, n]`.
          name: name of the module.
        """
        super().__init__(name=name)
        with self.name_scope:
            self.states = per_replica_variable(states, "states")

    def transformed(self, transform: Callable[[tf.Tensor], tf.Tensor]) -> "RecentStates":
        """Returns a memory in variables of its own, of transformed states."""
        return type(self)(transform(self.states))

    def add(self, states: tf.Tensor) -> None:
        """Takes in states `[k, *batch_shape, n]`, of which the last ones stay."""
        self.states.assign(push(self.states, states))


def push(kept: tf.Tensor, added: tf.Tensor) -> tf.Tensor:
    """Returns the last entries of two tensors in a row, as many as the first one has."""
    size = kept.shape[0]
    return tf.ensure_shape(tf.concat([kept, added], axis=0)[-size:], kept.shape)


class Scouts(tf.Module):
    """Chains that always start afresh, cool for some updates, and tell where they ended.

    Data propose only modes that the data have. A machine may grow others, which no chain visits
    and which hold most of its mass unseen. At every move the next few scouts start from the
    machine's independent reference while all others cool by one step of `num_steps`; those that
    reach inverse temperature 1 are kept in `arrived`, first in, first out. Cooling leads where the
    reference does; what it misses is looked for from random hidden layers, see `proposing`.
    """

    # Moves until a scout arrives, if there are as many scouts.
    num_steps = 32
    # How many are on their way, where nobody says.
    default_number = 32

    def __init__(self, units: tf.Tensor, arrived: tf.Tensor, name: str = "scouts") -> None:
        """Starts with given states; `start` draws them.

        Args:
          units: `[num_steps, num_starts, *batch_shape, n]`, scouts on their way, by age.
          arrived: `[num_arrived, *batch_shape, n]`.
          name: name of the module.
        """
        super().__init__(name=name)
        with self.name_scope:
            # By age, so that who starts and who arrives are slices.
            self.units = per_replica_variable(units, "units")
            self.arrived = per_replica_variable(arrived, "arrived")

    @classmethod
    def start(
        cls,
        machine: AnnealedMachine,
        num_starts: int = 2,
        num_steps: int = 32,
        num_arrived: int = 128,
        seed: Seed = None,
    ) -> "Scouts":
        """Returns scouts that all are at the machine's independent reference.

        Args:
          machine: the machine.
          num_starts: scouts that start, and arrive, at every move.
          num_steps: moves until a scout arrives.
          num_arrived: how many of those that arrived are kept; at first, draws of the reference.
          seed: seed of the first states.
        """
        return cls(*cls._first(machine, (num_steps, num_starts), num_arrived, seed))

    def transformed(self, transform: Callable[[tf.Tensor], tf.Tensor]) -> "Scouts":
        """Returns scouts in variables of their own, from transformed states."""
        return type(self)(transform(self.units), transform(self.arrived))

    def move(self, machine: AnnealedMachine, seed: Seed) -> None:
        """Cools all scouts by a step; the oldest arrive, and new ones start."""
        start_seed, sweep_seed, state_seed = samplers.split_seed(seed, n=3, salt="scouts_move")
        num_steps, rank = self.units.shape[0], self.units.shape.rank
        betas = tf.cast(tf.range(1, num_steps + 1) / num_steps, self.units.dtype)
        betas = tf.reshape(betas, [-1] + [1] * (rank - 1))
        units = self._cooled(machine, tf.convert_to_tensor(self.units), betas, sweep_seed)
        self.arrived.assign(push(self.arrived, self._states(machine, units[-1], state_seed)))
        fresh = self._fresh(machine, self.units.shape[1], start_seed)
        moved = tf.concat([fresh[tf.newaxis], units[:-1]], axis=0)
        self.units.assign(tf.ensure_shape(moved, self.units.shape))

    def proposing(self, machine: LatentMachine, seed: Seed) -> tf.Tensor:
        """Returns who arrived, and some states a few sweeps from random hidden layers.

        Args:
          machine: the machine.
          seed: seed; a pair of integers repeats exactly.
        """
        state_seed, sweep_seed = samplers.split_seed(seed, n=2, salt="scouts_proposing")
        arrived = tf.convert_to_tensor(self.arrived)
        units = random_states(machine, arrived[:_NUM_RANDOM], state_seed)
        return tf.concat([arrived, block_gibbs.run(machine, units, _NUM_SWEEPS, sweep_seed)], 0)

    def restart(self, machine: AnnealedMachine, seed: Seed) -> None:
        """Starts all scouts afresh and forgets those that arrived."""
        units, arrived = self._first(machine, self.units.shape[:2], self.arrived.shape[0], seed)
        self.units.assign(units)
        self.arrived.assign(arrived)

    @classmethod
    def _first(cls, machine, counts, num_arrived, seed):
        """Returns scouts on their way, by age, and the states of those that arrived."""
        unit_seed, arrived_seed = samplers.split_seed(seed, n=2, salt="scouts")
        units = cls._fresh(machine, counts[0] * counts[1], unit_seed)
        by_age = tf.reshape(units, [*counts, *units.shape[1:]])
        return by_age, machine.sample_reference(num_arrived, arrived_seed)

    @staticmethod
    def _fresh(machine: AnnealedMachine, num_scouts: Count, seed: Seed) -> tf.Tensor:
        """Returns where scouts start."""
        return machine.sample_reference(num_scouts, seed)

    @staticmethod
    def _cooled(
        machine: AnnealedMachine, units: tf.Tensor, inverse_temperature: tf.Tensor, seed: Seed
    ) -> tf.Tensor:
        """Returns scouts after a step."""
        return machine.sweep(units, inverse_temperature, seed)

    @staticmethod
    def _states(machine: AnnealedMachine, units: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Returns the states, `[num_starts, *batch_shape, n]`, of scouts that arrive."""
        del machine, seed
        return units
