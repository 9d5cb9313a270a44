"""Markov chains that live as long as the model they are drawn from."""

from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.mcmc import block_gibbs

__all__ = ["PersistentChains", "per_replica_variable"]


def per_replica_variable(value: tf.Tensor, name: str) -> tf.Variable:
    """Returns a variable that every replica of a `tf.distribute` strategy moves on its own.

    Outside replicas, and in checkpoints, it is that of the first replica. Without a strategy it
    is an ordinary variable that is not trained.
    """
    return tf.Variable(
        value,
        trainable=False,
        name=name,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


class PersistentChains(tf.Module):
    """A set of chains kept in a variable and moved only when asked.

    Persistent contrastive divergence estimates the gradient of the log partition function from
    chains that are moved a few sweeps after every update of the parameters, never restarted.

    Source: Tieleman, "Training restricted Boltzmann machines using approximations to the
    likelihood gradient" (2008); used by both Boltzmann-based flows that this package implements.
    """

    # Whether `negative_units` needs states of the data.
    starts_from_data = False

    def __init__(self, units: tf.Tensor, name: str | None = None) -> None:
        """Starts the chains.

        Args:
          units: `[num_chains, *batch_shape, n]`, the first states.
          name: name of the module.

        Raises:
          ValueError: if `units` has no axis of chains.
        """
        super().__init__(name=name or "persistent_chains")
        units = tf.convert_to_tensor(units)
        if units.shape.rank is None or units.shape.rank < 2:
            raise ValueError(
                "`units` must have shape [num_chains, ..., n], got shape "
                f"{units.shape}; add an axis of chains."
            )
        with self.name_scope:
            self.units = per_replica_variable(units, "units")

    @property
    def num_chains(self) -> int:
        """Number of chains."""
        return self.units.shape[0]

    def negative_units(
        self, machine: AnnealedMachine, data_units: tf.Tensor | None = None, seed: Any = None
    ) -> tf.Tensor:
        """Returns the states that stand for the machine in the gradient of log Z.

        Args:
          machine: the machine at the current parameters.
          data_units: states drawn given the data, `[n, *batch_shape, n]`; used only by chains that
            start from the data.
          seed: seed of what is drawn.

        Returns:
          `[num_chains, *batch_shape, n]`.
        """
        del machine, data_units, seed
        return tf.convert_to_tensor(self.units)

    def restart(self, machine: AnnealedMachine, seed: Any = None) -> None:
        """Starts every chain afresh from the machine's independent reference."""
        seed = samplers.sanitize_seed(seed, salt="restart")
        self.units.assign(machine.sample_reference(self.num_chains, seed))

    def advance(self, machine: AnnealedMachine, num_steps: int, seed: Any = None) -> None:
        """Moves every chain by `num_steps` sweeps of block Gibbs sampling."""
        self.units.assign(block_gibbs.run(machine, self.units, num_steps, seed))

    def draw(self, num_samples: int, seed: Any = None) -> tf.Tensor:
        """Returns the states of `num_samples` chains, without repeats as long as there are enough.

        Args:
          num_samples: how many states.
          seed: seed of the choice.

        Returns:
          `[num_samples, *batch_shape, n]`.
        """
        seed = samplers.sanitize_seed(seed, salt="persistent_chains_draw")
        order = tf.argsort(samplers.uniform([self.num_chains], seed=seed))
        return tf.gather(self.units, tf.gather(order, tf.range(num_samples) % self.num_chains))

    @classmethod
    def start(
        cls, machine: AnnealedMachine, num_chains: int, seed: Any = None, **options: Any
    ) -> "PersistentChains":
        """Returns chains that start from the machine's independent reference.

        Args:
          machine: the machine.
          num_chains: number of chains.
          seed: seed of their states.
          **options: further arguments of the constructor.
        """
        num_chains = checks.positive_integer("num_chains", num_chains)
        seed = samplers.sanitize_seed(seed)
        return cls(machine.sample_reference(num_chains, seed), **options)
