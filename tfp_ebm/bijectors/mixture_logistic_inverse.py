"""The inverse of the logit of a mixture-of-logistics CDF."""

import numpy as np
import tensorflow as tf

from tfp_ebm.bijectors.mixture_logistic import (
    LARGE,
    either_far_logit_cdf,
    either_normalized,
    here,
    logit_and_derivative,
    logit_cdf,
    plain_sums,
    smallest_sum,
    weights_and_rates,
)
from tfp_ebm.bijectors.mixture_logistic_far import MIN_LOG_SCALE
from tfp_ebm.internal.compiled import compile_if_large

__all__ = ["solve_logit_cdf"]

# Enough to halve a bracket down to two neighbouring floats, with a step of Newton between any two.
_MAX_STEPS = 128
# Once at most one element in so many is left, the others are put aside.
_SHARE_LEFT = 8
# From this number of elements on, compiling what has no K entries for each pays.
_LARGE_ROWS = 2**10
_NO_FORWARD_MODE = (
    "MixLogCDF.inverse has no derivatives by `tf.autodiff.ForwardAccumulator` inside a "
    "`tf.function`: use `tf.GradientTape`, or call it eagerly."
)


def _start(target, weights, locs, log_scales):
    """Returns x and its bracket, and what tells when it is good enough.

    They are the mean, the smallest and the largest of the components' quantiles; what rounding does
    to a residual, and the rate of the narrowest component.
    """
    scales = tf.exp(tf.maximum(log_scales, MIN_LOG_SCALE))
    quantiles = locs + scales * target[..., tf.newaxis]
    mean = tf.reduce_sum(weights * quantiles, axis=-1)
    low, high = tf.reduce_min(quantiles, axis=-1), tf.reduce_max(quantiles, axis=-1)
    rounding = (1 + tf.abs(target)) * (8 * np.finfo(target.dtype.as_numpy_dtype).eps)
    rate = tf.exp(-tf.maximum(tf.reduce_min(log_scales, axis=-1), MIN_LOG_SCALE))
    return tf.clip_by_value(mean, low, high), low, high, rounding, rate


def _update(value, derivative, x, low, high, smallest, target, rounding, rate):
    """Returns x, its bracket and its smallest residual after a step of Newton or of bisection.

    An element is closed, its residual 0, when rounding allows nothing better, or when its next step
    of Newton is sure to make it so. By nothing less: where the function is flat, a small residual
    is far from the root, and a step from there may lead anywhere. As the logarithm of the
    derivative changes by at most `2 rate` for each unit of x, a step leaves a residual of at most
    `rate |step|` times the present one, to first order.
    """
    residual = value - target
    size = tf.abs(residual)
    low = tf.where(residual < 0, x, low)
    high = tf.where(residual > 0, x, high)
    step = residual / derivative
    newton, middle, share_left = x - step, low + 0.5 * (high - low), tf.abs(step) * rate
    is_fast = (newton >= low) & (newton <= high) & (size < 0.5 * smallest)
    next_x = tf.where(is_fast, newton, middle)
    # False for what is no number; the next x is the present one between neighbouring floats.
    stays_open = (size > rounding) & (share_left * size > rounding) & (next_x != x)
    last_x = tf.where(share_left < 0.5, newton, x)
    moved = tf.where(smallest > 0, tf.where(stays_open, next_x, last_x), x)
    return moved, low, high, tf.where(stays_open, tf.minimum(size, smallest), 0.0)


def _plain_update(cdf, survival, density, *state):
    return _update(*logit_and_derivative(cdf, survival, density), *state)


def _far_update(value, log_derivative, *state):
    return _update(value, tf.exp(log_derivative), *state)


_either_start = compile_if_large(_start, LARGE)
_either_plain_update = compile_if_large(_plain_update, _LARGE_ROWS)
_either_far_update = compile_if_large(_far_update, _LARGE_ROWS)


def _iterate(evaluate, update, state, given, parameters, step, enough):
    """Runs steps until at most `enough` elements are open.

    The state is x, its bracket, and the smallest residual so far; given are the target, what
    rounding does to it, and the rate.
    """

    def body(step, *state):
        return step + 1, *update(*evaluate(state[0], *parameters), *state, *given)

    def is_unfinished(step, *state):
        left = tf.reduce_sum(tf.cast(state[-1] > 0, tf.int32))
        return (step < _MAX_STEPS) & (left > enough)

    step, *state = tf.while_loop(is_unfinished, body, (step, *state), parallel_iterations=1)
    return step, state


