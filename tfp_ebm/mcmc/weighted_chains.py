"""Persistent chains that weigh and jump."""

from collections.abc import Callable

import tensorflow as tf

from tfp_ebm.internal import checks, importance, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.climbers import start_scouts
from tfp_ebm.mcmc.first_chains import LEAST_SHARE, first_chains
from tfp_ebm.mcmc.log_partition_filter import LogPartitionFilter
from tfp_ebm.mcmc.measured_jumps import Jumped, jump_and_measure, jump_where_due
from tfp_ebm.mcmc.memory import RecentStates, Scouts
from tfp_ebm.mcmc.mixing import CARRYING_ACCEPTANCE, LEAST_ACCEPTANCE, Mixing
from tfp_ebm.mcmc.persistent_chains import PersistentChains, per_replica_variable
from tfp_ebm.mcmc.weight_update import Followed, fingerprint_of_states, follow

__all__ = ["WeightedChains"]


class WeightedChains(PersistentChains):
    """Persistent chains with importance weights, jumps between modes, and log Z at every move.

    Persistent chains forget how much mass each mode has: they sit in all modes while the
    parameters move the mass into one of them, and nothing tells the gradient. Here each chain
    carries a weight that follows the parameters from theta to theta',

        A_i += f_theta'(x_i) - f_theta(x_i),      f = log marginal of the chain's state
        negative phase = sum_i softmax(A)_i grad f(x_i)

    with systematic resampling when the effective share of the weights falls below a half. Then
    chains jump (`tfp_ebm.mcmc.jumps`): Metropolis moves of the hidden layer, whole and in parts,
    proposed from its posterior given recent data and given what scouts find that start afresh all
    the time (`Scouts`; `Climbers` where the hidden layer is narrow), so that modes without data are
    found too. Then they sweep. Machines whose hidden layer has no marginal in closed form weigh
    and sweep only.

    `units`, which stand in the gradient, are the states before the last sweep, and the weights
    follow the states after it: parameters that a gradient leads to depend on the noise of its
    states, and followed from these log Z would be underestimated at every update. Where jumps are
    not accepted, as in wide layers, the states of the gradient are followed all the same: weights
    then take back at every update what the noise of the last one did, which learns better, and
    log Z counts as unknown until it is measured.

    log Z is followed by a Kalman filter: moves of the parameters add the log of the mean increment
    of the weights, with its variance, and the Bennett acceptance ratio of chains and proposals
    measures it anew wherever the two overlap. `log_partition` and `log_partition_variance` are
    those of the parameters of the last `advance`; the variance counts the draws' noise, made
    larger by the chains' autocorrelation, and not what neither chains nor proposals ever saw.

    The weights follow any change of the parameters, by whatever made it, from one `advance` to the
    next. Where they cannot, as after states were assigned by hand, all chains weigh the same and
    log Z counts as unknown until it is measured. Cost of a move beside the sweeps: the log marginal
    of the chains twice and, in every fourth move, four products of chains by hidden units by states
    that propose.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> chains = mcmc.WeightedChains.start(machine, num_chains=64, seed=(0, 1))
    >>> chains.advance(machine, num_steps=2, seed=(0, 2))
    >>> abs(float(chains.log_partition) - float(machine.enumerate_log_partition())) < 0.1
    True

    Source: Carbone, Hua, Coste and Vanden-Eijnden, "Efficient training of energy-based models using
    Jarzynski equality" (2023), for the weights; Neal, "Annealed importance sampling" (2001);
    Bennett, "Efficient estimation of free energy differences from Monte Carlo data" (1976).
    """

    def __init__(
        self,
        units: tf.Tensor,
        log_weights: tf.Tensor,
        log_marginals: tf.Tensor,
        log_partition: LogPartitionFilter,
        memory: RecentStates | None = None,
        scouts: Scouts | None = None,
        name: str | None = None,
    ) -> None:
        """Starts with a given state; `start` makes one.

        Args:
          units: `[num_chains, *batch_shape, n]`.
          log_weights: `[num_chains, *batch_shape]` float64.
          log_marginals: `[num_chains, *batch_shape]`, at the parameters that the chains stand for.
          log_partition: what is known of log Z at these parameters.
          memory: states of the data that propose jumps; None: no jumps.
          scouts: chains that find what the data do not have; None: no jumps.
          name: name of the module.

        Raises:
          ValueError: if `units` has no axis of chains.
        """
        super().__init__(units, name=name or "weighted_chains")
        none = tf.zeros_like(log_partition.variance)
        self._memory, self._scouts = memory, scouts
        with self.name_scope:
            self.log_weights = per_replica_variable(log_weights, "log_weights")
            self.log_marginals = per_replica_variable(log_marginals, "log_marginals")
            self._log_partition = per_replica_variable(log_partition.value, "log_partition")
            self._variance = per_replica_variable(log_partition.variance, "variance")
            self._acceptance = per_replica_variable(none + 1, "acceptance")
            self._duplicates = per_replica_variable(none, "duplicates")
            self._num_resamplings = per_replica_variable(tf.cast(none, tf.int32), "resamplings")
            self._followed = per_replica_variable(units, "followed")
            of_states = self._fingerprint_of_states()
            self._of_states = per_replica_variable(of_states, "fingerprint_of_states")
            self._num_moves = per_replica_variable(tf.constant(0), "num_moves")

    @property
    def log_partition(self) -> tf.Tensor:
        """The log Z of the machine at the parameters of the last move, `[*batch_shape]` float64."""
        return tf.convert_to_tensor(self._log_partition)

    @property
    def log_partition_variance(self) -> tf.Tensor:
        """The variance of `log_partition`, `[*batch_shape]` float64."""
        return tf.convert_to_tensor(self._variance)

    @property
    def acceptance(self) -> tf.Tensor:
        """Mean share of whole jumps that are accepted, `[*batch_shape]`; 1 before the first."""
        return tf.convert_to_tensor(self._acceptance)

    @property
    def effective_share(self) -> tf.Tensor:
        """What the weights are worth, as a share of the chains, `[*batch_shape]`."""
        return importance.effective_share(tf.convert_to_tensor(self.log_weights))

    @property
    def num_resamplings(self) -> tf.Tensor:
        """How often the chains were drawn again, `[*batch_shape]` int32."""
        return tf.convert_to_tensor(self._num_resamplings)

    def num_sweeps_needed(self) -> tf.Tensor:
        """Returns 2 where jumps carry the chains of every machine of a batch, else 6."""
        return tf.where(self._jumps_are_accepted(CARRYING_ACCEPTANCE), 2, 6)

    def _jumps_are_accepted(self, least=LEAST_ACCEPTANCE):
        return tf.reduce_all(self.acceptance >= least) & (self._memory is not None)

    def _follows_gradient(self):
        """Whether weights follow the states of the gradient, not those of a sweep later."""
        return tf.logical_not(self._memory is None or self._jumps_are_accepted())

    def figures(self) -> dict[str, tf.Tensor]:
        """Returns the least acceptance and effective share, and the most resamplings."""
        return {
            "acceptance": tf.reduce_min(self.acceptance),
            "effective_share": tf.reduce_min(self.effective_share),
            "resamplings": tf.reduce_max(self.num_resamplings),
        }

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the weighted mean over the chains, `[*batch_shape]`."""
        weights = tf.nn.softmax(tf.convert_to_tensor(self.log_weights), axis=0)
        return tf.reduce_sum(tf.cast(weights, values.dtype) * values, axis=0)

    def restart(self, machine: AnnealedMachine, seed: Seed = None) -> None:
        """Starts every chain and scout afresh from the machine's independent reference."""
        chain_seed, scout_seed = samplers.split_seed(
            sanitize_seed(seed, salt="weighted_chains_restart"), n=2
        )
        units, weights, log_partition = first_chains(machine, self.num_chains, chain_seed)
        self.belong_to(machine)
        self.log_weights.assign(weights)
        self._duplicates.assign(tf.zeros_like(self._duplicates))
        self._set_states(machine, units, units)
        self._keep(log_partition)
        if self._scouts is not None:
            self._scouts.restart(machine, scout_seed)

    def advance(
        self,
        machine: AnnealedMachine,
        num_steps: Count,
        seed: Seed = None,
        data_units: tf.Tensor | None = None,
    ) -> None:
        """Moves weights, log Z and chains to a machine's parameters: see the class.

        Args:
          machine: the machine at the new parameters.
          num_steps: number of sweeps after the jumps, 0 or more.
          seed: seed; a pair of integers repeats exactly.
          data_units: `[k, *batch_shape, n]`, states drawn given data, which join the memory.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if the chains do not fit it, or `num_steps` is negative.
        """
        num_steps = states.num_sweeps(num_steps)
        states.states("units", self.units, machine)
        # By the number of the move, so that one seed may be given to every call.
        seed = samplers.fold_in(sanitize_seed(seed, salt="weighted_chains"), self._num_moves)
        follow_seed, resample_seed, jump_seed, scout_seed, sweep_seed = samplers.split_seed(
            seed, n=5
        )
        machine = tf.nest.map_structure(tf.stop_gradient, machine)
        units = self._resample(self._follow(machine, follow_seed), resample_seed)
        if self._memory is not None and self._scouts is not None:
            if data_units is not None:
                self._memory.add(tf.stop_gradient(data_units))
            self._scouts.move(machine, scout_seed)
            units = self._jump(machine, units, jump_seed)
        self._sweep(machine, units, num_steps, sweep_seed)
        self._num_moves.assign(self._num_moves + 1)
        self._count(machine, num_steps)
        self.belong_to(machine)  # Without a sweep too: the weights have followed.

    def _sweep(self, machine, units, num_steps, seed):
        first = self._next_sweep()
        before = tf.where(self._follows_gradient(), num_steps, tf.maximum(num_steps - 1, 0))
        units = block_gibbs.run(machine, units, before, seed, first=first)
        last = block_gibbs.run(machine, units, num_steps - before, seed, first=first + before)
        self._set_states(machine, units, last)

    def _set_states(self, machine, units, followed):
        self.units.assign(units)
        self._followed.assign(followed)
        self.log_marginals.assign(machine.log_marginal(followed))
        self._of_states.assign(self._fingerprint_of_states())

    def _mixing(self):
        return Mixing(self.acceptance, tf.convert_to_tensor(self._duplicates))

    def _filter(self):
        return LogPartitionFilter(self.log_partition, self.log_partition_variance)

    def _keep(self, log_partition):
        self._log_partition.assign(log_partition.value)
        self._variance.assign(log_partition.variance)

    def _follow(self, machine, seed):
        """Moves weights and log Z to the machine's parameters, and returns the chains."""
        is_known = tf.reduce_all(tf.equal(self._of_states, self._fingerprint_of_states()))
        units = tf.where(is_known, self._followed, self.units)
        weights = tf.convert_to_tensor(self.log_weights)
        chains = Followed(units, weights, self._filter())
        marginals = tf.convert_to_tensor(self.log_marginals)
        chains = follow(machine, chains, marginals, self._mixing().inflation, is_known, seed)
        self.log_weights.assign(chains.log_weights)
        self._keep(chains.log_partition.lost_where(self._follows_gradient()))
        return chains.units

    def _fingerprint_of_states(self):
        """Returns numbers that tell whether weights and log marginals belong to the states."""
        return fingerprint_of_states(self.units, self.log_weights, self.log_marginals)

    def _resample(self, units, seed):
        """Returns the chains, drawn again where their weights are worth little."""
        weights = tf.convert_to_tensor(self.log_weights)
        share = importance.effective_share(weights)
        units, weights, is_poor = importance.resample_where_poor(units, weights, LEAST_SHARE, seed)
        self.log_weights.assign(weights)
        self._duplicates.assign(self._mixing().resampled(share, is_poor).duplicates)
        self._num_resamplings.assign(self._num_resamplings + tf.cast(is_poor, tf.int32))
        return units

    def _jump(self, machine, units, seed):
        """Returns the chains after their jumps, and measures log Z."""
        state = Jumped(units, self._filter(), self._mixing())
        log_weights = tf.convert_to_tensor(self.log_weights)

        def jump():
            found = self._scouts.proposing(machine, seed)
            proposing = tf.concat([self._memory.states, found], axis=0)
            return jump_and_measure(machine, state, proposing, log_weights, seed)

        num_moves = tf.convert_to_tensor(self._num_moves)
        jumped = jump_where_due(jump, state, num_moves, self._jumps_are_accepted())
        self._keep(jumped.log_partition)
        self._acceptance.assign(jumped.mixing.acceptance)
        self._duplicates.assign(jumped.mixing.duplicates)
        return jumped.units

    def draw(self, num_samples: Count, seed: Seed = None) -> tf.Tensor:
        """Returns states as `PersistentChains.draw` does, in proportion to their weights."""
        resample_seed, seed = samplers.split_seed(
            sanitize_seed(seed, salt="weighted_chains_draw"), n=2
        )
        chosen = importance.systematic_resampling(self.log_weights, resample_seed)
        equal = importance.take(tf.convert_to_tensor(self.units), chosen)
        order = tf.argsort(samplers.uniform([self.num_chains], seed=seed))
        return tf.gather(equal, tf.gather(order, tf.range(num_samples) % self.num_chains))

    def transformed(self, transform: Callable[[tf.Tensor], tf.Tensor]) -> "WeightedChains":
        """Returns chains in variables of their own, from transformed states and weights."""

        def of_batch(values):
            return transform(tf.convert_to_tensor(values)[..., tf.newaxis])[..., 0]

        chains = type(self)(
            transform(self.units),
            of_batch(self.log_weights),
            of_batch(self.log_marginals),
            LogPartitionFilter(of_batch(self._log_partition), of_batch(self._variance)),
            self._memory and self._memory.transformed(transform),
            self._scouts and self._scouts.transformed(transform),
            name=self.name,
        )
        chains._acceptance.assign(of_batch(self._acceptance))
        chains._duplicates.assign(of_batch(self._duplicates))
        chains._followed.assign(transform(self._followed))
        chains._num_resamplings.assign(of_batch(self._num_resamplings))
        return chains

    @classmethod
    def start(
        cls,
        machine: AnnealedMachine,
        num_chains: int,
        seed: Seed = None,
        memory_size: int = 256,
        num_scouts: int | None = None,
    ) -> "WeightedChains":
        """Returns chains that start from the machine's independent reference, annealed if need be.

        Args:
          machine: the machine.
          num_chains: number of chains.
          seed: seed of their states.
          memory_size: how many recent states of the data propose jumps.
          num_scouts: how many scouts are on their way. None: 64 where they climb, in hidden layers
            of at most 32 units, and 32 where they sweep.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if another argument does not fit.
        """
        states.check_machine(machine)
        num_chains = checks.positive_integer("num_chains", num_chains)
        memory_size = checks.positive_integer("memory_size", memory_size)
        if num_scouts is not None:
            num_scouts = checks.positive_integer("num_scouts", num_scouts)
        seed = sanitize_seed(seed, salt="weighted_chains_start")
        chain_seed, memory_seed, scout_seed = samplers.split_seed(seed, n=3)
        units, weights, log_partition = first_chains(machine, num_chains, chain_seed)
        memory = scouts = None
        if hasattr(machine, "log_latent_weight"):
            memory = RecentStates(machine.sample_reference(memory_size, memory_seed))
            scouts = start_scouts(machine, num_scouts, max(1, memory_size // 4), scout_seed)
        log_marginals = machine.log_marginal(units)
        chains = cls(units, weights, log_marginals, log_partition, memory, scouts)
        chains.belong_to(machine)
        return chains
