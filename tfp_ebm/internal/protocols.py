"""What samplers and estimators ask of a machine; distributions provide it."""

from typing import Protocol

import tensorflow as tf

from tfp_ebm.internal.enumeration import StateMixture
from tfp_ebm.internal.types import Count, Seed

__all__ = ["AnnealedBase", "AnnealedMachine"]


class AnnealedMachine(Protocol):
    """A machine with a Markov chain, on a path of machines that starts from a solvable one.

    At inverse temperature 0 the units are independent and everything is known; at 1 it is the
    machine itself. Machines are nests of tensors, so that they pass through `tf.function`; every
    method is a pure function, random ones of an explicit seed.

    A chain's state is the part of the units that the next sweep needs, `[num_chains, *B, n]`,
    where B is the batch shape of the parameters: the visible layer where the rest can be summed
    in closed form. `f_t(state)` below is the log of the unnormalised probability of a state at
    inverse temperature t, all other units summed out.

    Where a state holds units that `f_t` sums out, the machine has `refresh(state,
    inverse_temperature, seed)`, which draws them anew given the others; a sweep draws them first.
    States exchanged between temperatures by `f_t` alone need it, because what it sums out still
    belongs to the old temperature.

    A machine may also have `sweep_columns(columns, inverse_temperature, seed)`, the same for chains
    as columns `[n, num_chains]`; where it is faster, `block_gibbs.run` prefers it.

    >>> from tfp_ebm import distributions
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> state = machine.sample_reference(4, seed=(0, 1))
    >>> machine.sweep(state, 1.0, seed=(0, 2)).shape, machine.log_marginal(state).shape
    (TensorShape([4, 3]), TensorShape([4]))
    """

    def sweep(self, state: tf.Tensor, inverse_temperature: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws the next state; reversible with respect to `exp(f_t)`."""

    def log_marginal(self, state: tf.Tensor) -> tf.Tensor:
        """Returns `f_1(state)`, `[...]`."""

    def log_marginal_increment(
        self, state: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        """Returns `f_stop(state) - f_start(state)`, `[...]`, without cancellation."""

    def reference_log_partition(self) -> tf.Tensor:
        """Returns the log partition function at inverse temperature 0, `[*B]`."""

    def sample_reference(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent states at inverse temperature 0, `[num_samples, *B, n]`."""

    @property
    def num_enumerated(self) -> int:
        """How many units have to be enumerated for an exact sum."""

    def enumerate_log_partition(self) -> tf.Tensor:
        """Returns the exact log partition function, `[*B]`."""

    def enumerate_units(self) -> StateMixture:
        """Returns the units of the event, mixed over all states of the enumerated ones."""

    def sample_exactly(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent states by enumeration, `[num_samples, *B, n]`."""

    def complete(self, state: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws all units of the machine given the state of a chain, `[..., N]`."""


class AnnealedBase(Protocol):
    """A distribution over a machine, as far as estimators of its log Z look at it."""

    name: str
    dtype: tf.DType
    event_shape: tf.TensorShape

    def machine(self) -> AnnealedMachine:
        """Returns the machine at the present parameters."""

    def log_partition_offset(self) -> tf.Tensor:
        """Returns what log Z has more than that of the machine, `[*B]`."""

    def chain_state(self, value: tf.Tensor, seed: Seed = None) -> tf.Tensor:
        """Draws the state of a chain given an event."""

    def unnormalized_log_prob(self, value: tf.Tensor) -> tf.Tensor:
        """Returns the log-probability without log Z."""
