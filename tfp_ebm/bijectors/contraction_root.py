"""The inverse of x + h(x) for a contraction h, by a safeguarded fixed-point iteration."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.tfp_private import ps

__all__ = ["FixedPoint", "Solver"]

# Relative residuals at which the iteration ends, by default.
_TOLERANCE = {tf.float32: 5e-7, tf.float64: 1e-13}
# Rounding may end it so many times above them: sums over a layer lose more than a single number.
_ROUNDING = 10
# Solutions may be so many times larger than y, or than 1: beyond it rounding leaves nothing of y.
_MAX_GROWTH = 200


class FixedPoint(NamedTuple):
    """A solution of x + h(x) = y, and how good it is.

    Attributes:
      x: the solution, `[..., *event_shape]`.
      residual: the largest entry of |x + h(x) - y|, `[...]`.
      allowed: the residual from which on an event counts as solved, `[...]`.
      num_evaluations: evaluations of h that it took, a scalar.
    """

    x: tf.Tensor
    residual: tf.Tensor
    allowed: tf.Tensor
    num_evaluations: tf.Tensor


class _State(NamedTuple):
    """Where the iteration stands: the best point of each event, and what led there.

    `moves` and `changes` hold the last differences of points and of residuals, `[..., m, D]`.
    """

    x: tf.Tensor
    residual: tf.Tensor
    candidate: tf.Tensor
    is_plain: tf.Tensor
    is_open: tf.Tensor
    moves: tf.Tensor
    changes: tf.Tensor
    count: tf.Tensor


class Solver(NamedTuple):
    """Solves x + h(x) = y for x, event by event, where h is a contraction.

    The plain step, x <- y - h(x), shrinks the residual r = x + h(x) - y at least by the Lipschitz
    constant c of h, and may need log(tolerance) / log(c) of them. Anderson's step combines the last
    `num_kept` differences so that their residuals cancel as far as they can; it is kept where it
    shrinks the residual by c as well, or else undone by a plain step from the point before. An
    event is done when its residual is below the tolerance, times the largest entry of y or of h(y),
    where that is at most 200 times that of y, or 200; or when rounding stops a plain step, which is
    an error unless the residual is as small by then, ten times as large where no tolerance was
    given, or below the tolerance itself.

    Derivatives, of any order, are those of the implicit function:

        dx = (I + J)^-1 (dy - dh),   solved by the same iteration, as J is a contraction too

    Attributes:
      event_ndims: rank of an event.
      coefficient: c, a bound on the Lipschitz constant of h.
      owner: who solves, for messages.
      tolerance: relative residual at which to end; None: 5e-7 in float32, 1e-13 in float64.
      max_evaluations: evaluations of h after which to give up.
      num_kept: differences that Anderson's step combines; 0: plain steps alone.

    Source: Behrmann et al., "Invertible residual networks" (2019), algorithm 1; Walker and Ni,
    "Anderson acceleration for fixed-point iterations" (2011), section 2.
    """

    event_ndims: int
    coefficient: float
    owner: str
    tolerance: float | None = None
    max_evaluations: int = 1_000
    num_kept: int = 5

    def solve(
        self, function: Callable[..., tf.Tensor], y: tf.Tensor, inputs: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Returns x with x + function(x, *inputs) = y, differentiable in y and in the inputs.

        Args:
          function: h.
          y: `[..., *event_shape]`.
          inputs: further arguments of h.

        Raises:
          ValueError: if an event does not converge, with its residual and the count; a graph
            asserts, and under XLA the event is NaN.
        """
        fixed = [tf.stop_gradient(part) for part in inputs]
        found = self.iterate(lambda x: function(x, *fixed), tf.stop_gradient(y))
        # What is kept for the gradient is behind the stop: the loop itself is never differentiated.
        x = tf.stop_gradient(self._checked(found))
        return self._as_solution(function, x, y, *inputs)

    def _as_solution(self, function, x, y, *inputs):
        """Returns x, which solves x + function(x, *inputs) = y, with implicit derivatives."""

        @tf.custom_gradient
        def solution(x, y, *inputs):
            x, y, *inputs = (tf.identity(part) for part in (x, y, *inputs))

            def gradient(x_bar):
                # Differentiable like the result, so that derivatives of any order follow.
                root = self._as_solution(function, x, y, *inputs)
                y_bar = self.solve(_transposed(function), x_bar, [root, *inputs])
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(inputs)
                    value = function(root, *inputs)
                zero = tf.UnconnectedGradients.ZERO
                bars = tape.gradient(value, inputs, -y_bar, unconnected_gradients=zero)
                return None, y_bar, *bars

            return x, gradient

        return solution(x, y, *inputs)

    def iterate(self, function: Callable[[tf.Tensor], tf.Tensor], y: tf.Tensor) -> FixedPoint:
        """Returns where the iteration ends, converged or not, without derivatives.

        Args:
          function: h.
          y: `[..., *event_shape]`.
        """
        shape, leading_rank = ps.shape(y), ps.rank(y) - self.event_ndims
        leading, size = shape[:leading_rank], ps.reduce_prod(shape[leading_rank:])
        start = tf.reshape(y, ps.concat([leading, [size]], axis=0))

        def residual_of(x):
            x = tf.reshape(x, shape)
            return tf.reshape(x + function(x) - y, ps.shape(start))

        residual = residual_of(start)
        tolerance = _TOLERANCE[tf.as_dtype(y.dtype)] if self.tolerance is None else self.tolerance
        largest = _largest(start)
        goal = tolerance * tf.minimum(
            tf.maximum(largest, _largest(residual)), _MAX_GROWTH * tf.maximum(largest, 1)
        )
        none = tf.zeros(ps.concat([leading, [max(1, self.num_kept), size]], axis=0), y.dtype)
        is_plain, is_open = tf.ones(leading, tf.bool), _largest(residual) > goal
        state = _State(start, residual, start - residual, is_plain, is_open, none, none, 1)
        state = tf.nest.map_structure(tf.convert_to_tensor, state)
        (state,) = tf.while_loop(
            lambda state: (state.count < self.max_evaluations) & tf.reduce_any(state.is_open),
            lambda state: (self._step(state, residual_of(state.candidate), goal),),
            (state,),
            parallel_iterations=1,
        )
        # Of a small event h has the rounding of what it adds up inside, which need not be small.
        allowed = tf.maximum((_ROUNDING if self.tolerance is None else 1) * goal, tolerance)
        return FixedPoint(
            tf.reshape(state.x, shape), _largest(state.residual), allowed, state.count
        )

    def _step(self, state, residual, goal):
        """Returns the state once the residual at the candidate is known."""
        before, after = _length(state.residual), _length(residual)
        is_better = after <= self.coefficient * before
        # A plain step that shrinks nothing has met rounding, or what is no contraction.
        is_stuck = state.is_plain & ~(after < before)
        is_taken = state.is_open & ~is_stuck & (is_better | state.is_plain)
        taken = is_taken[..., tf.newaxis]
        moves = _pushed(state.moves, state.candidate - state.x, taken)
        changes = _pushed(state.changes, residual - state.residual, taken)
        x = tf.where(taken, state.candidate, state.x)
        residual = tf.where(taken, residual, state.residual)
        candidate = x - residual
        if self.num_kept:
            candidate -= tf.where(taken, _cancelling(moves, changes, residual), 0)
        is_plain = ~is_taken if self.num_kept else tf.ones_like(is_taken)
        is_open = state.is_open & ~is_stuck & (_largest(residual) > goal)
        count = state.count + 1
        after = _State(x, residual, candidate, is_plain, is_open, moves, changes, count)
        return tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), after, state)

    def _checked(self, found):
        """Returns the solution, refused where its residual is not small."""
        is_good = found.residual <= found.allowed
        message = (
            f"The fixed-point iteration of `{self.owner}` did not converge; take a smaller "
            "Lipschitz coefficient, float64, or more evaluations or a larger tolerance."
        )
        if tf.executing_eagerly():
            if not bool(tf.reduce_all(is_good)):
                ratio = found.residual / found.allowed
                worst = tf.reduce_max(tf.where(is_good, tf.zeros_like(ratio), found.residual))
                raise ValueError(
                    f"{message} Got a residual of {float(worst):.3g} after "
                    f"{int(found.num_evaluations)} evaluations, allowed are "
                    f"{float(tf.reduce_min(found.allowed)):.3g}."
                )
            return found.x
        data = [message, "Residuals and evaluations:", found.residual, found.num_evaluations]
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(is_good), data)]):
            # XLA drops the assertion.
            nan = tf.constant(np.nan, found.x.dtype)
            return tf.where(_over_event(is_good, self.event_ndims), found.x, nan)


