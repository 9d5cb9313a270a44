"""Replica exchange: hot chains that carry cold ones between modes."""

import math
import numbers
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike
from tfp_ebm.mcmc.persistent_chains import PersistentChains, per_replica_variable

__all__ = ["ParallelTempering"]

# Rates of acceptance follow changes of the machine within about as many attempts of a pair.
_WINDOW = 100
# How far the logarithm of a gap moves in a sweep for a rate that is off by 1.
_ADAPTATION = 0.02


class ParallelTempering(PersistentChains):
    """Persistent chains at several inverse temperatures that exchange their states.

    After each sweep neighbouring temperatures i and i + 1 exchange states, even pairs after even
    sweeps and odd pairs after odd ones as `num_sweeps` counts them, however they are spread over
    calls of `advance`, with probability

        min(1, exp(f_i(v_{i+1}) + f_{i+1}(v_i) - f_i(v_i) - f_{i+1}(v_{i+1})))

    where `f_i` is the log marginal at temperature i. Near inverse temperature 0 the units are
    independent, so that states there change mode in one sweep. `units` are the chains at 1.
    A sweep costs as many sweeps as there are temperatures.

    Given their number, the temperatures adapt: gaps whose swaps are accepted more often than the
    others' widen, the others narrow, until all rates are equal. So they follow a machine that grows
    a barrier; states at temperatures on the move lag behind a little.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> chains = mcmc.ParallelTempering.start(machine, 8, seed=(0, 1), inverse_temperatures=4)
    >>> chains.advance(machine, num_steps=2, seed=(0, 2))
    >>> chains.units.shape
    TensorShape([8, 3])

    Source: Swendsen and Wang, "Replica Monte Carlo simulation of spin-glasses" (1986);
    Desjardins et al., "Tempered Markov chain Monte Carlo for training of restricted Boltzmann
    machines" (2010).
    """

    _state_variables = ("units", "replicas")

    def __init__(
        self,
        units: TensorLike,
        inverse_temperatures: Sequence[float] | int = 10,
        is_adaptive: bool | None = None,
        name: str | None = None,
    ) -> None:
        """Starts the chains.

        Args:
          units: `[num_chains, *batch_shape, n]`, the first states at every temperature.
          inverse_temperatures: increasing numbers from 0 or more to exactly 1; or how many, at
            first evenly spaced from 0 to 1.
          is_adaptive: whether those between the first and the last adapt to equal rates of swaps;
            None: if only their number is given.
          name: name of the module.

        Raises:
          ValueError: if `units` has no axis of chains, or the inverse temperatures do not increase
            to 1.
        """
        super().__init__(units, name=name or "parallel_tempering")
        betas = _checked(inverse_temperatures)
        if is_adaptive is None:
            is_adaptive = isinstance(inverse_temperatures, numbers.Integral)
        self._is_adaptive = is_adaptive
        shape = [len(betas)] + [1] * self.units.shape.rank
        with self.name_scope:
            self._betas = per_replica_variable(
                tf.constant(betas.reshape(shape), self.units.dtype), "inverse_temperatures"
            )
            replicas = tf.repeat(tf.convert_to_tensor(self.units)[tf.newaxis], len(betas), axis=0)
            self.replicas = per_replica_variable(replicas, "replicas")
            self._swap_rates = per_replica_variable(
                tf.zeros([len(betas) - 1], self.units.dtype), "swap_rates"
            )

    @property
    def inverse_temperatures(self) -> tf.Tensor:
        """The inverse temperatures now, `[num_temperatures]`."""
        return tf.reshape(self._betas, [-1])

    @property
    def swap_rates(self) -> tf.Tensor:
        """Shares of accepted swaps, `[num_temperatures - 1]`.

        The mean over all attempts of a pair up to its hundredth, from then on a moving average over
        about as many; NaN for a pair that was not tried yet.
        """
        is_tried = _num_attempts(self._swap_rates.shape[0], self.num_sweeps) > 0
        return tf.where(is_tried, self._swap_rates, math.nan)

    def _options(self):
        return {
            "inverse_temperatures": self._betas.numpy().reshape(-1),
            "is_adaptive": self._is_adaptive,
        }

    def restart(self, machine: AnnealedMachine, seed: Seed = None) -> None:
        """Starts every chain, at all temperatures, from the machine's independent reference.

        Args:
          machine: the machine.
          seed: seed of the states.
        """
        super().restart(machine, seed)
        self.replicas.assign(tf.broadcast_to(self.units, self.replicas.shape))

    def advance(self, machine: AnnealedMachine, num_steps: Count, seed: Seed = None) -> None:
        """Moves every replica as `PersistentChains.advance` does, with a try to swap a sweep."""
        num_steps = states.num_sweeps(num_steps)
        states.states("units", self.units, machine)
        seed = sanitize_seed(seed, salt="parallel_tempering")
        machine = tf.nest.map_structure(tf.stop_gradient, machine)
        first = self._next_sweep()
        kept = [tf.convert_to_tensor(part) for part in (self.replicas, self._swap_rates)]
        betas = tf.convert_to_tensor(self._betas)
        replicas, swap_rates = _exchange(machine, *kept, betas, first, num_steps, seed)
        self.replicas.assign(replicas)
        self._swap_rates.assign(swap_rates)
        self.units.assign(replicas[-1])
        self._count(machine, num_steps)
        if self._is_adaptive:
            self._betas.assign(_adapted(betas, self.swap_rates, num_steps))


