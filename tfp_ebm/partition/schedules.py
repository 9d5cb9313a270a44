"""Sequences of inverse temperatures from 0 to 1."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed

__all__ = ["SCHEDULES", "inverse_temperatures"]

SCHEDULES = ("adaptive", "geometric", "linear")

_FIRST_GEOMETRIC = 1e-3
_PILOT_CHAINS = 64
_PILOT_STEPS = 100


def inverse_temperatures(
    schedule: str | Sequence[float], num_steps: int, machine: AnnealedMachine, seed: Seed = None
) -> tf.Tensor:
    """Returns inverse temperatures `0 = b_0 < b_1 < ... < b_num_steps = 1`.

    * `"linear"`: evenly spaced.
    * `"geometric"`: evenly spaced in the logarithm from 0.001 on, for machines whose order sets in
      at high temperature.
    * `"adaptive"`: by a short pilot run, steps inversely proportional to the standard deviation
      of the log weights' rate of change, so that every step adds equal variance.
    * a sequence of numbers: as given.

    >>> from tfp_ebm import distributions, partition
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> partition.inverse_temperatures("linear", 4, machine).numpy().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]

    Args:
      schedule: one of the names, or the numbers.
      num_steps: number of temperatures after the first; must agree with a sequence.
      machine: what is annealed; its dtype is the result's.
      seed: seed of the pilot run.

    Returns:
      `[num_steps + 1]`.

    Raises:
      TypeError: if `machine` is none.
      ValueError: if there is no such schedule, or a sequence does not increase from 0 to 1.
    """
    dtype = states.check_machine(machine)
    checks.positive_integer("num_steps", num_steps)
    if isinstance(schedule, str):
        checks.choice("schedule", schedule, SCHEDULES)
        if schedule == "linear":
            betas = np.linspace(0.0, 1.0, num_steps + 1)
        elif schedule == "geometric":
            betas = np.concatenate([[0.0], np.geomspace(_FIRST_GEOMETRIC, 1.0, num_steps)])
            betas[-1] = 1.0
        else:
            betas = _adaptive(machine, num_steps, seed)
    else:
        numbers = schedule.numpy() if hasattr(schedule, "numpy") else schedule
        betas = states.as_tensor("schedule", numbers, tf.float64).numpy()
        _check(betas, num_steps)
    return tf.constant(betas, dtype)


def _check(betas, num_steps):
    if betas.ndim != 1 or len(betas) != num_steps + 1:
        raise ValueError(
            f"`schedule` must hold `num_steps` + 1 = {num_steps + 1} inverse temperatures, got "
            f"shape {betas.shape}."
        )
    if betas[0] != 0 or betas[-1] != 1 or not np.all(np.diff(betas) > 0):
        raise ValueError(
            "`schedule` must increase strictly from 0 to 1, got "
            f"{betas[0]} ... {betas[-1]} with smallest step {np.diff(betas).min()}."
        )


def _adaptive(machine, num_steps, seed):
    """Returns a schedule whose steps add equal variance to the log weights of a pilot run."""
    pilot = np.linspace(0.0, 1.0, _PILOT_STEPS + 1)
    increments = _pilot_increments(
        machine,
        tf.constant(pilot, states.check_machine(machine)),
        samplers.sanitize_seed(seed, salt="adaptive_schedule"),
    ).numpy()
    deviation = increments.std(axis=1).reshape(_PILOT_STEPS, -1).max(axis=1)
    # No stretch of the path gets fewer than a tenth of its even share.
    rate = np.maximum(deviation, 0.1 * deviation.mean()) + 1e-12
    length = np.concatenate([[0.0], np.cumsum(rate)])
    betas = np.interp(np.linspace(0.0, length[-1], num_steps + 1), length, pilot)
    betas[0], betas[-1] = 0.0, 1.0
    return betas


@tf.function(autograph=False)
def _pilot_increments(machine, betas, seed):
    """Returns the log weights' increments of a short run, `[steps, chains, *batch_shape]`."""
    start_seed, loop_seed = samplers.split_seed(seed, n=2, salt="pilot")
    state = machine.sample_reference(_PILOT_CHAINS, start_seed)

    def body(carry, index):
        state, _ = carry
        increment = machine.log_marginal_increment(state, betas[index], betas[index + 1])
        moved = machine.sweep(state, betas[index + 1], samplers.fold_in(loop_seed, index))
        return tf.ensure_shape(moved, state.shape), increment

    first = machine.log_marginal_increment(state, betas[0], betas[0])
    _, increments = tf.scan(body, tf.range(_PILOT_STEPS), (state, first), parallel_iterations=1)
    return increments
