"""The energy of a restricted Boltzmann machine over spins, as pure functions of its tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.compiled import is_large
from tfp_ebm.internal.enumeration import (
    StateMixture,
    all_bits,
    log_sum_over_states,
    sample_states,
)
from tfp_ebm.internal.numeric import (
    add_field,
    broadcast_batch,
    common_batch_shape,
    laid_out_transposed,
    log_2cosh,
    multiply_rows,
)
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike

__all__ = ["SpinMachine", "sample_spins"]


# With fewer units to draw, launching a compiled kernel costs more than its single pass saves.
_SMALLEST_COMPILED_DRAW = 2**15


def sample_spins(field: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Draws independent spins with p(s = +1) = sigmoid(2 field), of the field's shape."""
    uniform = samplers.uniform(tf.shape(field), seed=seed, dtype=field.dtype)
    return tf.ensure_shape(_compare(uniform, field), field.shape)


def _compare(uniform, field):
    """Returns +1 where the uniform number is below sigmoid(2 field), else -1."""
    one = tf.ones([], field.dtype)
    return tf.where(uniform < tf.sigmoid(2 * field), one, -one)


@tf.function(autograph=False, jit_compile=True)
def _draw_in_one_pass(signal, bias, seed):
    """Does what `_draw_columns` does; TensorFlow has no ThreeFry but in compiled code.

    Random bits, sigmoid and comparison become one loop over the units: a third of the time of as
    many passes over memory, and no more bits are lost than the 23 of any uniform float32.
    """
    uniform = tf.random.stateless_uniform(
        tf.shape(signal), seed, dtype=signal.dtype, alg="threefry"
    )
    return _compare(uniform, signal + bias[:, tf.newaxis])


def _draw_columns(signal, bias, seed):
    """Draws spins in fields `signal + bias`; signal `[n, num_chains]`, bias `[n]`."""
    if is_large(signal, _SMALLEST_COMPILED_DRAW):
        return _draw_in_one_pass(signal, bias, seed)
    return sample_spins(signal + bias[:, tf.newaxis], seed)


