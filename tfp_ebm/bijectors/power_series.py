"""Log-determinants of I + J for contractions: exact, and estimated by a power series."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.tfp_private import is_xla, ps, samplers

__all__ = ["PowerSeries", "exact_log_det"]


def exact_log_det(
    function: Callable[..., tf.Tensor],
    x: tf.Tensor,
    inputs: Sequence[tf.Tensor],
    event_ndims: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns h(x), and log|det(I + J)| from the whole Jacobian J of h, of every order.

    Args:
      function: h, called once on as many copies of x as an event has entries.
      x: `[..., *event_shape]`, with an event shape known before anything runs.
      inputs: further arguments of h, which broadcast against x from the right.
      event_ndims: rank of an event.

    Returns:
      h(x), and `[...]`.
    """
    event_shape = x.shape[x.shape.rank - event_ndims :]
    size = event_shape.num_elements()
    copies = tf.broadcast_to(x, ps.concat([[size], ps.shape(x)], axis=0))
    ones = [1] * (x.shape.rank - event_ndims)
    units = tf.reshape(tf.eye(size, dtype=x.dtype), [size, *ones, *event_shape])
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(copies)
        values = function(copies, *inputs)
    rows = tape.gradient(values, copies, tf.broadcast_to(units, ps.shape(copies)))
    rows = tf.reshape(rows, ps.concat([ps.shape(rows)[: rows.shape.rank - event_ndims], [size]], 0))
    order = [*range(1, rows.shape.rank - 1), 0, rows.shape.rank - 1]
    jacobian = tf.transpose(rows, order)
    return values[0], _log_abs_det(tf.eye(size, dtype=x.dtype) + jacobian)


def _log_abs_det(matrix):
    """Returns log|det|, NaN of a matrix that is not finite, whose inverse TensorFlow refuses."""
    is_finite = tf.reduce_all(tf.math.is_finite(matrix), axis=[-2, -1])
    one = tf.eye(matrix.shape[-1], dtype=matrix.dtype)
    matrix = tf.where(is_finite[..., tf.newaxis, tf.newaxis], matrix, one)
    if is_xla():
        # Up to nine times as slow, but of the two only QR has a kernel in XLA.
        diagonal = tf.linalg.diag_part(tf.linalg.qr(matrix).r)
        log_det = tf.reduce_sum(tf.math.log(tf.abs(diagonal)), axis=-1)
    else:
        log_det = tf.linalg.slogdet(matrix)[1]
    return tf.where(is_finite, log_det, tf.constant(math.nan, matrix.dtype))


class _State(NamedTuple):
    """The series so far: v^T J^k, how many times it counts, and both sums."""

    k: tf.Tensor
    row: tf.Tensor
    weight: tf.Tensor
    log_det: tf.Tensor
    inverse_row: tf.Tensor


