"""Sizes of models."""

import tensorflow as tf

from tfp_ebm import models, networks


def test_trained_numbers_are_counted_and_others_are_not():
    network = networks.MLP(3, num_outputs=5, hidden_units=[7])
    network.fixed = tf.Variable(tf.zeros([11]), trainable=False)
    assert models.num_parameters(network) == (3 + 1) * 7 + (7 + 1) * 5
