"""The inverse of the logit of a mixture-of-logistics CDF."""

import functools

import numpy as np
import tensorflow as tf

from tfp_ebm.bijectors.mixture_logistic import (
    LARGE,
    MIN_LOG_SCALE,
    either_far_log_sums,
    log_smallest,
    log_sums,
    plain_log_sums,
    pull_back,
    weights_and_rates,
)
from tfp_ebm.internal.compiled import compile_if_large

__all__ = ["solve_logit_cdf"]

_MAX_STEPS = 60
# Once at most one element in so many is left, the others are put aside.
_SHARE_LEFT = 8
# From this number of elements on, compiling what has no K entries for each pays.
_LARGE_ROWS = 2**10


def _start(target, weights, locs, log_scales):
    """Returns the mean of the components' quantiles, and the smallest and the largest of them."""
    scales = tf.exp(tf.maximum(log_scales, MIN_LOG_SCALE))
    quantiles = locs + scales * target[..., tf.newaxis]
    mean = tf.reduce_sum(weights * quantiles, axis=-1)
    low, high = tf.reduce_min(quantiles, axis=-1), tf.reduce_max(quantiles, axis=-1)
    return tf.clip_by_value(mean, low, high), low, high


def _update(log_cdf, log_survival, log_density, x, low, high, smallest, target, tolerance):
    """Returns x, its bracket and its smallest residual after a step of Newton or of bisection."""
    residual = log_cdf - log_survival - target
    size = tf.abs(residual)
    is_open = smallest > tolerance
    low = tf.where(is_open & (residual < 0), x, low)
    high = tf.where(is_open & (residual > 0), x, high)
    newton = x - residual * tf.exp(log_cdf + log_survival - log_density)
    is_good = (newton >= low) & (newton <= high) & (size < 0.5 * smallest)
    moved = tf.where(is_good, newton, tf.where(size <= tolerance, x, low + 0.5 * (high - low)))
    smallest = tf.where(is_open, tf.minimum(size, smallest), smallest)
    return tf.where(is_open, moved, x), low, high, smallest


_either_start = compile_if_large(_start, LARGE)
_either_update = compile_if_large(_update, _LARGE_ROWS)


def _iterate(evaluate, state, target, parameters, tolerance, step, enough):
    """Runs steps until at most `enough` elements have a residual above the tolerance.

    The state is x, its bracket, and the smallest residual so far. An element whose residual is
    below the tolerance makes its last Newton step and stays.
    """

    def body(step, *state):
        sums = evaluate(state[0], *parameters)
        return step + 1, *_either_update(*sums, *state, target, tolerance)

    def is_unfinished(step, *state):
        left = tf.reduce_sum(tf.cast(state[-1] > tolerance, tf.int32))
        return (step < _MAX_STEPS) & (left > enough)

    step, *state = tf.while_loop(is_unfinished, body, (step, *state), parallel_iterations=1)
    return step, state


def _solve(evaluate, start, target, *parameters):
    """Returns the solutions, from a start and its bracket."""
    dtype = target.dtype.as_numpy_dtype
    # Newton's last step squares a residual of this size to rounding level.
    tolerance = dtype(0.1 * np.sqrt(np.finfo(dtype).eps)) * (1 + tf.abs(target))
    state = (*start, tf.ones_like(target) * dtype(np.inf))
    size = target.shape[0] or tf.size(target)  # Known, it tells whether to compile.
    enough = (size + _SHARE_LEFT - 1) // _SHARE_LEFT
    step, state = _iterate(evaluate, state, target, parameters, tolerance, 0, enough)
    # The elements left, one after the other; what is over repeats the last element of all.
    is_left = state[-1] > tolerance
    count = tf.cumsum(tf.cast(is_left, tf.int32))
    members = tf.minimum(tf.searchsorted(count, tf.range(1, enough + 1)), size - 1)
    gathered = [tf.gather(part, members) for part in (*state, target, tolerance, *parameters)]
    _, (solved, *_) = _iterate(
        evaluate, gathered[:4], gathered[4], gathered[6:], gathered[5], step, 0
    )
    solved = tf.gather(solved, tf.clip_by_value(count - 1, 0, enough - 1))
    return tf.where(is_left, solved, state[0])


@tf.custom_gradient
def solve_logit_cdf(
    y: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor
) -> tf.Tensor:
    """Returns x with logit F(x) = y, differentiable in y and in the parameters.

    A mixture's CDF lies between those of its components, so x lies in
    `[min_k(loc_k + scale_k y), max_k(loc_k + scale_k y)]`. From the mean of these quantiles
    Newton's method runs inside the bracket, with a bisection wherever it would leave the bracket or
    fails to halve the residual (60 steps at most). When seven in eight elements have converged, the
    others go on alone. The gradient is that of the implicit function.

    Args:
      y: `[n]`.
      logits: `[n, K]`.
      locs: `[n, K]`.
      log_scales: `[n, K]`.

    Returns:
      `[n]`, the dtype of y.
    """
    parameters = (logits, locs, log_scales)
    flat = [tf.stop_gradient(part) for part in (y, *parameters)]
    # F or 1 - F at the solution is about exp(-|y|); what is lost on the way there only costs steps.
    is_plain = tf.reduce_all(tf.abs(flat[0]) < -log_smallest(y.dtype))
    target, logits, locs, log_scales = flat
    weights, rates = weights_and_rates(logits, log_scales)
    start = _either_start(target, weights, locs, log_scales)
    plain = functools.partial(_solve, plain_log_sums, start, target, weights, locs, rates)
    far = functools.partial(_solve, either_far_log_sums, start, *flat)
    x = tf.cond(is_plain, plain, far)
    x = tf.ensure_shape(x, y.shape)

    def gradient(x_bar):
        sums = log_sums(x, *parameters)
        log_cdf, log_survival, log_density, _ = sums
        y_bar = x_bar * tf.exp(log_cdf + log_survival - log_density)
        _, *parameters_bar = pull_back(x, parameters, sums, -y_bar, tf.zeros_like(y_bar))
        return y_bar, *parameters_bar

    return x, gradient
