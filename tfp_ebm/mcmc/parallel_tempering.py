"""Replica exchange: hot chains that carry cold ones between modes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.mcmc.persistent_chains import PersistentChains, per_replica_variable

__all__ = ["ParallelTempering"]


class ParallelTempering(PersistentChains):
    """Persistent chains at several inverse temperatures that exchange their states.

    After each sweep neighbouring temperatures i and i + 1 (even pairs and odd pairs in turn)
    exchange states with probability

        min(1, exp(f_i(v_{i+1}) + f_{i+1}(v_i) - f_i(v_i) - f_{i+1}(v_{i+1})))

    where `f_i` is the log marginal at temperature i. Near inverse temperature 0 the units are
    independent, so that states there change mode in one sweep. `units` are the chains at 1.
    A sweep costs as many sweeps as there are temperatures.

    Source: Swendsen and Wang, "Replica Monte Carlo simulation of spin-glasses" (1986);
    Desjardins et al., "Tempered Markov chain Monte Carlo for training of restricted Boltzmann
    machines" (2010).
    """

    def __init__(
        self,
        units: tf.Tensor,
        inverse_temperatures: Sequence[float] | int = 10,
        name: str | None = None,
    ) -> None:
        """Starts the chains.

        Args:
          units: `[num_chains, *batch_shape, n]`, the first states at every temperature.
          inverse_temperatures: increasing numbers from 0 or more to exactly 1; or how many, evenly
            spaced from 0 to 1.
          name: name of the module.

        Raises:
          ValueError: if the inverse temperatures do not increase to 1.
        """
        super().__init__(units, name=name or "parallel_tempering")
        if isinstance(inverse_temperatures, int):
            count = checks.positive_integer("inverse_temperatures", inverse_temperatures, minimum=2)
            inverse_temperatures = np.linspace(0.0, 1.0, count)
        betas = np.asarray(inverse_temperatures, np.float64)
        if betas.ndim != 1 or len(betas) < 2 or betas[0] < 0 or np.any(np.diff(betas) <= 0):
            raise ValueError(
                "`inverse_temperatures` must be at least two increasing numbers from 0 or more to "
                f"1, got {inverse_temperatures!r}."
            )
        if betas[-1] != 1:
            raise ValueError(
                f"`inverse_temperatures` must end at 1, the machine itself, got {betas[-1]}."
            )
        shape = [len(betas)] + [1] * self.units.shape.rank
        self._betas = tf.constant(betas.reshape(shape), self.units.dtype)
        with self.name_scope:
            replicas = tf.repeat(tf.convert_to_tensor(self.units)[tf.newaxis], len(betas), axis=0)
            self.replicas = per_replica_variable(replicas, "replicas")
            self.swap_rates = per_replica_variable(
                tf.zeros([len(betas) - 1], self.units.dtype), "swap_rates"
            )

    def restart(self, machine: AnnealedMachine, seed: Any = None) -> None:
        """Starts every chain, at all temperatures, from the machine's independent reference."""
        super().restart(machine, seed)
        self.replicas.assign(tf.broadcast_to(self.units, self.replicas.shape))

    def advance(self, machine: AnnealedMachine, num_steps: int, seed: Any = None) -> None:
        """Moves every replica by `num_steps` sweeps, with an attempt to swap after each.

        `swap_rates`, `[num_temperatures - 1]`, then holds the share of accepted swaps.
        """
        seed = samplers.sanitize_seed(seed, salt="parallel_tempering")
        machine = tf.nest.map_structure(tf.stop_gradient, machine)
        num_steps = tf.convert_to_tensor(num_steps, tf.int32)
        replicas, swap_rates = _exchange(machine, self.replicas, self._betas, num_steps, seed)
        self.replicas.assign(replicas)
        self.swap_rates.assign(swap_rates)
        self.units.assign(replicas[-1])


@tf.function(autograph=False)
def _exchange(machine, replicas, betas, num_steps, seed):
    """Returns the replicas after `num_steps` sweeps and swaps, and the rates of acceptance."""
    count = betas.shape[0]
    pair_parity = tf.range(count - 1) % 2

    def body(index, replicas, accepted):
        step_seed = samplers.fold_in(seed, index)
        sweep_seed, swap_seed = samplers.split_seed(step_seed, n=2, salt="exchange")
        replicas = tf.ensure_shape(machine.sweep(replicas, betas, sweep_seed), replicas.shape)
        log_ratio = machine.log_marginal_increment(
            replicas[:-1], betas[:-1], betas[1:]
        ) + machine.log_marginal_increment(replicas[1:], betas[1:], betas[:-1])
        uniform = samplers.uniform(tf.shape(log_ratio), seed=swap_seed, dtype=log_ratio.dtype)
        is_tried = tf.reshape(
            tf.equal(pair_parity, index % 2), [count - 1] + [1] * (log_ratio.shape.rank - 1)
        )
        swap = tf.logical_and(is_tried, tf.math.log(uniform) < log_ratio)
        rates = tf.reduce_mean(tf.cast(swap, accepted.dtype), axis=list(range(1, swap.shape.rank)))
        none = tf.zeros_like(swap[:1])
        takes_upper = tf.concat([swap, none], axis=0)[..., tf.newaxis]
        takes_lower = tf.concat([none, swap], axis=0)[..., tf.newaxis]
        from_upper, from_lower = tf.roll(replicas, -1, axis=0), tf.roll(replicas, 1, axis=0)
        replicas = tf.where(takes_upper, from_upper, tf.where(takes_lower, from_lower, replicas))
        return index + 1, replicas, accepted + rates

    accepted = tf.zeros([count - 1], replicas.dtype)
    _, replicas, accepted = tf.while_loop(
        lambda index, *_: index < num_steps, body, (0, replicas, accepted), parallel_iterations=1
    )
    if hasattr(machine, "refresh"):  # States that changed temperature leave parts of them behind.
        refresh_seed = samplers.split_seed(seed, n=2, salt="refresh")[1]
        replicas = tf.ensure_shape(machine.refresh(replicas, betas, refresh_seed), replicas.shape)
    # A pair is tried in every second step, even pairs first.
    tries = (num_steps + 1 - pair_parity) // 2
    return replicas, tf.math.divide_no_nan(accepted, tf.cast(tries, accepted.dtype))
