"""A large buffer of chains, of which a batch moves at a time."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.states import check_machine, floating, num_sweeps
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.persistent_chains import PersistentChains, per_replica_variable

__all__ = ["ReplayBuffer"]


class ReplayBuffer(PersistentChains):
    """Persistent chains drawn from a buffer that is larger than a batch.

    `advance` takes `num_chains` states of the buffer at random, starts a small share of them
    afresh from the machine's independent reference, moves them and puts them back. Rarely moved
    states keep old modes alive, and fresh ones find new modes.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> chains = mcmc.ReplayBuffer.start(machine, 8, seed=(0, 1), size=32)
    >>> chains.units.shape, chains.states.shape
    (TensorShape([8, 3]), TensorShape([32, 3]))

    Source: Du and Mordatch, "Implicit generation and modeling with energy-based models" (2019);
    EB-and-Flow keeps 10,000 states.
    """

    def __init__(
        self,
        states: TensorLike,
        num_chains: int = 256,
        reinitialization_rate: float = 0.05,
        name: str | None = None,
    ) -> None:
        """Fills the buffer.

        Args:
          states: `[size, *batch_shape, n]`, the first states; lists and arrays become tensors,
            integers among them float32.
          num_chains: how many of them move at a time.
          reinitialization_rate: share of the moving states that start afresh, in [0, 1).
          name: name of the module.

        Raises:
          ValueError: if the buffer is empty, smaller than `num_chains`, or the rate is no share.
        """
        states = floating("states", states)
        num_chains = checks.positive_integer("num_chains", num_chains)
        if states.shape.rank is None or states.shape.rank < 2 or states.shape[0] < num_chains:
            raise ValueError(
                f"`states` must hold at least `num_chains` = {num_chains} states, "
                f"[size, ..., n], got shape {states.shape}; enlarge the buffer."
            )
        super().__init__(states[:num_chains], name=name or "replay_buffer")
        self._rate = checks.fraction("reinitialization_rate", reinitialization_rate)
        with self.name_scope:
            self.states = per_replica_variable(states, "states")

    def restart(self, machine: AnnealedMachine, seed: Seed = None) -> None:
        """Fills the whole buffer afresh from the machine's independent reference.

        Args:
          machine: the machine.
          seed: seed of the states.
        """
        seed = sanitize_seed(seed, salt="restart")
        self.states.assign(machine.sample_reference(self.states.shape[0], seed))
        self.units.assign(self.states[: self.num_chains])
        self.belong_to(machine)

    def advance(self, machine: AnnealedMachine, num_steps: Count, seed: Seed = None) -> None:
        """Moves a random batch of the buffer as `PersistentChains.advance` moves chains."""
        check_machine(machine)
        num_steps = num_sweeps(num_steps)
        seed = samplers.fold_in(sanitize_seed(seed), self._next_sweep())
        choice_seed, fresh_seed, mask_seed, run_seed = samplers.split_seed(
            seed, n=4, salt="replay_buffer"
        )
        size = self.states.shape[0]
        order = tf.argsort(samplers.uniform([size], seed=choice_seed))[: self.num_chains]
        units = tf.gather(self.states, order)
        fresh = machine.sample_reference(self.num_chains, fresh_seed)
        shape = [self.num_chains] + [1] * (len(units.shape) - 1)
        is_fresh = samplers.uniform(shape, seed=mask_seed) < self._rate
        units = tf.where(is_fresh, tf.cast(fresh, units.dtype), units)
        units = block_gibbs.run(machine, units, num_steps, run_seed)
        indices = order[:, tf.newaxis]
        if tf.distribute.has_strategy():  # Its variables cannot be updated in part.
            self.states.assign(tf.tensor_scatter_nd_update(self.states, indices, units))
        else:
            self.states.scatter_nd_update(indices, units)
        self.units.assign(units)
        self._count(machine, num_steps)

    def transformed(self, transform: Callable[[tf.Tensor], tf.Tensor]) -> "ReplayBuffer":
        """Returns a buffer in variables of its own, from transformed states."""
        states = transform(self.states)
        buffer = type(self)(states, self.num_chains, self._rate, name=self.name)
        buffer.units.assign(transform(self.units))
        return buffer

    @classmethod
    def start(
        cls,
        machine: AnnealedMachine,
        num_chains: int,
        seed: Seed = None,
        size: int = 10_000,
        **options: Any,
    ) -> "ReplayBuffer":
        """Returns a buffer filled from the machine's independent reference.

        Args:
          machine: the machine.
          num_chains: how many states move at a time.
          seed: seed of the states.
          size: size of the buffer.
          **options: further arguments of the constructor.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if another argument does not fit.
        """
        check_machine(machine)
        size = checks.positive_integer("size", size)
        states = machine.sample_reference(size, sanitize_seed(seed))
        buffer = cls(states, num_chains, **options)
        buffer.belong_to(machine)
        return buffer
