import numpy as np
import tensorflow as tf

from tfp_ebm.networks import ConvNet
from tfp_ebm.testing.derivatives import check_derivatives


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


def test_first_and_second_derivatives():
    rng = np.random.default_rng(1)
    network = ConvNet((3, 2, 2), 2, 3, dtype=tf.float64)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    x = tf.constant(rng.normal(size=[2, 3, 2, 2]))
    # The output is linear in each layer, and its square is not.
    check_derivatives(
        lambda x: network(x) ** 2, [x], network.trainable_variables, "the convolutional network"
    )


def test_the_output_has_the_dtype_of_the_variables():
    network = ConvNet((3, 2, 2), 2, 3, dtype="mixed_bfloat16")
    assert network(tf.ones([1, 3, 2, 2])).dtype == tf.float32