def _solve(evaluate, update, start, target, *parameters):
    """Returns the solutions, from what `_start` returns."""
    *state, rounding, rate = start
    state.append(tf.ones_like(target) * target.dtype.as_numpy_dtype(np.inf))
    given = (target, rounding, rate)
    size = target.shape[0] or tf.size(target)  # Known, it tells whether to compile.
    enough = (size + _SHARE_LEFT - 1) // _SHARE_LEFT
    step, state = _iterate(evaluate, update, state, given, parameters, 0, enough)
    # The elements left, one after the other; what is over repeats the last element of all.
    is_left = state[-1] > 0
    count = tf.cumsum(tf.cast(is_left, tf.int32))
    members = tf.minimum(tf.searchsorted(count, tf.range(1, enough + 1)), size - 1)
    left = [[tf.gather(part, members) for part in parts] for parts in (state, given, parameters)]
    _, (solved, *_) = _iterate(evaluate, update, *left, step, 0)
    solved = tf.gather(solved, tf.clip_by_value(count - 1, 0, enough - 1))
    return tf.where(is_left & (count <= enough), solved, state[0])


@tf.custom_gradient
def _as_solution(x, y, *parameters):
    """Returns x, which solves logit F(x) = y, with the derivatives of the implicit function."""

    def gradient(x_bar):
        given = here(*parameters)
        # Differentiable like the result, so that derivatives of any order follow.
        solution = _as_solution(x, y, *given)
        with tf.GradientTape() as tape:
            tape.watch(given)
            value, log_derivative = logit_cdf(solution, *given)
        y_bar = x_bar * tf.exp(-log_derivative)
        return None, y_bar, *tape.gradient(value, given, output_gradients=-y_bar)

    if not tf.executing_eagerly():
        # Accumulators look past custom gradients in a graph, and would find no derivative at all.
        for part in (y, *parameters):
            tf.raw_ops.PreventGradient(input=part, message=_NO_FORWARD_MODE)
    x, y, *parameters = here(x, y, *parameters)
    return x, gradient


def solve_logit_cdf(
    y: tf.Tensor, logits: tf.Tensor, locs: tf.Tensor, log_scales: tf.Tensor
) -> tf.Tensor:
    """Returns x with logit F(x) = y, differentiable in y and in the parameters.

    A mixture's CDF lies between those of its components, so x lies in
    `[min_k(loc_k + scale_k y), max_k(loc_k + scale_k y)]`. From the mean of these quantiles
    Newton's method runs inside the bracket, with a bisection wherever it would leave the bracket or
    fails to halve the residual, until a bound on the curvature shows that its last step ends at
    the root, or the bracket is down to two neighbouring floats. When seven in eight elements have
    converged, the others go on alone. Derivatives, of any order, are the implicit function's.

    Args:
      y: `[n]`.
      logits: `[n, K]`.
      locs: `[n, K]`.
      log_scales: `[n, K]`.

    Returns:
      `[n]`, the dtype of y.
    """
    given = (y, logits, locs, log_scales)
    target, logits, locs, log_scales = (tf.stop_gradient(part) for part in given)
    # F or 1 - F at the solution is about exp(-|y|); what is lost on the way there only costs steps.
    is_plain = tf.reduce_all(tf.abs(target) < -np.log(smallest_sum(y.dtype)))
    weights, rates = weights_and_rates(logits, log_scales)
    start = _either_start(target, weights, locs, log_scales)

    def plain():
        return _solve(plain_sums, _either_plain_update, start, target, weights, locs, rates)

    def far():
        parameters = either_normalized(logits, log_scales)
        return _solve(either_far_logit_cdf, _either_far_update, start, target, locs, *parameters)

    # What is kept for the gradient is behind the stop: the loop itself is never differentiated.
    x = tf.stop_gradient(tf.ensure_shape(tf.cond(is_plain, plain, far), y.shape))
    return _as_solution(x, *given)
