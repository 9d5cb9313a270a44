"""The energy of a Boltzmann machine whose spins may all be coupled, as pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.enumeration import (
    StateMixture,
    all_bits,
    log_sum_over_states,
    sample_states,
)
from tfp_ebm.internal.numeric import log_2cosh, move_axis, multiply_rows
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike
from tfp_ebm.machines.spin_machine import sample_spins

__all__ = ["ConnectedMachine", "check_colors", "color_table"]


def color_table(colors: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns index sets of unequal sizes as one table, short rows repeating their first entry."""
    width = max(len(color) for color in colors)
    return np.array([[*color, *[color[0]] * (width - len(color))] for color in colors], np.int32)


def check_colors(colors: Sequence[Sequence[int]], size: int, coupling: tf.Tensor) -> None:
    """Raises unless colors hold every spin once and, where that is known now, couple none within.

    Args:
      colors: index sets.
      size: N.
      coupling: `[..., N, N]`, of any diagonal.
    """
    if sorted(unit for color in colors for unit in color) != list(range(size)):
        raise ValueError(
            f"`colors` must hold every spin from 0 to {size - 1} exactly once, got {colors}."
        )
    if not tf.executing_eagerly():
        return
    coupling = coupling.numpy()
    for color in colors:
        within = coupling[..., color, :][..., color] * (1 - np.eye(len(color)))
        if np.any(within != 0):
            raise ValueError(f"`colors` must not couple within a color, got {color} coupled.")


def _take(values, units, axis=-1):
    """Returns `tf.gather`; TensorFlow has no gradient of it where there are no units."""
    if units.shape[0] == 0:
        return values[..., :0] if axis == -1 else values[..., :0, :]
    return tf.gather(values, units, axis=axis)