def _checked(inverse_temperatures):
    """Returns inverse temperatures as an array."""
    if isinstance(inverse_temperatures, numbers.Integral):
        count = checks.positive_integer("inverse_temperatures", inverse_temperatures, minimum=2)
        inverse_temperatures = np.linspace(0.0, 1.0, count)
    betas = states.as_tensor("inverse_temperatures", inverse_temperatures, tf.float64).numpy()
    if betas.ndim != 1 or len(betas) < 2 or betas[0] < 0 or not np.all(np.diff(betas) > 0):
        raise ValueError(
            "`inverse_temperatures` must be at least two increasing numbers from 0 or more to "
            f"1, got {inverse_temperatures!r}."
        )
    if betas[-1] != 1:
        raise ValueError(
            f"`inverse_temperatures` must end at 1, the machine itself, got {betas[-1]}."
        )
    return betas


def _adapted(betas, swap_rates, num_steps):
    """Returns inverse temperatures whose rates of swaps differ less; the ends stay."""
    # A pair that was not tried yet is at the mean.
    is_known = tf.math.is_finite(swap_rates)
    rates = tf.where(is_known, swap_rates, 0.0)
    count = tf.cast(tf.math.count_nonzero(is_known), rates.dtype)
    mean = tf.math.divide_no_nan(tf.reduce_sum(rates), count)
    excess = tf.where(is_known, rates - mean, 0.0)
    flat = tf.reshape(betas, [-1])
    # A pair that swaps more often than the mean is too close; factors keep all gaps above 0.
    gaps = (flat[1:] - flat[:-1]) * tf.exp(_ADAPTATION * tf.cast(num_steps, rates.dtype) * excess)
    gaps *= (flat[-1] - flat[0]) / tf.reduce_sum(gaps)
    inner = flat[0] + tf.cumsum(gaps)[:-1]
    return tf.reshape(tf.concat([flat[:1], inner, flat[-1:]], axis=0), betas.shape)


def _num_attempts(num_pairs, num_sweeps):
    """Returns how often each pair was tried within a number of sweeps, even pairs first."""
    parity = tf.range(num_pairs, dtype=num_sweeps.dtype) % 2
    return (num_sweeps + 1 - parity) // 2


@tf.function(autograph=False)
def _exchange(machine, replicas, swap_rates, betas, first, num_steps, seed):
    """Returns the replicas after the sweeps and swaps from number `first` on, and the rates."""
    count = betas.shape[0]
    pair_parity = tf.range(count - 1) % 2

    def body(index, replicas, swap_rates):
        step_seed = samplers.fold_in(seed, index)
        sweep_seed, swap_seed = samplers.split_seed(step_seed, n=2, salt="exchange")
        replicas = tf.ensure_shape(machine.sweep(replicas, betas, sweep_seed), replicas.shape)
        log_ratio = machine.log_marginal_increment(
            replicas[:-1], betas[:-1], betas[1:]
        ) + machine.log_marginal_increment(replicas[1:], betas[1:], betas[:-1])
        uniform = samplers.uniform(tf.shape(log_ratio), seed=swap_seed, dtype=log_ratio.dtype)
        # Even and odd pairs in turn: neighbouring pairs share a replica, and could not both swap.
        is_tried = tf.equal(pair_parity, index % 2)
        of_all_chains = tf.reshape(is_tried, [count - 1] + [1] * (log_ratio.shape.rank - 1))
        swap = tf.logical_and(of_all_chains, tf.math.log(uniform) < log_ratio)
        share = tf.reduce_mean(
            tf.cast(swap, swap_rates.dtype), axis=list(range(1, swap.shape.rank))
        )
        attempts = tf.cast(_num_attempts(count - 1, index + 1), share.dtype)
        weight = 1 / tf.clip_by_value(attempts, 1.0, float(_WINDOW))
        swap_rates = tf.where(is_tried, swap_rates + weight * (share - swap_rates), swap_rates)
        none = tf.zeros_like(swap[:1])
        takes_upper = tf.concat([swap, none], axis=0)[..., tf.newaxis]
        takes_lower = tf.concat([none, swap], axis=0)[..., tf.newaxis]
        # By selection, not by indices: any batch of machines will do, and no scatter is compiled.
        from_upper, from_lower = tf.roll(replicas, -1, axis=0), tf.roll(replicas, 1, axis=0)
        replicas = tf.where(takes_upper, from_upper, tf.where(takes_lower, from_lower, replicas))
        return index + 1, replicas, swap_rates

    _, replicas, swap_rates = tf.while_loop(
        lambda index, *_: index < first + num_steps,
        body,
        (first, replicas, swap_rates),
        parallel_iterations=1,
    )
    if hasattr(machine, "refresh"):  # States that changed temperature leave parts of them behind.
        last_seed = samplers.fold_in(seed, first + num_steps)
        refresh_seed = samplers.split_seed(last_seed, n=2, salt="refresh")[1]
        replicas = tf.ensure_shape(machine.refresh(replicas, betas, refresh_seed), replicas.shape)
    return replicas, swap_rates