def _transposed(function):
    """Returns the function of (w, x, *inputs) that gives J^T w, J = d function(x, *inputs) / dx."""

    def product(w, x, *inputs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            value = function(x, *inputs)
        return tape.gradient(value, x, w, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return product


def _cancelling(moves, changes, residual):
    """Returns what Anderson's step takes from a plain step.

    It is the combination of the kept differences whose changes are nearest to the residual, less
    these changes themselves.
    """
    # Normal equations of a few rows: they are small, and damped where they are singular.
    gram = tf.matmul(changes, changes, transpose_b=True)
    info = np.finfo(residual.dtype.as_numpy_dtype)
    # Rows that are empty yet, or repeat others, take no part.
    damping = 10 * info.eps * tf.linalg.trace(gram) + info.tiny
    size = changes.shape[-2]
    gram += damping[..., tf.newaxis, tf.newaxis] * tf.eye(size, dtype=residual.dtype)
    target = tf.linalg.matvec(changes, residual)
    weights = tf.linalg.solve(gram, target[..., tf.newaxis])
    return tf.reduce_sum(weights * (moves - changes), axis=-2)


def _pushed(kept, new, taken):
    """Returns the kept rows without the oldest and with a new one, where it is taken."""
    moved = tf.concat([kept[..., 1:, :], new[..., tf.newaxis, :]], axis=-2)
    return tf.where(taken[..., tf.newaxis], moved, kept)


def _largest(flat):
    return tf.reduce_max(tf.abs(flat), axis=-1)


def _length(flat):
    return tf.norm(flat, axis=-1)


def _over_event(condition, event_ndims):
    for _ in range(event_ndims):
        condition = condition[..., tf.newaxis]
    return condition