class SpinMachine(NamedTuple):
    """A restricted Boltzmann machine over spins in {-1, +1}, and its path to independence.

        E(v, h) = -v^T W h - b^T v - c^T h
        log sum_h exp(-E(v, h)) = b^T v + sum_j log 2cosh((W^T v + c)_j)
        p(h_j = +1 | v) = sigmoid(2 (W^T v + c)_j),   p(v_i = +1 | h) = sigmoid(2 (W h + b)_i)

    At inverse temperature t the weights are `t W`: only the coupling is annealed, the fields stay,
    so that the reference at t = 0 has the right scale.

    >>> from tfp_ebm import machines
    >>> machine = machines.SpinMachine.from_parameters(tf.zeros([3, 2]), tf.zeros([5]))
    >>> round(float(machine.enumerate_log_partition()), 3)  # 5 free spins: 5 log 2
    3.466

    Attributes:
      weights: `[..., num_visible, num_hidden]`, which broadcasts with B.
      visible_bias: `[*B, num_visible]`, b.
      hidden_bias: `[*B, num_hidden]`, c.
      weights_transposed: `[..., num_hidden, num_visible]`, laid out once for all sweeps: products
        with a transposed operand are two to four times slower on a CPU.
    """

    weights: tf.Tensor
    visible_bias: tf.Tensor
    hidden_bias: tf.Tensor
    weights_transposed: tf.Tensor

    @classmethod
    def from_parameters(
        cls, weights: TensorLike, bias: TensorLike, batch_shape: Sequence[int] = ()
    ) -> "SpinMachine":
        """Returns the machine of W and the fields of all units, visible first, read now.

        Args:
          weights: `[..., num_visible, num_hidden]`.
          bias: `[..., num_visible + num_hidden]`.
          batch_shape: of further parameters, those that the machine does not hold.
        """
        weights, bias = tf.convert_to_tensor(weights), tf.convert_to_tensor(bias)
        num_visible, num_hidden = weights.shape[-2:]
        bias = broadcast_batch(bias, common_batch_shape((weights, 2), batch_shape=batch_shape))
        visible_bias, hidden_bias = tf.split(bias, [num_visible, num_hidden], axis=-1)
        return cls(weights, visible_bias, hidden_bias, laid_out_transposed(weights))

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T v`."""
        return multiply_rows(visible, self.weights)

    def visible_signal(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `W h`."""
        return multiply_rows(hidden, self.weights_transposed)

    def sample_hidden(
        self, visible: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Draws hidden spins given visible ones."""
        field = add_field(inverse_temperature * self.hidden_signal(visible), self.hidden_bias)
        return sample_spins(field, seed)

    def sweep(self, state: tf.Tensor, inverse_temperature: TensorLike, seed: Seed) -> tf.Tensor:
        """Draws the hidden layer given the visible one, then the visible given the hidden one."""
        hidden_seed, visible_seed = samplers.split_seed(seed, n=2, salt="sweep")
        hidden = self.sample_hidden(state, inverse_temperature, hidden_seed)
        field = add_field(inverse_temperature * self.visible_signal(hidden), self.visible_bias)
        return sample_spins(field, visible_seed)

    def sweep_columns(
        self, columns: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Does what `sweep` does, by other random numbers, on chains side by side.

        A product from the left by the weights is up to a third faster on a CPU than one from the
        right by their transpose.

        Args:
          columns: `[num_visible, num_chains]`; weights without batch dimensions.
          inverse_temperature: scalar.
          seed: seed of the sweep.

        Returns:
          `[num_visible, num_chains]`.
        """
        hidden_seed, visible_seed = samplers.split_seed(seed, n=2, salt="sweep")
        columns = tf.convert_to_tensor(columns, self.weights.dtype)
        signal = inverse_temperature * tf.matmul(self.weights_transposed, columns)
        hidden = _draw_columns(signal, self.hidden_bias, hidden_seed)
        signal = inverse_temperature * tf.matmul(self.weights, hidden)
        return _draw_columns(signal, self.visible_bias, visible_seed)

    def complete(self, state: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws hidden spins given visible ones, and returns both, `[..., N]`."""
        state = tf.convert_to_tensor(state, self.weights.dtype)
        return tf.concat([state, self.sample_hidden(state, 1.0, seed)], axis=-1)

    def log_marginal(self, state: tf.Tensor) -> tf.Tensor:
        """Returns `log sum_h exp(-E(v, h))`, `[...]`."""
        state = tf.convert_to_tensor(state, self.weights.dtype)
        hidden_terms = log_2cosh(self.hidden_signal(state) + self.hidden_bias)
        return tf.reduce_sum(state * self.visible_bias, axis=-1) + tf.reduce_sum(
            hidden_terms, axis=-1
        )

    def log_marginal_increment(
        self, state: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        """Returns the change of the log marginal between two inverse temperatures, `[...]`.

        Differences are taken unit by unit, before the sum: two sums of thousands of units
        subtracted in float32 would lose the difference.
        """
        signal = self.hidden_signal(state)  # The visible fields do not change with temperature.
        change = log_2cosh(stop * signal + self.hidden_bias) - log_2cosh(
            start * signal + self.hidden_bias
        )
        return tf.reduce_sum(change, axis=-1)

    def reference_log_partition(self) -> tf.Tensor:
        """Returns `sum_i log 2cosh(b_i) + sum_j log 2cosh(c_j)`, log Z at W = 0."""
        return tf.reduce_sum(log_2cosh(self.visible_bias), axis=-1) + tf.reduce_sum(
            log_2cosh(self.hidden_bias), axis=-1
        )

    def sample_reference(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent visible spins, `[num_samples, *B, num_visible]`."""
        shape = tf.concat([[num_samples], tf.shape(self.visible_bias)], axis=0)
        return sample_spins(tf.broadcast_to(self.visible_bias, shape), seed)

    @property
    def num_enumerated(self) -> int:
        """Number of units of the smaller layer."""
        return min(self.weights.shape[-2:])

    def transposed(self) -> "SpinMachine":
        """Returns the machine with its layers exchanged."""
        return SpinMachine(
            self.weights_transposed, self.hidden_bias, self.visible_bias, self.weights
        )

    def latent_log_odds(self, state: tf.Tensor) -> tf.Tensor:
        """Returns the log-odds of +1 of hidden spins given visible ones, `[..., num_hidden]`."""
        return 2 * (self.hidden_signal(state) + self.hidden_bias)

    def log_latent_weight(self, bits: tf.Tensor) -> tf.Tensor:
        """Returns `log sum_v exp(-E(v, 2 bits - 1))`, `[...]`; the exponentials add up to Z."""
        return self.transposed().log_marginal(2 * bits - 1)

    def sample_given_latent(self, bits: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws visible spins given the hidden ones as bits."""
        return self.transposed().sample_hidden(2 * bits - 1, 1.0, seed)

    def _small_visible(self):
        return self if self.weights.shape[-2] <= self.weights.shape[-1] else self.transposed()

    def enumerate_log_partition(self) -> tf.Tensor:
        """Returns the exact log partition function, summing the smaller layer in blocks."""
        return log_sum_over_states(*self._enumeration())

    def sample_exactly(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent visible spins by enumerating the smaller layer, `[n, *B, m]`."""
        machine = self._small_visible()
        state_seed, spin_seed = samplers.split_seed(seed, n=2, salt="sample_exactly")
        small = 2 * sample_states(*self._enumeration(), num_samples, state_seed) - 1
        if machine is self:
            return small
        return machine.sample_hidden(small, 1.0, spin_seed)

    def enumerate_units(self) -> StateMixture:
        """Returns all spins, visible first, mixed over all states of the smaller layer."""
        machine = self._small_visible()
        log_weight, size, dtype, batch_rank = self._enumeration()
        bits = all_bits(size, dtype, batch_rank=batch_rank)
        large = tf.tanh(machine.hidden_signal(2 * bits - 1) + machine.hidden_bias)
        small = tf.broadcast_to(2 * bits - 1, tf.concat([tf.shape(large)[:-1], [size]], axis=0))
        means = tf.concat([small, large] if machine is self else [large, small], axis=-1)
        return StateMixture(log_weight(bits), means, 1 - means**2)

    def enumerate_entropy(self) -> tf.Tensor:
        """Returns the entropy of all spins in nats, `[*B]`, by a sum over the smaller layer."""
        machine = self._small_visible()
        log_weight, size, dtype, batch_rank = self._enumeration()
        bits = all_bits(size, dtype, batch_rank=batch_rank)
        log_share = tf.nn.log_softmax(log_weight(bits), axis=0)
        field = machine.hidden_signal(2 * bits - 1) + machine.hidden_bias
        of_large = tf.reduce_sum(log_2cosh(field) - field * tf.tanh(field), axis=-1)
        return tf.reduce_sum(tf.exp(log_share) * (of_large - log_share), axis=0)

    def _enumeration(self):
        """Returns what a sum over the smaller layer needs."""
        machine = self._small_visible()
        return (
            lambda bits: machine.log_marginal(2 * bits - 1),
            self.num_enumerated,
            self.weights.dtype,
            self.visible_bias.shape.rank - 1,
        )
