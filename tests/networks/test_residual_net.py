"""The plain residual network of images."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import ResidualNet


def test_blocks_start_as_the_identity():
    network = ResidualNet((4, 4, 3), 5, num_filters=6, num_blocks=2)
    x = np.random.default_rng(0).normal(size=[2, 4, 4, 3]).astype(np.float32)
    expected = network.last(tf.nn.relu(network.first(x)))
    np.testing.assert_allclose(network(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [[4, 4, 3], [2, 4, 4, 3], [2, 5, 4, 4, 3], [0, 4, 4, 3]])
def test_any_leading_axes(shape):
    network = ResidualNet((4, 4, 3), 5, num_filters=6)
    assert network(tf.zeros(shape)).shape == (*shape[:-1], 5)


def test_every_block_learns_and_drops_out():
    network = ResidualNet((4, 4, 3), 5, num_filters=6, num_blocks=1, dropout_rate=0.5)
    network.blocks[0][1].kernel.assign(tf.ones_like(network.blocks[0][1].kernel))
    x = tf.random.stateless_normal([2, 4, 4, 3], (0, 1))
    assert not np.allclose(network(x, training=True), network(x, training=True))
    np.testing.assert_array_equal(network(x), network(x))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(x) ** 2)
    gradients = tape.gradient(total, network.trainable_variables)
    assert all(np.any(gradient != 0) for gradient in gradients)


def test_outputs_may_start_at_zero():
    network = ResidualNet((4, 4, 3), 5, zero_output=True, dtype=tf.float64)
    y = network(tf.ones([1, 4, 4, 3], tf.float64))
    assert y.dtype == tf.float64 and np.all(y == 0)


def test_a_rate_of_one_is_refused():
    with pytest.raises(ValueError, match="`dropout_rate` must be a number in"):
        ResidualNet((4, 4, 3), 5, dropout_rate=1.0)
