"""Annealed importance sampling of log partition functions, forward and in reverse."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.importance import log_mean_exp
from tfp_ebm.internal.protocols import AnnealedBase, AnnealedMachine
from tfp_ebm.internal.replicas import gather_over_replicas
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, Shape, TensorLike
from tfp_ebm.partition.log_partition import DIRECTIONS, LogPartition
from tfp_ebm.partition.schedules import inverse_temperatures

__all__ = [
    "add_backward",
    "anneal_backward",
    "anneal_forward",
    "annealed_importance_sampling",
    "log_weight_summary",
    "reverse_annealing",
]

# How often annealing tells how far it is, if somebody listens.
_NUM_REPORTS = 50


def annealed_importance_sampling(
    base: AnnealedBase,
    num_chains: int = 256,
    num_steps: int = 1000,
    schedule: str | Sequence[float] = "linear",
    seed: Seed = None,
    progress: Callable[[float], None] | None = None,
) -> LogPartition:
    """Estimates the log partition function by annealing from independent units.

    Chains start at inverse temperature 0, where the units are independent, keep their own fields
    as base rates, and log Z_0 is known; they cool to 1 in `num_steps` steps. With some units
    summed in closed form, `f_b(v) = log sum_h exp(-E_b(v, h))`, a chain's log weight is

        log w = log Z_0 + sum_k [f_{b_{k+1}}(v_k) - f_{b_k}(v_k)],

    and `Z = E[w]`. By Jensen's inequality the logarithm of the mean weight is a lower bound on
    log Z in expectation. Increments are summed in float64: float32 loses 0.1 nat over 10^4 steps.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> estimate = partition.annealed_importance_sampling(base, 16, num_steps=10, seed=(0, 1))
    >>> bool(abs(estimate.value - base.log_partition()) < 1e-3)
    True

    Args:
      base: an energy-based distribution.
      num_chains: number of independent chains; under a `tf.distribute` strategy the replicas share
        them.
      num_steps: number of temperatures after the first; error falls with both.
      schedule: `"linear"`, `"geometric"`, `"adaptive"` or increasing numbers from 0 to 1, see
        `tfp_ebm.partition.inverse_temperatures`.
      seed: seed; a pair of integers repeats exactly.
      progress: called now and then with the share of the temperatures that is done.

    Returns:
      A `LogPartition` in nats; its standard error is that of the mean weight, by the delta method.
      Fewer effective than a tenth of the chains are warned about: then the error is not to be
      trusted either.

    Raises:
      TypeError: if `base` has no machine.
      ValueError: if `num_chains` is less than 2, `num_steps` less than 1, or the schedule does not
        increase from 0 to 1.

    Source: Neal, "Annealed importance sampling" (2001); Salakhutdinov and Murray, "On the
    quantitative analysis of deep belief networks" (2008).
    """
    states.check_base(base)
    checks.positive_integer("num_chains", num_chains, minimum=2)
    machine = base.machine()
    schedule_seed, seed = samplers.split_seed(seed, n=2, salt="annealed_importance_sampling")
    betas = inverse_temperatures(schedule, num_steps, machine, schedule_seed)
    _, log_weights = gather_over_replicas(
        lambda count, seed: anneal_forward(machine, count, betas, seed, progress),
        num_chains,
        seed,
    )
    offset = machine.reference_log_partition() + base.log_partition_offset()
    return _record(log_weights, offset, "AIS", num_steps)


def reverse_annealing(
    base: AnnealedBase,
    value: TensorLike,
    num_chains: int = 16,
    num_steps: int = 1000,
    schedule: str | Sequence[float] = "linear",
    seed: Seed = None,
) -> LogPartition:
    """Estimates log Z from the other side, by heating chains that start at each data point.

    Chains start from states drawn given the point, exactly, and heat from inverse temperature 1
    to 0 along the same path as annealed importance sampling:

        log Z_reverse = log Z_0 + sum_k [f_{b_k}(v_{k-1}) - f_{b_{k-1}}(v_{k-1})]

    For points that are samples of the model it exceeds log Z in expectation. For any point,
    `unnormalized_log_prob(value) - log Z_reverse` is in expectation at most the log-density of
    the model that annealing with this many steps samples, which converges to the model itself; so
    this is the conservative figure for a likelihood.

    >>> from tfp_ebm import distributions, partition
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2)
    >>> z = base.sample(4, seed=(0, 1))
    >>> partition.reverse_annealing(base, z, num_chains=4, num_steps=10, seed=(0, 2)).value.shape
    TensorShape([4])

    Args:
      base: an energy-based distribution.
      value: `[..., *event_shape]`, the points; lists and arrays are cast to the base's dtype.
      num_chains: number of chains at every point; more make the bound tighter.
      num_steps: number of temperatures.
      schedule: see `annealed_importance_sampling`.
      seed: seed; a pair of integers repeats exactly.

    Returns:
      A `LogPartition` in nats with values `[...]`, one for each point. Its standard error is NaN,
      unknown, with a single chain.

    Raises:
      TypeError: if `base` has no machine.
      ValueError: if another argument does not fit.

    Source: Burda, Grosse and Salakhutdinov, "Accurate and conservative estimates of MRF
    log-likelihood using reverse annealing" (2015).
    """
    value = states.points(value, base)
    checks.positive_integer("num_chains", num_chains)
    machine = base.machine()
    schedule_seed, state_seed, seed = samplers.split_seed(seed, n=3, salt="reverse_annealing")
    betas = inverse_temperatures(schedule, num_steps, machine, schedule_seed)
    copies = tf.repeat(value[tf.newaxis], num_chains, axis=0)
    state = base.chain_state(copies, state_seed)
    # p = E[exp(-log Z_reverse)]: the mean over chains is one of inverse weights.
    log_inverse_weights = -anneal_backward(machine, state, betas, seed)
    offset = -(machine.reference_log_partition() + base.log_partition_offset())
    # Summarised as weights of 1 / Z; the sign of the logarithm is turned after the mean, since the
    # mean of exponentials does not commute with it.
    record = _record(log_inverse_weights, offset, "RAISE", num_steps)
    return record._replace(value=-record.value)


def _record(log_weights, offset, method, num_steps):
    value, standard_error, effective_sample_size = log_weight_summary(log_weights)
    dtype = offset.dtype
    num_chains = log_weights.shape[0]
    if method == "AIS" and tf.executing_eagerly():
        _warn_if_few(float(tf.reduce_min(effective_sample_size)), num_chains)
    return LogPartition(
        tf.cast(value + tf.cast(offset, tf.float64), dtype),
        tf.cast(standard_error, dtype),
        tf.cast(effective_sample_size, dtype),
        method,
        DIRECTIONS[method],
        num_steps,
        num_chains,
    )


def _warn_if_few(effective_sample_size, num_chains):
    if effective_sample_size < 0.1 * num_chains:
        warnings.warn(
            "Annealed importance sampling has a low effective sample size: few of its chains carry "
            "the estimate of log Z, and its standard error is too small; use more steps or the "
            "adaptive schedule.",
            stacklevel=4,
        )


def anneal_forward(
    machine: AnnealedMachine,
    num_chains: Count,
    betas: tf.Tensor,
    seed: Seed,
    progress: Callable[[float], None] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the last states, and float64 log weights relative to the reference.

    Of shapes `[num_chains, *batch_shape, n]` and `[num_chains, *batch_shape]`.
    """
    start_seed, loop_seed = samplers.split_seed(seed, n=2, salt="anneal")
    state = machine.sample_reference(tf.constant(num_chains), start_seed)
    log_weights = tf.zeros(tf.shape(state)[:-1], tf.float64)
    if progress is None:
        ends = [tf.shape(betas)[0] - 1]
    else:
        ends = np.linspace(0, len(betas) - 1, _NUM_REPORTS + 1).astype(np.int32)[1:]
    start = 0
    for end in ends:
        state, log_weights = _anneal_between(
            machine, state, log_weights, betas, tf.constant(start), tf.identity(end), loop_seed
        )
        start = end
        if progress is not None:
            progress(end / ends[-1])
    return state, log_weights


