import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import networks
from tfp_ebm.testing.derivatives import check_derivatives


def test_attention_against_numpy():
    layer = networks.GatedAttention(num_heads=2)
    x = np.random.default_rng(0).normal(size=[3, 2, 4, 6]).astype(np.float32)
    position = np.random.default_rng(1).normal(size=[2, 4, 6]).astype(np.float32)
    actual = layer(x, position).numpy()
    kernel, bias = (v.numpy() for v in layer.query_key_value.weights)
    packed = ((x + position).reshape(3, 8, 6) @ kernel[0, 0] + bias).reshape(3, 8, 3, 2, 3)
    attended = np.zeros([3, 8, 2, 3])
    for n in range(3):
        for head in range(2):
            query, key, value = (packed[n, :, part, head] for part in range(3))
            scores = query @ key.T / np.sqrt(3)
            weights = np.exp(scores - scores.max(1, keepdims=True))
            attended[n, :, head] = weights / weights.sum(1, keepdims=True) @ value
    kernel, bias = (v.numpy() for v in layer.gate.weights)
    a, b = np.split(attended.reshape(3, 2, 4, 6) @ kernel[0, 0] + bias, 2, axis=-1)
    np.testing.assert_allclose(actual, x + a / (1 + np.exp(-b)), rtol=1e-4, atol=1e-5)
    assert layer.count_params() == 5 * 36 + 5 * 6
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        networks.GatedAttention(4)(x)


def test_first_and_second_derivatives():
    """In the images, the position and every variable."""
    rng = np.random.default_rng(0)
    layer = networks.GatedAttention(num_heads=2, dtype=tf.float64)
    points = [tf.constant(rng.normal(size=shape)) for shape in ([2, 2, 3, 4], [2, 3, 4])]
    layer(*points)
    for weight in layer.trainable_variables:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    check_derivatives(layer, points, layer.trainable_variables, "gated attention")


def test_starts_near_the_identity():
    layer = networks.GatedAttention(num_heads=2)
    layer(np.ones([1, 1, 1, 64], np.float32))
    np.testing.assert_allclose(np.std(layer.gate.kernel), 0.1 / np.sqrt(64), rtol=0.1)


def test_dropout_only_where_there_is_a_seed():
    layer, x = networks.GatedAttention(2, dropout_rate=0.5), np.ones([1, 2, 3, 4], np.float32)
    plain, one, same, other = (
        layer(x, seed=seed).numpy() for seed in (None, (0, 1), (0, 1), (0, 2))
    )
    np.testing.assert_array_equal(plain, layer(x))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other) and np.any(one != plain)
