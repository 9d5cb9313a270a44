"""Bits held as spins: the same energies, but for a constant, over all states."""

import copy

import numpy as np
import tensorflow as tf
from scipy.special import logsumexp

from tests import oracles
from tfp_ebm.machines.bits import BitBias, bits_of_spins, spins_of_bits


def log_shares(weights, bias, states):
    values = oracles.spin_log_weights(weights, bias, states)
    return values - logsumexp(values)


def test_spins_of_bits_have_the_probabilities_of_the_bits():
    weights, bias = oracles.random_machine(3, 2, scale=0.8)
    states = oracles.all_states(5)
    of_bits = log_shares(weights, bias, (1 + states) / 2)
    of_spins = [value.numpy() for value in spins_of_bits(weights, bias)]
    np.testing.assert_allclose(log_shares(*of_spins, states), of_bits, rtol=1e-12)


def test_bits_of_spins_have_the_probabilities_of_the_spins():
    weights, bias = oracles.random_machine(2, 4, scale=0.8)
    states = oracles.all_states(6)
    of_bits = bits_of_spins(tf.Variable(weights), tf.Variable(bias))
    of_bits = [tf.convert_to_tensor(value).numpy() for value in of_bits]
    share = log_shares(weights, bias, states)
    np.testing.assert_allclose(log_shares(*of_bits, (1 + states) / 2), share, rtol=1e-12)


def test_bits_follow_the_variables_of_spins_and_train_them():
    spins = [tf.Variable(value) for value in oracles.random_machine(3, 2)]
    weights, bias = bits_of_spins(*spins)
    assert isinstance(bias, BitBias)
    assert {id(v) for v in bias.trainable_variables} == {id(v) for v in spins}
    with tf.GradientTape() as tape:
        back = spins_of_bits(weights, bias)
        value = tf.reduce_sum(back[0] * [[1.0, 2.0]]) + tf.reduce_sum(back[1] * [1, 2, 3, 4, 5.0])
    gradients = tape.gradient(value, spins)
    np.testing.assert_allclose(gradients[0], [[1, 2]] * 3, atol=1e-12)
    np.testing.assert_allclose(gradients[1], [1, 2, 3, 4, 5], atol=1e-12)
    copied = copy.deepcopy(bias)
    before = tf.identity(bias)
    spins[0].assign_add(tf.ones_like(spins[0]))
    np.testing.assert_allclose(copied, before)
    np.testing.assert_allclose(bias - before, [-4, -4, -4, -6, -6])
