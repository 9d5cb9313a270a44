import numpy as np
import pytest

from tfp_ebm import networks


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
