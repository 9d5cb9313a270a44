import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import MLP
from tfp_ebm.testing.derivatives import check_derivatives


def test_zero_output():
    np.testing.assert_array_equal(MLP(3, 2, [4], zero_output=True)(tf.ones([1, 3])), [[0.0, 0.0]])


def test_errors():
    with pytest.raises(ValueError, match="`hidden_units`"):
        MLP(3, 3, [0])


def test_against_numpy():
    network = MLP(3, 2, [4, 5], "tanh", dtype=tf.float64)
    *hidden, (kernel, bias) = (
        (layer.kernel.numpy(), layer.bias.numpy() + 0.1)
        for layer in (*network.hidden, network.output_layer)
    )
    for layer in (*network.hidden, network.output_layer):
        layer.bias.assign(layer.bias + 0.1)
    x = np.random.default_rng(0).normal(size=[2, 7, 3])
    y = x
    for matrix, offset in hidden:
        y = np.tanh(y @ matrix + offset)
    np.testing.assert_allclose(network(x), y @ kernel + bias, rtol=1e-12)


def test_dropout_after_every_hidden_layer_only_while_training():
    network, x = MLP(3, 1, [500], dropout_rate=0.5), np.ones([400, 3], np.float32)
    expected = network(x)
    np.testing.assert_array_equal(network(x, training=False), expected)
    drawn = network(x, training=True).numpy()
    assert drawn.std() > 0.01
    np.testing.assert_allclose(drawn.mean(), expected[0, 0], atol=5 * drawn.std() / 20)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_first_and_second_derivatives(activation):
    rng = np.random.default_rng(2)
    network = MLP(3, 2, [4, 3], activation, dtype=tf.float64)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    x = tf.constant(rng.normal(size=[3, 3]))
    check_derivatives(lambda x: network(x) ** 2, [x], network.trainable_variables, "the MLP")


def test_the_output_has_the_dtype_of_the_variables():
    assert MLP(3, 2, [4], dtype="mixed_bfloat16")(tf.ones([1, 3])).dtype == tf.float32
