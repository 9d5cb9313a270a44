import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import MLP, GatedResNet, concat_elu


def test_concat_elu():
    x = np.array([[-1.0, 2.0]])
    expected = np.array([[np.expm1(-1), 2.0, 1.0, np.expm1(-2)]])
    np.testing.assert_allclose(concat_elu(tf.constant(x)), expected)


def test_gated_resnet_is_the_formula():
    network = GatedResNet((4, 6, 2), 5, num_filters=3, num_blocks=1, dtype=tf.float64)
    x = tf.random.stateless_normal([2, 4, 6, 2], (0, 1), dtype=tf.float64)
    block = network.blocks[0]
    hidden = network.proj_in(x)
    value, gate = tf.split(block.gate(concat_elu(block.hidden(concat_elu(hidden)))), 2, axis=-1)
    y = (hidden + value * tf.sigmoid(gate)).numpy()
    normal = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(network(x), network.proj_out(tf.constant(normal)), rtol=1e-9)


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)])
def test_leading_axes(leading):
    assert GatedResNet((2, 4, 1), 5, 3, 1)(tf.zeros([*leading, 2, 4, 1])).shape == (
        *leading,
        2,
        4,
        5,
    )
    assert MLP(3, 5, [4])(tf.zeros([*leading, 3])).shape == (*leading, 5)


def test_dropout_only_while_training():
    network = GatedResNet((2, 4, 1), 5, 3, 1, dropout_rate=0.5)
    x = tf.ones([1, 2, 4, 1])
    np.testing.assert_array_equal(network(x), network(x))
    assert np.any(network(x, training=True) != network(x, training=True))


def test_zero_output():
    np.testing.assert_array_equal(MLP(3, 2, [4], zero_output=True)(tf.ones([1, 3])), [[0.0, 0.0]])


def test_errors():
    with pytest.raises(ValueError, match="`num_filters` must be an integer of at least 1, got 0"):
        GatedResNet((2, 2, 1), 3, num_filters=0)
    with pytest.raises(ValueError, match=r"`dropout_rate` must be a number in \[0, 1\), got 1"):
        GatedResNet((2, 2, 1), 3, dropout_rate=1.0)
    with pytest.raises(ValueError, match="`hidden_units`"):
        MLP(3, 3, [0])
