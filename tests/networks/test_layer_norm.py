import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.networks.layer_norm import LayerNorm
from tfp_ebm.testing.derivatives import check_derivatives


def made(dtype=tf.float64, features=5):
    layer = LayerNorm(dtype=dtype)
    layer.build([None, 3, features])
    rng = np.random.default_rng(0)
    layer.gamma.assign(tf.constant(rng.normal(size=features), layer.gamma.dtype))
    layer.beta.assign(tf.constant(rng.normal(size=features), layer.beta.dtype))
    return layer, rng.normal(2.0, 3.0, size=[4, 3, features])


def test_value_against_numpy():
    layer, x = made()
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    expected = expected * layer.gamma.numpy() + layer.beta.numpy()
    np.testing.assert_allclose(layer(tf.constant(x)), expected, rtol=1e-12)


def test_variables_and_values_of_the_layer_of_keras():
    layer, x = made(tf.float32)
    other = keras.layers.LayerNormalization(epsilon=1e-5)
    other.build([None, 3, 5])
    names = [[v.name.split("/")[-1] for v in part.variables] for part in (layer, other)]
    assert names[0] == names[1]
    other.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(np.float32(x)), other(np.float32(x)), atol=1e-6)


def test_derivatives_of_every_input():
    layer, x = made()
    check_derivatives(layer, [tf.constant(x)], layer.trainable_variables, "layer norm")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_takes_moments_in_full(policy):
    layer, x = made(keras.mixed_precision.Policy(policy))
    y = layer(tf.constant(x))
    assert y.dtype.name == policy.removeprefix("mixed_") and layer.gamma.dtype == tf.float32
    full = keras.layers.LayerNormalization(epsilon=1e-5)
    full.build([None, 3, 5])
    full.set_weights(layer.get_weights())
    rounded = tf.cast(tf.cast(x, y.dtype), tf.float32)
    np.testing.assert_allclose(tf.cast(y, tf.float32), full(rounded), rtol=1e-2, atol=1e-2)
