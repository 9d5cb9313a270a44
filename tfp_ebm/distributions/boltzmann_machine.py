"""The base class of distributions whose log partition function has to be estimated."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions.carried_state import CarriedState
from tfp_ebm.internal import checks
from tfp_ebm.internal.enumeration import StateMixture
from tfp_ebm.internal.fingerprint import fingerprint, has_changed
from tfp_ebm.internal.observed import observe
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import ps, samplers
from tfp_ebm.mcmc import PersistentChains, WeightedChains, block_gibbs, start_chains
from tfp_ebm.mcmc.chain_checks import check_chains
from tfp_ebm.partition import (
    LogPartition,
    LogProbBounds,
    StoredLogPartition,
    annealed_importance_sampling,
    bidirectional_annealing,
    combine_over_replicas,
    enumerate_log_partition,
    log_prob_bounds,
)
from tfp_ebm.partition.staleness import watch

__all__ = ["BoltzmannMachine"]

# Up to 2^12 states are summed afresh in every evaluation: always exact, never stale.
_MAX_EXACT_UNITS = 12
# Up to 2^20 states are summed when an estimate is asked for, within seconds.
_MAX_SUMMED_UNITS = 20


class BoltzmannMachine(CarriedState):
    """A distribution built on a machine with two layers, sampled by block Gibbs.

    The log partition function is that of the machine plus terms in closed form:

        log Z = log Z_machine + offset

    * With at most 12 units in the smaller layer, and no `chains` given, `log Z_machine` is summed
      exactly in every evaluation, gradient included: always right and never stale.
    * Otherwise its *value* is the stored estimate (that which its chains follow; exact by
      enumeration up to 20 units, or annealed, see `estimate_log_partition`) and its *gradient* that
      of

          log mean over chains of exp(f(v) - stop_gradient(f(v))),   f(v) = log sum_h exp(-E(v, h)),

      the negative phase of persistent contrastive divergence, the mean of f's gradients, weighted
      where the chains have weights. Second derivatives are estimated by the same chains, the mean
      of f's plus the covariance of its gradients. The chains move in `update_chains` only.

      It warns, once each, when a gradient runs through chains that have not moved since the
      parameters did, and when values outside of a gradient tape rest on log Z of other parameters;
      also in a `tf.function`. Code compiled by XLA warns of the first alone, and only of chains
      that have not moved when it is traced.

    The chains are weighted ones that jump and follow log Z (`tfp_ebm.mcmc.WeightedChains`). Other
    kinds give other gradients: persistent chains, a replay buffer, parallel tempering, or
    contrastive divergence, see `tfp_ebm.mcmc.start_chains`.

    `mean`, `variance`, `covariance` and, of spins and bits, `entropy` are exact with at most 12
    units in the smaller layer, and raise `NotImplementedError` otherwise.

    A machine owns variables, its chains and the stored log Z; what copies and slices make of them
    is said in `copy`. Therefore it is no composite tensor: a `tf.function` may use it, make a small
    one inside, and return its values and samples, but not the distribution itself. The classes
    without chains, `DiscreteMixture`, `BipartiteNormal` and `IndependentSpins`, are composite.

    Subclasses give `machine()`, `log_partition_offset()`, `chain_state` and
    `_unnormalized_log_prob`, and call `_set_up_sampling` at the end of their constructor.
    """

    def machine(self) -> AnnealedMachine:
        """Returns the machine at the current parameters, as a nest of tensors."""
        raise NotImplementedError(f"{type(self).__name__} must implement `machine`.")

    def log_partition_offset(self) -> tf.Tensor:
        """Returns the part of log Z that has a closed form, `[*batch_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement `log_partition_offset`.")

    def chain_state(self, value: Any, seed: Any = None) -> tf.Tensor:
        """Draws the state of a chain given a point, from its exact conditional distribution.

        Args:
          value: `[..., *event_shape]`.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          `[..., *batch_shape, n]`, what `machine().sweep` moves.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `chain_state`.")

    def _set_up_sampling(
        self,
        chains: PersistentChains | None,
        num_gibbs_steps: int,
        num_chains: int = 512,
        seed: Any = None,
    ) -> None:
        self._num_gibbs_steps = checks.positive_integer("num_gibbs_steps", num_gibbs_steps)
        self._is_exact = chains is None and self._num_enumerated() <= _MAX_EXACT_UNITS
        if not self._is_exact and not tf.executing_eagerly():
            raise ValueError(
                f"A {type(self).__name__} with `chains`, or with more than {_MAX_EXACT_UNITS} "
                f"units in the layer that is enumerated (here {self._num_enumerated()}), owns "
                "variables, which a `tf.function` cannot make: construct it outside."
            )
        if chains is None and not self._is_exact:
            chains = WeightedChains.start(self.machine(), num_chains, seed)
        elif chains is not None:
            check_chains(chains, self.machine(), self.dtype)
        self._chains = chains
        self._stored_log_partition = (
            None if self._is_exact else StoredLogPartition(self.batch_shape, self.dtype)
        )

    @staticmethod
    def _start_chains(
        machine: AnnealedMachine,
        sampler: str | None,
        num_chains: int,
        seed: Any,
        options: dict[str, Any] | None = None,
    ) -> PersistentChains | None:
        """Returns chains, or None where no sampler is asked for and exact sums need none."""
        if sampler is None and machine.num_enumerated <= _MAX_EXACT_UNITS:
            return None
        return start_chains(sampler or "weighted", machine, num_chains, seed, **(options or {}))

    def _num_enumerated(self) -> int:
        return self.machine().num_enumerated

    @property
    def chains(self) -> PersistentChains | None:
        """The persistent chains, or None."""
        return self._chains

    @property
    def stored_log_partition(self) -> StoredLogPartition | None:
        """The variables of the last estimate of log Z of the machine, or None if always exact."""
        return self._stored_log_partition

    def _fingerprint(self) -> tf.Tensor:
        """Returns numbers that tell the present parameters of the machine from all others."""
        return fingerprint(self.machine())

    def is_log_partition_stale(self) -> tf.Tensor:
        """Whether log Z has to be estimated before values are read; a boolean scalar.

        Parameters moved since it was, it never was, or the chains that follow it have lost it, by
        more than 0.1 nats of standard error.
        """
        if self._is_exact:
            return tf.constant(False)
        stored = self._stored_log_partition
        has_moved = tf.reduce_any(tf.not_equal(stored.fingerprint, self._fingerprint()))
        return has_moved | tf.logical_not(stored.is_known()) | stored.is_lost()

    def are_chains_stale(self) -> tf.Tensor:
        """Whether parameters moved since the chains did; a boolean scalar.

        False where there are no chains, or where they last moved in code compiled by XLA.
        """
        if self._chains is None:
            return tf.constant(False)
        return has_changed(self._chains.fingerprint, self._fingerprint())

    def _log_partition(self, value: tf.Tensor | None = None) -> tf.Tensor:
        if self._is_exact:
            return self.machine().enumerate_log_partition() + self.log_partition_offset()
        with tf.control_dependencies(self._check_known()):
            estimate = tf.identity(self._stored_log_partition.value)
        machine = self.machine()
        is_shown = value is not None and self._chains.starts_from_data
        data_units = self._data_units(value, None) if is_shown else None
        chains = tf.stop_gradient(self._chains.negative_units(machine, data_units))
        log_marginal = machine.log_marginal(chains)
        # Its value is 0.
        relative = tf.exp(log_marginal - tf.stop_gradient(log_marginal))
        negative_phase = tf.math.log(self._chains.mean(relative))
        kept = self._chains if data_units is None else None
        negative_phase = watch(self, negative_phase, machine, kept)
        return tf.stop_gradient(estimate) + negative_phase + self.log_partition_offset()

    def _data_units(self, value, seed):
        """Draws states of chains given points of any leading shape, `[k, *batch_shape, n]`."""
        states = self.chain_state(value, sanitize_seed(seed, salt="chain_state"))
        batch_rank = self.batch_shape.rank
        kept = ps.shape(states)[ps.rank(states) - 1 - batch_rank :]
        return tf.reshape(states, ps.concat([[-1], kept], axis=0))

    def _log_prob(self, value, **kwargs):
        observe(self, value)
        return self._unnormalized_log_prob(value, **kwargs) - self._log_partition(value)

    def _check_known(self):
        message = (
            f"The log partition function of `{self.name}` is unknown: call "
            "`estimate_log_partition()` once before `log_prob`."
        )
        known = self._stored_log_partition.is_known()
        if tf.executing_eagerly():
            if not bool(known):
                raise ValueError(message)
            return []
        return [tf.debugging.Assert(known, [message])]

    def estimate_log_partition(
        self,
        num_chains: int = 256,
        num_steps: int = 1000,
        schedule: Any = "linear",
        seed: Any = None,
        progress: Callable[[float], None] | None = None,
        max_rounds: int = 2,
    ) -> LogPartition:
        """Estimates log Z, keeps it for `log_prob`, and returns it with its error.

        Layers of at most 20 units are enumerated; larger ones are annealed both ways along two
        paths, and it warns where these disagree (`tfp_ebm.partition.bidirectional_annealing`).

        Args:
          num_chains: number of annealed chains.
          num_steps: number of temperatures.
          schedule: `"linear"`, `"geometric"`, `"adaptive"`, or the inverse temperatures.
          seed: seed; a pair of integers repeats exactly.
          progress: called now and then with the share of annealing that is done.
          max_rounds: how often they are tried until they agree, with three times the steps each
            time; 0: annealing goes one way only, unchecked, in about a quarter of a round's time
            (`tfp_ebm.partition.annealed_importance_sampling`).

        Returns:
          A `tfp_ebm.partition.LogPartition`, in nats.
        """
        if self._num_enumerated() <= _MAX_SUMMED_UNITS:
            estimate = enumerate_log_partition(self)
        else:
            arguments = (self, num_chains, num_steps, schedule, seed, progress)
            if checks.positive_integer("max_rounds", max_rounds, minimum=0):
                estimate = bidirectional_annealing(*arguments, max_rounds)
            else:
                estimate = annealed_importance_sampling(*arguments)
        self._store(estimate)
        return estimate

    def log_prob_bounds(
        self,
        value: Any,
        num_chains: int = 256,
        num_reverse_chains: int = 16,
        num_steps: int = 1000,
        schedule: Any = "linear",
        seed: Any = None,
    ) -> LogProbBounds:
        """Brackets `log_prob(value)` between two annealed estimates, in nats.

        Args:
          value: `[..., *event_shape]`, the points.
          num_chains: number of forward chains.
          num_reverse_chains: number of reverse chains at every point.
          num_steps: number of temperatures.
          schedule: as in `estimate_log_partition`.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          A `tfp_ebm.partition.LogProbBounds`: `lower`, `upper`, and the records behind them.
        """
        return log_prob_bounds(
            self, value, num_chains, num_reverse_chains, num_steps, schedule, seed
        )

    def _store(self, estimate: LogPartition) -> None:
        if self._stored_log_partition is not None:
            offset = self.log_partition_offset()
            of_machine = estimate.mapped(lambda value: value - offset)
            self._stored_log_partition.assign(of_machine, self._fingerprint())

    def _store_uncoupled_log_partition(self) -> None:
        """Stores log Z of a machine whose weights are 0, where it has a closed form."""
        value = self.machine().reference_log_partition() + self.log_partition_offset()
        self._store(LogPartition.exact(value))

    def update_chains(
        self, num_steps: int | None = None, seed: Any = None, value: Any = None
    ) -> None:
        """Moves the chains to the current parameters; `WeightedChains` renew log Z too.

        Args:
          num_steps: number of sweeps of block Gibbs sampling; None: as many as the chains
            need, 2 or 6 of weighted ones, 25 of others.
          seed: seed; a pair of integers repeats exactly.
          value: `[..., *event_shape]`, the points of the last update, from which weighted chains
            learn where to jump.
        """
        if num_steps is None and self._chains is not None:
            num_steps = self._chains.num_sweeps_needed()
        if isinstance(self._chains, WeightedChains):
            seed, data_seed = samplers.split_seed(seed, n=2, salt="update_chains")
            shown = None if value is None else self._data_units(value, data_seed)
            self._chains.advance(self.machine(), num_steps, seed, shown)
            record = combine_over_replicas(LogPartition.running(self._chains))
            self._stored_log_partition.assign(record, self._fingerprint())
        elif self._chains is not None:
            self._chains.advance(self.machine(), num_steps, seed)

    def _draws_exactly(self) -> bool:
        """Whether samples are drawn by enumeration, without chains."""
        return self._num_enumerated() <= _MAX_EXACT_UNITS

    def _enumerable_machine(self) -> AnnealedMachine:
        """Returns the machine, where moments are exact sums.

        Raises:
          NotImplementedError: if the machine is too large.
        """
        if self._draws_exactly():
            return self.machine()
        raise NotImplementedError(
            f"Moments of a {type(self).__name__} are sums over all states of the layer that is "
            f"enumerated, exact up to {_MAX_EXACT_UNITS} units, here {self._num_enumerated()}; "
            "average `sample(...)` instead."
        )

    def _enumerate_units(self) -> StateMixture:
        return self._enumerable_machine().enumerate_units()

    def _sample_units(self, num_samples: Any, seed: Any) -> tf.Tensor:
        """Draws all units of the machine, `[num_samples, *batch_shape, N]`.

        Exact and independent for small layers; otherwise `num_gibbs_steps` sweeps from the
        persistent chains, which stay where they are.
        """
        machine = self.machine()
        state_seed, run_seed, unit_seed = samplers.split_seed(seed, n=3, salt="sample_units")
        if self._draws_exactly():
            state = machine.sample_exactly(num_samples, state_seed)
        else:
            start = self._chains.draw(num_samples, state_seed)
            state = block_gibbs.run(machine, start, self._num_gibbs_steps, run_seed)
        return tf.stop_gradient(machine.complete(state, unit_seed))
