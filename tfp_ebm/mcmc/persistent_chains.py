"""Markov chains that live as long as the model they are drawn from."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.fingerprint import UNKNOWN, fingerprint
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import is_xla, samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike
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

    `num_sweeps` counts the sweeps so far. Every sweep draws from the seed and its number, so one
    seed may be given to every call: sweeps made one by one are those of one long run.
    `fingerprint` remembers the parameters that the chains last moved at.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> chains = mcmc.PersistentChains.start(machine, num_chains=8, seed=(0, 1))
    >>> chains.advance(machine, num_steps=2, seed=(0, 2))
    >>> chains.units.shape
    TensorShape([8, 3])

    Source: Tieleman, "Training restricted Boltzmann machines using approximations to the
    likelihood gradient" (2008); used by both Boltzmann-based flows that this package implements.
    """

    # Whether `negative_units` needs states of the data.
    starts_from_data = False
    # Names of the variables that hold states, `[..., *batch_shape, n]`.
    _state_variables: tuple[str, ...] = ("units",)

    def __init__(self, units: TensorLike, name: str | None = None) -> None:
        """Starts the chains.

        Args:
          units: `[num_chains, *batch_shape, n]`, the first states; lists and arrays become tensors,
            integers among them float32.
          name: name of the module.

        Raises:
          ValueError: if `units` has no axis of chains, or holds no floating numbers.
        """
        super().__init__(name=name or "persistent_chains")
        units = states.floating("units", units)
        if units.shape.rank is None or units.shape.rank < 2:
            raise ValueError(
                "`units` must have shape [num_chains, ..., n], got shape "
                f"{units.shape}; add an axis of chains."
            )
        with self.name_scope:
            self.units = per_replica_variable(units, "units")
            self.num_sweeps = per_replica_variable(tf.zeros([], tf.int64), "num_sweeps")
            self.fingerprint = per_replica_variable(tf.constant(UNKNOWN, tf.float64), "fingerprint")
            # States of another kind of chains would fit, but checkpoints of them do not.
            setattr(self, type(self).__name__, per_replica_variable(tf.constant(0), "kind"))

    @property
    def num_chains(self) -> int:
        """Number of chains."""
        return self.units.shape[0]

    def negative_units(
        self, machine: AnnealedMachine, data_units: tf.Tensor | None = None, seed: Seed = None
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

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the mean over the chains of `[num_chains, *batch_shape]`, `[*batch_shape]`."""
        return tf.reduce_mean(values, axis=0)

    def num_sweeps_needed(self) -> Count:
        """Returns the number of sweeps after an update that serves well."""
        return 25

    def figures(self) -> dict[str, tf.Tensor]:
        """Returns what tells of the chains' health at no cost, scalars by name; here nothing."""
        return {}

    def restart(self, machine: AnnealedMachine, seed: Seed = None) -> None:
        """Starts every chain afresh from the machine's independent reference.

        Args:
          machine: the machine.
          seed: seed of the states.
        """
        seed = sanitize_seed(seed, salt="restart")
        self.units.assign(machine.sample_reference(self.num_chains, seed))
        self.belong_to(machine)

    def advance(self, machine: AnnealedMachine, num_steps: Count, seed: Seed = None) -> None:
        """Moves every chain by `num_steps` sweeps of block Gibbs sampling.

        Args:
          machine: the machine at the current parameters.
          num_steps: number of sweeps, 0 or more.
          seed: seed; with the number of each sweep it gives what the sweep draws.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if the chains do not fit it, or `num_steps` is negative.
        """
        num_steps = states.num_sweeps(num_steps)
        units = block_gibbs.run(machine, self.units, num_steps, seed, first=self._next_sweep())
        self.units.assign(units)
        self._count(machine, num_steps)

    def _next_sweep(self):
        """Returns the number of the next sweep as int32; it starts again at an even number."""
        return tf.cast(self.num_sweeps % 2**30, tf.int32)

    def _count(self, machine, num_steps):
        """Notes how many sweeps were made, and at which parameters."""
        self.num_sweeps.assign(self.num_sweeps + tf.cast(num_steps, tf.int64))
        self.belong_to(machine, has_moved=num_steps > 0)

    def belong_to(self, machine: AnnealedMachine, has_moved: TensorLike = True) -> None:
        """Notes that the chains stand for the parameters of a machine.

        In a function compiled by XLA the note is that nothing is known: parameters that are
        computed, as softplus(x), come out otherwise there.

        Args:
          machine: the machine.
          has_moved: whether they do; otherwise the last note stays.
        """
        now = tf.constant(UNKNOWN, tf.float64) if is_xla() else fingerprint(machine)
        self.fingerprint.assign(tf.where(has_moved, now, self.fingerprint))

    def knows_parameters(self) -> bool:
        """Whether it was noted for which parameters the chains stand (eager only)."""
        return bool(self.fingerprint[1] >= 0)

    def draw(self, num_samples: Count, seed: Seed = None) -> tf.Tensor:
        """Returns the states of `num_samples` chains, without repeats as long as there are enough.

        Args:
          num_samples: how many states.
          seed: seed of the choice.

        Returns:
          `[num_samples, *batch_shape, n]`.
        """
        seed = sanitize_seed(seed, salt="persistent_chains_draw")
        order = tf.argsort(samplers.uniform([self.num_chains], seed=seed))
        return tf.gather(self.units, tf.gather(order, tf.range(num_samples) % self.num_chains))

    def _options(self) -> dict[str, Any]:
        """Returns the arguments of the constructor besides the states and the name."""
        return {}

    def transformed(self, transform: Callable[[tf.Tensor], tf.Tensor]) -> "PersistentChains":
        """Returns chains of the same kind in variables of their own, from transformed states.

        Args:
          transform: maps `[..., *batch_shape, n]` to states of another batch shape, as a slice
            does.
        """
        chains = type(self)(transform(self.units), name=self.name, **self._options())
        for name in self._state_variables:
            getattr(chains, name).assign(transform(getattr(self, name)))
        return chains

    @classmethod
    def start(
        cls, machine: AnnealedMachine, num_chains: int, seed: Seed = None, **options: Any
    ) -> "PersistentChains":
        """Returns chains that start from the machine's independent reference.

        Args:
          machine: the machine.
          num_chains: number of chains.
          seed: seed of their states.
          **options: further arguments of the constructor.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if another argument does not fit.
        """
        states.check_machine(machine)
        num_chains = checks.positive_integer("num_chains", num_chains)
        chains = cls(machine.sample_reference(num_chains, sanitize_seed(seed)), **options)
        chains.belong_to(machine)
        return chains
