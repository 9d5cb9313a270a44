"""Machines whose chains are known without drawing: for what calls them, not for what they draw."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

DTYPE = tf.float64


class Counter(NamedTuple):
    """A state of one unit; every sweep adds its inverse temperature."""

    log_z: tf.Tensor

    def sweep(self, state, inverse_temperature, seed):
        del seed
        return state + inverse_temperature

    def log_marginal(self, state):
        return state[..., 0]

    def log_marginal_increment(self, state, start, stop):
        return ((stop - start) * state)[..., 0]

    def reference_log_partition(self):
        return self.log_z

    def sample_reference(self, num_samples, seed):
        """Evenly spaced between 0 and 1, whatever the seed."""
        del seed
        return tf.linspace(tf.zeros([1], DTYPE), tf.ones([1], DTYPE), num_samples)


class Still(Counter):
    """Nothing moves: a log weight is the state itself."""

    def sweep(self, state, inverse_temperature, seed):
        del inverse_temperature, seed
        return state


class Spread(Counter):
    """A sweep adds the number of the chain."""

    def sweep(self, state, inverse_temperature, seed):
        del inverse_temperature, seed
        count = tf.shape(state)[0]
        shape = tf.concat([[count], tf.ones([tf.rank(state) - 1], tf.int32)], axis=0)
        return state + tf.reshape(tf.cast(tf.range(count), DTYPE), shape)


class Thermometer(Counter):
    """As `Counter`, but a sweep leaves the inverse temperature itself."""

    def sweep(self, state, inverse_temperature, seed):
        del seed
        return tf.zeros_like(state) + inverse_temperature


class Walker(Counter):
    """A random walk of standard normal steps."""

    def sweep(self, state, inverse_temperature, seed):
        del inverse_temperature
        return state + tf.random.stateless_normal(tf.shape(state), seed, dtype=DTYPE)


class Autoregressive(Counter):
    """Normal states of correlation 0.6 between sweeps."""

    def sweep(self, state, inverse_temperature, seed):
        del inverse_temperature
        return 0.6 * state + 0.8 * tf.random.stateless_normal(tf.shape(state), seed, dtype=DTYPE)

    def sample_reference(self, num_samples, seed):
        return tf.random.stateless_normal([num_samples, 1], seed, dtype=DTYPE)


class Late(Autoregressive):
    """Two machines: log weights of the first grow as t squared, those of the second not at all."""

    def log_marginal_increment(self, state, start, stop):
        change = (stop**2 - start**2) * state
        return tf.concat([change, tf.zeros_like(change)], axis=-1)


class Enumerable(NamedTuple):
    """Says how many units there are to enumerate."""

    log_z: tf.Tensor
    num_enumerated: int

    def sweep(self, state, inverse_temperature, seed):
        raise NotImplementedError

    def enumerate_log_partition(self):
        return self.log_z


class Base:
    """What annealing asks of a distribution."""

    dtype = DTYPE
    name = "base"
    event_shape = tf.TensorShape([1])

    def __init__(self, machine, offset=0.0):
        self._machine, self._offset = machine, np.float64(offset)

    def machine(self):
        return self._machine

    def log_partition_offset(self):
        return tf.constant(self._offset)

    def chain_state(self, value, seed):
        del seed
        return value + 1.0

    def unnormalized_log_prob(self, value):
        return 10 * value[..., 0]


def counter(kind=Counter, log_z=3.0):
    return kind(tf.constant(log_z, DTYPE))
