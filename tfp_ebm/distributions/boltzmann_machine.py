"""The base class of distributions whose log partition function has to be estimated."""

from typing import Any

import tensorflow as tf

from tfp_ebm.distributions.machine_options import DEFAULTS, with_machine_options
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, distribution_arguments
from tfp_ebm.internal.enumeration import StateMixture
from tfp_ebm.internal.observed import observe
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.spelled_options import arguments_of
from tfp_ebm.internal.tfp_private import batch_shape_lib, ps, slicing
from tfp_ebm.internal.types import Count, Seed, TensorLike
from tfp_ebm.mcmc import PersistentChains
from tfp_ebm.mcmc.chain_options import with_chain_options
from tfp_ebm.partition import (
    LogPartition,
    StoredLogPartition,
    annealed_importance_sampling,
    bidirectional_annealing,
    enumerate_log_partition,
    log_prob_bounds,
)
from tfp_ebm.partition.energy_based import EnergyBased
from tfp_ebm.partition.negative_phase import MAX_EXACT_UNITS, NegativePhase

__all__ = ["BoltzmannMachine"]

# Up to 2^20 states are summed when an estimate is asked for, within seconds.
_MAX_SUMMED_UNITS = 20


class BoltzmannMachine(EnergyBased):
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
    `_unnormalized_log_prob`; they keep their parameters before they call this constructor.

    What all of them do, on one of them:

    >>> from tfp_ebm import distributions
    >>> rbm = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2, delta=2.5)
    >>> isinstance(rbm, distributions.BoltzmannMachine), rbm.log_partition().shape
    (True, TensorShape([]))
    """

    def __init_subclass__(cls) -> None:
        """Spells options out in the signatures and docstrings of constructors and creators."""
        super().__init_subclass__()
        for name, member in vars(cls).items():
            if name == "__init__":
                with_machine_options(member)
            elif name.startswith("create"):
                with_chain_options(member.__func__)

    def __init__(self, dtype: tf.DType, parameters: dict[str, Any], name: str) -> None:
        """Starts what the subclass with these arguments needs to be sampled.

        Args:
          dtype: dtype of the parameters.
          parameters: the arguments of the subclass's constructor, its `dict(locals())`, in which
            `options` are `MachineOptions`.
          name: name of the scope.
        """
        parameters = arguments_of(type(self).__name__, parameters, DEFAULTS)
        super().__init__(**distribution_arguments(dtype, parameters, name))
        steps = parameters["num_gibbs_steps"]
        self._num_gibbs_steps = checks.positive_integer("num_gibbs_steps", steps)
        self._own(
            NegativePhase(
                self.machine(), self.batch_shape, dtype, parameters["chains"], type(self).__name__
            )
        )

    def _own(self, negative_phase: NegativePhase) -> None:
        self._negative_phase = negative_phase
        # Checkpoints know its parts by these names.
        self._chains = negative_phase.chains
        self._stored_log_partition = negative_phase.stored

    def machine(self) -> AnnealedMachine:
        """Returns the machine at the current parameters, as a nest of tensors."""
        raise NotImplementedError(f"{type(self).__name__} must implement `machine`.")

    def log_partition_offset(self) -> tf.Tensor:
        """Returns the part of log Z that has a closed form, `[*batch_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement `log_partition_offset`.")

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Draws the state of a chain given a point, from its exact conditional distribution.

        Args:
          value: `[..., *event_shape]`.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          `[..., *batch_shape, n]`, what `machine().sweep` moves.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `chain_state`.")

    def _num_enumerated(self) -> int:
        return self.machine().num_enumerated

    negative_phase = Given[NegativePhase]("The chains and the stored log Z, as one part.")
    chains = Given[PersistentChains | None]("The persistent chains, or None.")
    stored_log_partition = Given[StoredLogPartition | None](
        "The variables of the last estimate of log Z of the machine, or None if always exact."
    )

    def is_log_partition_stale(self) -> tf.Tensor:
        """Whether log Z has to be estimated before values are read; a boolean scalar.

        Parameters moved since it was, it never was, or the chains that follow it have lost it, by
        more than 0.1 nats of standard error.
        """
        return self._negative_phase.is_stale(self.machine())

    def are_chains_stale(self) -> tf.Tensor:
        """Whether parameters moved since the chains did; a boolean scalar.

        False where there are no chains, or where they last moved in code compiled by XLA.
        """
        return self._negative_phase.are_chains_stale(self.machine())

    def _log_partition(self, value: tf.Tensor | None = None) -> tf.Tensor:
        machine = self.machine()
        if self._negative_phase.is_exact:
            return machine.enumerate_log_partition() + self.log_partition_offset()
        is_shown = value is not None and self._chains.starts_from_data
        data_units = self._data_units(value, None) if is_shown else None
        log_partition = self._negative_phase.log_partition(self, machine, data_units)
        return log_partition + self.log_partition_offset()

    def _data_units(self, value, seed):
        """Draws states of chains given points of any leading shape, `[k, *batch_shape, n]`."""
        states = self.chain_state(value, sanitize_seed(seed, salt="chain_state"))
        batch_rank = self.batch_shape.rank
        kept = ps.shape(states)[ps.rank(states) - 1 - batch_rank :]
        return tf.reshape(states, ps.concat([[-1], kept], axis=0))

    def _log_prob(self, value, **kwargs):
        observe(self, value)
        # One expression, so that -mean(log_prob) has both phases of the gradient: the data's in the
        # first term, the chains' in the second.
        return self._unnormalized_log_prob(value, **kwargs) - self._log_partition(value)

    def _estimate_log_partition(self, *annealing, max_rounds):
        if self._num_enumerated() <= _MAX_SUMMED_UNITS:
            estimate = enumerate_log_partition(self)
        elif checks.positive_integer("max_rounds", max_rounds, minimum=0):
            estimate = bidirectional_annealing(self, *annealing, max_rounds)
        else:
            estimate = annealed_importance_sampling(self, *annealing)
        self._store(estimate)
        return estimate

    log_prob_bounds = log_prob_bounds

    def _begun(self, seed: Seed) -> "BoltzmannMachine":
        """Returns the distribution, of small weights, with a first estimate of log Z."""
        self.estimate_log_partition(64, 50, seed=seed, max_rounds=0)
        return self

    def _store(self, estimate: LogPartition) -> None:
        offset = self.log_partition_offset()
        # What is stored is the machine's: the offset is in closed form, and follows the parameters.
        of_machine = estimate.mapped(lambda value: value - offset)
        self._negative_phase.store(of_machine, self.machine())

    def _store_uncoupled_log_partition(self) -> None:
        """Stores log Z of a machine whose weights are 0, where it has a closed form."""
        value = self.machine().reference_log_partition() + self.log_partition_offset()
        self._store(LogPartition.exact(value))

    def update_chains(
        self, num_steps: int | None = None, seed: Seed = None, value: TensorLike | None = None
    ) -> None:
        """Moves the chains to the current parameters; `WeightedChains` renew log Z too.

        Args:
          num_steps: number of sweeps of block Gibbs sampling; None: as many as the chains
            need, 2 or 6 of weighted ones, 25 of others.
          seed: seed; a pair of integers repeats exactly.
          value: `[..., *event_shape]`, the points of the last update, as `log_prob` takes them,
            from which weighted chains learn where to jump.
        """
        draw = None if value is None else lambda data_seed: self._data_units(value, data_seed)
        self._negative_phase.update(self.machine(), num_steps, seed, draw)

    def _draws_exactly(self) -> bool:
        """Whether samples are drawn by enumeration, without chains."""
        return self._num_enumerated() <= MAX_EXACT_UNITS

    def _enumerable_machine(self) -> AnnealedMachine:
        """Returns the machine, where moments are exact sums.

        Raises:
          NotImplementedError: if the machine is too large.
        """
        if self._draws_exactly():
            return self.machine()
        raise NotImplementedError(
            f"Moments of a {type(self).__name__} are sums over all states of the layer that is "
            f"enumerated, exact up to {MAX_EXACT_UNITS} units, here {self._num_enumerated()}; "
            "average `sample(...)` instead."
        )

    def _enumerate_units(self) -> StateMixture:
        return self._enumerable_machine().enumerate_units()

    def _sample_units(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws all units of the machine, `[num_samples, *batch_shape, N]`."""
        steps = self._num_gibbs_steps
        return self._negative_phase.sample(self.machine(), num_samples, steps, seed)

    def copy(self, **override_parameters_kwargs: Any) -> "BoltzmannMachine":
        """Returns a distribution with the same arguments but those given.

        * With the same parameters it shares chains and stored log Z, as it shares variables.
        * With other parameters, `copy(weights=...)`, it starts anew, as a new distribution does.

        A slice `base[...]` of a batch holds its members' log Z, and chains in variables of its own
        that start from the members' states; a `tf.function` cannot make one, having no variables.

        Args:
          **override_parameters_kwargs: arguments of the constructor.
        """
        overrides = override_parameters_kwargs
        if self._negative_phase.is_exact or "chains" in overrides:
            return super().copy(**overrides)
        if set(overrides) & set(self.parameter_properties()):
            return super().copy(chains=None, **overrides)
        copied = super().copy(chains=self._chains, **overrides)
        copied._own(self._negative_phase)
        return copied

    def __getitem__(self, slices: object) -> "BoltzmannMachine":
        """Returns a slice of the batch, as in TensorFlow Probability."""
        if self._negative_phase.is_exact:
            return super().__getitem__(slices)
        chains, cut = self._negative_phase.sliced_chains(slices, self.batch_shape.rank)
        sliced = slicing.batch_slice(self, {"chains": chains}, slices)
        self._negative_phase.hand_on(self, sliced, cut)
        return sliced

    def _broadcast_parameters_with_batch_shape(self, batch_shape):
        if self._negative_phase.is_exact:
            return super()._broadcast_parameters_with_batch_shape(batch_shape)
        overrides = batch_shape_lib.broadcast_parameters_with_batch_shape(self, batch_shape)
        chains, widen = self._negative_phase.broadcast_chains(batch_shape, self.batch_shape.rank)
        made = super().copy(chains=chains, **overrides)
        self._negative_phase.hand_on(self, made, widen)
        return made