@tf.function(autograph=False)
def _anneal_between(machine, state, log_weights, betas, start, end, seed):
    """Returns states and log weights after the temperatures numbered from `start` to `end`."""

    def body(index, state, log_weights):
        start, stop = betas[index], betas[index + 1]
        # Before the sweep: the weight is that of the state drawn at the old temperature.
        increment = machine.log_marginal_increment(state, start, stop)
        moved = machine.sweep(state, stop, samplers.fold_in(seed, index))
        moved = tf.ensure_shape(moved, state.shape)
        return index + 1, moved, log_weights + tf.cast(increment, tf.float64)

    _, state, log_weights = tf.while_loop(
        lambda index, *_: index < end, body, (start, state, log_weights), parallel_iterations=1
    )
    return state, log_weights


@tf.function(autograph=False)
def anneal_backward(
    machine: AnnealedMachine, state: tf.Tensor, betas: tf.Tensor, seed: Seed
) -> tf.Tensor:
    """Returns float64 log weights relative to the reference, of the state's leading shape."""

    def step(index, state):
        # The sweep comes first, unlike on the way there: this is that path walked backwards.
        start, stop = betas[index - 1], betas[index]
        moved = machine.sweep(state, stop, samplers.fold_in(seed, index))
        moved = tf.ensure_shape(moved, state.shape)
        return moved, machine.log_marginal_increment(moved, start, stop)

    return add_backward(step, state, tf.shape(state)[:-1], tf.shape(betas)[0] - 1)


def add_backward(
    step: Callable[[tf.Tensor, Any], tuple[Any, tf.Tensor]], state: Any, shape: Shape, count: Count
) -> tf.Tensor:
    """Returns the float64 sum of what steps add, from step `count` down to step 1.

    Args:
      step: given its number and the state, returns the next state and what it adds.
      state: the first state, a nest of tensors.
      shape: shape of what is added.
      count: number of steps.
    """

    def body(index, state, total):
        state, added = step(index, state)
        return index - 1, state, total + tf.cast(added, tf.float64)

    loop_vars = (count, state, tf.zeros(shape, tf.float64))
    return tf.while_loop(lambda index, *_: index > 0, body, loop_vars, parallel_iterations=1)[2]


def log_weight_summary(log_weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns log mean weight, its standard error, and the effective sample size, over axis 0."""
    count = tf.cast(tf.shape(log_weights)[0], tf.float64)
    log_mean = log_mean_exp(log_weights)
    # Relative to their mean they are of order 1, however large log Z is.
    relative = tf.exp(log_weights - log_mean)
    # A single chain knows nothing of its error: 0 / 0.
    variance = tf.math.reduce_variance(relative, axis=0) * count / (count - 1)
    effective_sample_size = count / tf.reduce_mean(relative**2, axis=0)
    return log_mean, tf.sqrt(variance / count), effective_sample_size
