"""The chains of a machine and the stored estimate of its log Z, which a distribution owns."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.fingerprint import fingerprint, has_changed
from tfp_ebm.internal.numeric import broadcast_batch
from tfp_ebm.internal.protocols import AnnealedBase, AnnealedMachine
from tfp_ebm.internal.tfp_private import ps, samplers
from tfp_ebm.internal.types import Count, Seed, Shape
from tfp_ebm.mcmc import PersistentChains, WeightedChains, block_gibbs
from tfp_ebm.mcmc.chain_checks import check_chains
from tfp_ebm.mcmc.chain_options import StartChains
from tfp_ebm.partition.log_partition import (
    LogPartition,
    StoredLogPartition,
    combine_over_replicas,
)
from tfp_ebm.partition.staleness import watch

__all__ = ["MAX_EXACT_UNITS", "NegativePhase"]

# Up to 2^12 states are summed afresh in every evaluation: always exact, never stale.
MAX_EXACT_UNITS = 12


class NegativePhase(tf.Module):
    """What stands for sums over all states of a machine: its chains, and the stored log Z.

    Log Z takes its value from the stored estimate, and its gradient from the chains. Both are None
    where the machine is small enough to be summed in every evaluation. Methods are given the
    machine, or the distribution, at the present parameters.

    >>> from tfp_ebm import distributions, partition
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> partition.NegativePhase(machine, [], tf.float32).is_exact  # few units: sums, no chains
    True
    """

    def __init__(
        self,
        machine: AnnealedMachine,
        batch_shape: tf.TensorShape,
        dtype: tf.DType,
        chains: PersistentChains | StartChains | None = None,
        owner: str = "distribution",
    ) -> None:
        """Starts the chains where there are to be any.

        Args:
          machine: the machine.
          batch_shape: static batch shape of its parameters.
          dtype: dtype of log Z.
          chains: the chains, or how to start them. None: weighted ones, or none where at most 12
            units have to be enumerated.
          owner: what the class that owns them is called in errors.

        Raises:
          ValueError: if the chains do not fit the machine, or variables cannot be made here.
        """
        super().__init__(name="negative_phase")
        options = StartChains() if chains is None else chains
        is_small = machine.num_enumerated <= MAX_EXACT_UNITS
        if isinstance(options, StartChains) and options.sampler is None and is_small:
            self.chains = self.stored = None
            return
        if not tf.executing_eagerly():
            raise ValueError(
                f"A {owner} with `chains`, or with more than {MAX_EXACT_UNITS} units in the layer "
                f"that is enumerated (here {machine.num_enumerated}), owns variables, which a "
                "`tf.function` cannot make: construct it outside."
            )
        if isinstance(options, StartChains):
            self.chains = options.start(machine)
        else:
            self.chains = options
            check_chains(options, machine, dtype)
        self.stored = StoredLogPartition(batch_shape, dtype)

    @property
    def is_exact(self) -> bool:
        """Whether log Z is summed in every evaluation."""
        return self.chains is None

    def is_stale(self, machine: AnnealedMachine) -> tf.Tensor:
        """Whether the stored log Z belongs to other parameters, or was never known, or is lost."""
        if self.is_exact:
            return tf.constant(False)
        has_moved = tf.reduce_any(tf.not_equal(self.stored.fingerprint, fingerprint(machine)))
        return has_moved | tf.logical_not(self.stored.is_known()) | self.stored.is_lost()

    def are_chains_stale(self, machine: AnnealedMachine) -> tf.Tensor:
        """Whether parameters moved since the chains did."""
        if self.is_exact:
            return tf.constant(False)
        return has_changed(self.chains.fingerprint, fingerprint(machine))

    def log_partition(
        self, base: AnnealedBase, machine: AnnealedMachine, data_units: tf.Tensor | None
    ) -> tf.Tensor:
        """Returns log Z of the machine, the estimate with the gradient of the chains.

        Args:
          base: the distribution that owns this, which is watched for what is stale.
          machine: its machine.
          data_units: states of chains drawn given the data, for chains that start from them.
        """
        with tf.control_dependencies(self._check_known(base.name)):
            # Read under the assertion, which a read elsewhere could run ahead of.
            estimate = tf.identity(self.stored.value)
        # States are draws: what depends on the parameters in the gradient of log Z is their
        # marginal.
        chains = tf.stop_gradient(self.chains.negative_units(machine, data_units))
        log_marginal = machine.log_marginal(chains)
        # Its value is 0.
        relative = tf.exp(log_marginal - tf.stop_gradient(log_marginal))
        negative_phase = tf.math.log(self.chains.mean(relative))
        kept = self.chains if data_units is None else None
        return tf.stop_gradient(estimate) + watch(base, negative_phase, machine, kept)

    def _check_known(self, name):
        message = (
            f"The log partition function of `{name}` is unknown: call "
            "`estimate_log_partition()` once before `log_prob`."
        )
        known = self.stored.is_known()
        if tf.executing_eagerly():
            if not bool(known):
                raise ValueError(message)
            return []
        return [tf.debugging.Assert(known, [message])]

    def store(self, estimate: LogPartition, machine: AnnealedMachine) -> None:
        """Keeps an estimate of log Z of the machine, where any is kept."""
        if not self.is_exact:
            self.stored.assign(estimate, fingerprint(machine))

    def update(
        self,
        machine: AnnealedMachine,
        num_steps: int | None,
        seed: Seed,
        data_units: Callable[[Any], tf.Tensor] | None,
    ) -> None:
        """Moves the chains to the present parameters; weighted ones renew log Z too.

        Args:
          machine: the machine.
          num_steps: number of sweeps; None: as many as the chains need.
          seed: seed of what is drawn.
          data_units: draws states of chains given the points of the last update, from a seed.
        """
        if self.is_exact:
            return
        if num_steps is None:
            num_steps = self.chains.num_sweeps_needed()
        if not isinstance(self.chains, WeightedChains):
            self.chains.advance(machine, num_steps, seed)
            return
        # Split also without data, so that giving some does not change the draws of the chains.
        seed, data_seed = samplers.split_seed(seed, n=2, salt="update_chains")
        shown = None if data_units is None else data_units(data_seed)
        self.chains.advance(machine, num_steps, seed, shown)
        record = combine_over_replicas(LogPartition.running(self.chains))
        self.stored.assign(record, fingerprint(machine))

    def sample(
        self, machine: AnnealedMachine, num_samples: Count, num_steps: int, seed: Seed
    ) -> tf.Tensor:
        """Draws all units of the machine, `[num_samples, *batch_shape, N]`.

        Exact and independent for small layers; otherwise `num_steps` sweeps from the chains, which
        stay where they are.
        """
        state_seed, run_seed, unit_seed = samplers.split_seed(seed, n=3, salt="sample_units")
        if machine.num_enumerated <= MAX_EXACT_UNITS:
            state = machine.sample_exactly(num_samples, state_seed)
        else:
            start = self.chains.draw(num_samples, state_seed)
            state = block_gibbs.run(machine, start, num_steps, run_seed)
        # Real units of the last sweep could pass a gradient on, which would be a wrong one: it
        # leaves out all sweeps before.
        return tf.stop_gradient(machine.complete(state, unit_seed))

    def sliced_chains(
        self, slices: object, batch_rank: int
    ) -> tuple[PersistentChains, Callable[[tf.Tensor], tf.Tensor]]:
        """Returns chains of a slice of the batch, and what makes log Z its log Z."""
        keys = slices if isinstance(slices, tuple | list) else (slices,)

        def cut(tensor, event_ndims):
            every = (slice(None),) * (ps.rank(tensor) - event_ndims - batch_rank)
            rest = () if any(key is Ellipsis for key in keys) else (Ellipsis,)
            return tensor[(*every, *keys, *rest, *(slice(None),) * event_ndims)]

        return self.chains.transformed(lambda states: cut(states, 1)), lambda value: cut(value, 0)

    def broadcast_chains(
        self, batch_shape: Shape, batch_rank: int
    ) -> tuple[PersistentChains, Callable[[tf.Tensor], tf.Tensor]]:
        """Returns chains broadcast to a larger batch, and what makes log Z its log Z."""

        def broadcast(states):
            # The batch axes lie between leading ones and the last.
            shape = states.shape.as_list()
            leading, own = shape[: len(shape) - 1 - batch_rank], shape[-1 - batch_rank : -1]
            target = [int(size) for size in ps.broadcast_shape(own, batch_shape)]
            aligned = [*leading, *[1] * (len(target) - batch_rank), *own, shape[-1]]
            return tf.broadcast_to(tf.reshape(states, aligned), [*leading, *target, shape[-1]])

        return self.chains.transformed(broadcast), lambda value: broadcast_batch(
            value, batch_shape, event_ndims=0
        )

    def hand_on(
        self, base: AnnealedBase, made: Any, transform: Callable[[tf.Tensor], tf.Tensor]
    ) -> None:
        """Stores this log Z, its batch axes transformed, in a distribution made of the base.

        What is stale here is stale there: its fingerprint stays that of other parameters.
        """
        other, machine = made.negative_phase, base.machine()
        if bool(self.stored.is_known()):
            record = self.stored.read().mapped(transform, transform)
            is_stale = bool(self.is_stale(machine))
            now = self.stored.fingerprint if is_stale else fingerprint(made.machine())
            other.stored.assign(record, now)
        if bool(self.are_chains_stale(machine)):
            other.chains.fingerprint.assign(self.chains.fingerprint)
