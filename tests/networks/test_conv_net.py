import numpy as np
import tensorflow as tf

from tfp_ebm.networks import ConvNet


def test_is_three_convolutions_with_relus_between():
    network = ConvNet((3, 5, 2), 4, 6, dtype=tf.float64)
    rng = np.random.default_rng(0)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    x = rng.normal(size=[2, 3, 5, 2])
    y = x
    for index, layer in enumerate(network.layers):
        y = tf.nn.conv2d(y, layer.kernel, 1, "SAME") + layer.bias
        y = y if index == 2 else tf.nn.relu(y)
    np.testing.assert_allclose(network(x), y, rtol=1e-9)
    np.testing.assert_allclose(network(x[:, None])[:, 0], y, rtol=1e-9)
    assert [layer.kernel_size for layer in network.layers] == [(3, 3), (1, 1), (3, 3)]


def test_starts_at_0():
    network = ConvNet((3, 5, 2), 4, 6)
    np.testing.assert_array_equal(network(tf.ones([2, 3, 5, 2])), np.zeros([2, 3, 5, 4]))