class PowerSeries(NamedTuple):
    """Estimates log det(I + J), where J is the Jacobian of a contraction h.

        log det(I + J) = sum_(k >= 1) (-1)^(k + 1) / k tr(J^k)
        tr(J^k) = E[v^T J^k v],   v uniform over {-1, 1}^D

    The first `num_terms` terms count in full. With `goes_on` Russian roulette decides on the rest:
    after v^T J^k is known it goes on with the probability |v^T J^k| / |v^T J^(k - 1)|, or ends
    before this term, and what it keeps is divided by the probability of having come so far. That is
    unbiased; no term counts more than |v| |v^T J^n| / k, so that the variance is finite for every
    contraction; and where J is small, hardly any terms are drawn. Without `goes_on` the series is
    cut off, which leaves a bias of at most D c^(n + 1) / ((n + 1) (1 - c)).

    The gradient is that of the series' expectation, at a cost in memory that does not grow with
    the number of terms:

        d log det(I + J) = tr((I + J)^-1 dJ) = E[u^T dJ v],   u^T = sum_(k >= 0) (-1)^k v^T J^k

    where u is drawn along with the value and held constant. So the value stays the estimate of the
    log-determinant, and derivatives of the drawn value are not taken; second derivatives, which u
    has not, raise an error.

    Attributes:
      event_ndims: rank of an event.
      num_terms: n.
      goes_on: whether roulette decides on the rest.

    Source: Chen et al., "Residual Flows for Invertible Generative Modeling" (2019), equations 6
    and 8, whose roulette has probabilities that do not depend on J.
    """

    event_ndims: int
    num_terms: int
    goes_on: bool

    def log_det(
        self,
        function: Callable[..., tf.Tensor],
        x: tf.Tensor,
        inputs: Sequence[tf.Tensor],
        seed: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns h(x), and an estimate of log det(I + J) for every event.

        Args:
          function: h, called once, and once more for gradients.
          x: `[..., *event_shape]`.
          inputs: further arguments of h, whatever it depends on.
          seed: a stateless seed.

        Returns:
          h(x), and `[...]`, with first derivatives in x and in the inputs.
        """

        @tf.custom_gradient
        def estimate(x, *inputs):
            x, *inputs = (tf.identity(part) for part in (x, *inputs))
            probe_seed, seeds = samplers.split_seed(seed, n=2, salt="power_series")
            probe = _signs(x, probe_seed)
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(x)
                value = function(x, *inputs)
            zero = tf.UnconnectedGradients.ZERO
            found = self._sums(lambda row: tape.gradient(value, x, row, zero), probe, seeds)

            def gradient(value_bar, log_det_bar):
                scale = self._over_event(log_det_bar)
                bars = _bars(function, x, inputs, value_bar, found.inverse_row * scale, probe)
                return [None if bar is None else _last_derivative(bar) for bar in bars]

            return (value, found.log_det), gradient

        return estimate(x, *inputs)

    def _sums(self, product, probe, seed):
        """Returns the sums of both series from the products of rows with J."""
        leading = ps.shape(probe)[: probe.shape.rank - self.event_ndims]
        one, none = tf.ones(leading, probe.dtype), tf.zeros(leading, probe.dtype)
        start = _State(tf.constant(1), probe, one, none, probe)

        def goes_on(state):
            is_due = state.k <= self.num_terms
            return is_due | tf.reduce_any(state.weight > 0) if self.goes_on else is_due

        def body(state):
            row = product(state.row)
            weight = state.weight * self._counts(state, row, seed)
            sign = tf.where(state.k % 2 == 1, 1, -1)
            share = tf.cast(sign / state.k, probe.dtype) * weight
            log_det = state.log_det + share * self._sum(row * probe)
            # The gradient of a series that is cut off after n terms has the powers 0 to n - 1.
            counts = tf.cast(self.goes_on | (state.k < self.num_terms), probe.dtype)
            scale = self._over_event(-tf.cast(sign, probe.dtype) * weight * counts)
            after = _State(state.k + 1, row, weight, log_det, state.inverse_row + scale * row)
            return (
                tf.nest.map_structure(
                    lambda new, old: tf.ensure_shape(new, old.shape), after, state
                ),
            )

        return tf.while_loop(goes_on, body, (start,), parallel_iterations=1)[0]

    def _counts(self, state, row, seed):
        """Returns by what the weight of each event is multiplied: 0 where roulette ends."""
        if not self.goes_on:
            return tf.ones_like(state.weight)
        before, after = self._sum(state.row**2), self._sum(row**2)
        probability = tf.sqrt(tf.math.divide_no_nan(after, before))
        drawn = samplers.uniform(
            ps.shape(probability), seed=samplers.fold_in(seed, state.k), dtype=row.dtype
        )
        counts = tf.math.divide_no_nan(tf.cast(drawn < probability, row.dtype), probability)
        return tf.where(state.k <= self.num_terms, tf.ones_like(counts), counts)

    def _sum(self, value):
        return tf.reduce_sum(value, axis=list(range(-self.event_ndims, 0)))

    def _over_event(self, value):
        for _ in range(self.event_ndims):
            value = value[..., tf.newaxis]
        return value


def _signs(x, seed):
    """Returns -1 or 1 for every entry."""
    bits = samplers.uniform(ps.shape(x), 0, 2, seed=seed, dtype=tf.int32)
    return tf.ensure_shape(tf.cast(2 * bits - 1, x.dtype), x.shape)


def _bars(function, x, inputs, value_bar, row, probe):
    """Returns the gradients of <h, value_bar> + row^T J probe in x and in the inputs."""
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch([x, *inputs])
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(x)
            value = function(x, *inputs)
        product = inner.gradient(value, x, row, tf.UnconnectedGradients.ZERO)
        total = tf.reduce_sum(value * value_bar) + tf.reduce_sum(product * probe)
    return outer.gradient(total, [x, *inputs])


@tf.custom_gradient
def _last_derivative(bar):
    def gradient(_):
        raise ValueError(
            "The estimate of a log-determinant has first derivatives alone; for second ones make "
            'the bijector with `log_det="exact"`.'
        )

    return tf.identity(bar), gradient