class ConnectedMachine(NamedTuple):
    """A Boltzmann machine of spins with any symmetric coupling, and its path to independence.

        E(s) = -s^T J s / 2 - h^T s,   J symmetric with diagonal 0
        p(s_i = +1 | others) = sigmoid(2 (J s + h)_i)

    Spins of one color are not coupled to each other and are drawn together; a sweep draws one
    color after the other. The first color, A, is summed in closed form out of
    `f(s) = s_R^T J_RR s_R / 2 + h_R^T s_R + sum_A log 2cosh((J_AR s_R + h_A)_a)`, R the rest.
    A chain's state is all spins. At inverse temperature t the coupling is `t J`.

    >>> from tfp_ebm import distributions
    >>> base = distributions.SmoothedBoltzmannMachine.create(4)
    >>> base.machine().sample_reference(2, seed=(0, 1)).shape[0]
    2

    Attributes:
      coupling: `[..., N, N]`, J, which broadcasts with B.
      bias: `[*B, N]`, h.
      colors: `[num_colors, largest]` int32, spins of each color; rows may repeat entries.
      summed: `[a]` int32, the spins of the first color.
      rest: `[N - a]` int32, all others.
    """

    coupling: tf.Tensor
    bias: tf.Tensor
    colors: tf.Tensor
    summed: tf.Tensor
    rest: tf.Tensor

    def sweep(self, state: tf.Tensor, inverse_temperature: TensorLike, seed: Seed) -> tf.Tensor:
        """Draws every color once, given all others."""
        state = tf.convert_to_tensor(state, self.bias.dtype)
        num_units, batch_rank = self.bias.shape[-1], self.bias.shape.rank - 1
        shape, batch_shape = tf.shape(state), tf.shape(self.bias)[:-1]
        # Spins first: [N, *B, n], so that a color is a slice along the first axis.
        units_first = [batch_rank + 1, *range(1, batch_rank + 1), 0]
        flat = tf.concat([[-1], batch_shape], axis=0)
        units = tf.transpose(tf.reshape(state, tf.concat([flat, [num_units]], axis=0)), units_first)
        beta = tf.convert_to_tensor(inverse_temperature, state.dtype)
        beta = tf.broadcast_to(beta, tf.concat([shape[:-1], [1]], axis=0))
        beta = tf.transpose(tf.reshape(beta, tf.concat([flat, [1]], axis=0)), units_first)
        noise = samplers.uniform(tf.shape(units), seed=seed, dtype=state.dtype)
        # u < sigmoid(2 x) if and only if x > logit(u) / 2.
        threshold = 0.5 * (tf.math.log(noise) - tf.math.log1p(-noise))
        bias = move_axis(self.bias, -1, 0)[..., tf.newaxis]
        one = tf.ones([], state.dtype)

        def body(index, units):
            color = self.colors[index]
            rows = tf.gather(self.coupling, color, axis=-2)
            signal = tf.matmul(rows, move_axis(units, 0, -2))
            field = beta * move_axis(signal, -2, 0) + tf.gather(bias, color)
            drawn = tf.where(field > tf.gather(threshold, color), one, -one)
            # Entries repeated in a row are drawn from the same noise, so they agree.
            return index + 1, tf.tensor_scatter_nd_update(units, color[:, tf.newaxis], drawn)

        _, units = tf.while_loop(
            lambda index, _: index < tf.shape(self.colors)[0],
            body,
            (0, units),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None] * (batch_rank + 2))),
            parallel_iterations=1,
        )
        return tf.ensure_shape(tf.reshape(tf.transpose(units, units_first), shape), state.shape)

    def refresh(self, state: tf.Tensor, inverse_temperature: TensorLike, seed: Seed) -> tf.Tensor:
        """Draws the spins of the first color, which `log_marginal` sums out, given all others."""
        return self._draw_summed(self._rest_of(state), inverse_temperature, seed)

    def complete(self, state: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Returns the state: it holds all spins."""
        del seed
        return tf.convert_to_tensor(state, self.bias.dtype)

    def _rest_of(self, state):
        return _take(tf.convert_to_tensor(state, self.bias.dtype), self.rest)

    def _rest_terms(self, rest):
        """Returns `s_R^T J_RR s_R / 2` and `J_AR s_R`."""
        to_rest = _take(self.coupling, self.rest, axis=-2)
        within = multiply_rows(rest, _take(to_rest, self.rest))
        to_summed = multiply_rows(rest, tf.gather(to_rest, self.summed, axis=-1))
        return 0.5 * tf.reduce_sum(within * rest, axis=-1), to_summed

    def _log_marginal_of_rest(self, rest):
        quadratic, signal = self._rest_terms(rest)
        fields = tf.reduce_sum(rest * _take(self.bias, self.rest), axis=-1)
        summed = log_2cosh(signal + tf.gather(self.bias, self.summed, axis=-1))
        return quadratic + fields + tf.reduce_sum(summed, axis=-1)

    def log_marginal(self, state: tf.Tensor) -> tf.Tensor:
        """Returns the log of the unnormalised probability of the spins R, `[...]`."""
        return self._log_marginal_of_rest(self._rest_of(state))

    def log_marginal_increment(
        self, state: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        """Returns the change of the log marginal between two inverse temperatures, `[...]`."""
        quadratic, signal = self._rest_terms(self._rest_of(state))
        bias = tf.gather(self.bias, self.summed, axis=-1)
        change = log_2cosh(stop * signal + bias) - log_2cosh(start * signal + bias)
        step = tf.broadcast_to(stop - start, tf.shape(signal[..., :1]))[..., 0]
        return step * quadratic + tf.reduce_sum(change, axis=-1)

    def reference_log_partition(self) -> tf.Tensor:
        """Returns `sum_i log 2cosh(h_i)`, log Z at J = 0."""
        return tf.reduce_sum(log_2cosh(self.bias), axis=-1)

    def sample_reference(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent spins, `[num_samples, *B, N]`."""
        shape = tf.concat([[num_samples], tf.shape(self.bias)], axis=0)
        return sample_spins(tf.broadcast_to(self.bias, shape), seed)

    @property
    def num_enumerated(self) -> int:
        """Number of spins outside the first color."""
        return self.rest.shape[0]

    def _enumeration(self):
        return (
            lambda bits: self._log_marginal_of_rest(2 * bits - 1),
            self.num_enumerated,
            self.coupling.dtype,
            self.bias.shape.rank - 1,
        )

    def enumerate_log_partition(self) -> tf.Tensor:
        """Returns the exact log partition function, by a sum over the spins R."""
        return log_sum_over_states(*self._enumeration())

    def sample_exactly(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent states by enumerating the spins R, `[n, *B, N]`."""
        rest_seed, spin_seed = samplers.split_seed(seed, n=2, salt="sample_exactly")
        rest = 2 * sample_states(*self._enumeration(), num_samples, rest_seed) - 1
        return self._draw_summed(rest, 1.0, spin_seed)

    def _draw_summed(self, rest, inverse_temperature, seed):
        """Returns all spins, those of the first color drawn given the rest."""
        _, signal = self._rest_terms(rest)
        field = inverse_temperature * signal + tf.gather(self.bias, self.summed, axis=-1)
        return self._in_order(rest, sample_spins(field, seed))

    def _in_order(self, rest, summed):
        order = tf.argsort(tf.concat([self.rest, self.summed], axis=0))
        return tf.gather(tf.concat([rest, summed], axis=-1), order, axis=-1)

    def enumerate_units(self) -> StateMixture:
        """Returns all spins, mixed over all states of the spins R."""
        log_weight, size, dtype, batch_rank = self._enumeration()
        bits = all_bits(size, dtype, batch_rank=batch_rank)
        _, signal = self._rest_terms(2 * bits - 1)
        summed = tf.tanh(signal + tf.gather(self.bias, self.summed, axis=-1))
        rest = tf.broadcast_to(2 * bits - 1, tf.concat([tf.shape(summed)[:-1], [size]], axis=0))
        means = self._in_order(rest, summed)
        return StateMixture(log_weight(bits), means, 1 - means**2)
