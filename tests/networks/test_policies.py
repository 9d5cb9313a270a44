"""The dtypes and the leading axes of all networks."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import networks
from tfp_ebm.networks import MLP, GatedResNet


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)])
def test_leading_axes(leading):
    assert GatedResNet((2, 4, 1), 5, 3, 1)(tf.zeros([*leading, 2, 4, 1])).shape == (
        *leading,
        2,
        4,
        5,
    )
    assert MLP(3, 5, [4])(tf.zeros([*leading, 3])).shape == (*leading, 5)


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: MLP(3, 5, [16, 16], dtype=dtype),
        lambda dtype: networks.ConvNet((4, 4, 3), 5, 16, dtype=dtype),
        lambda dtype: GatedResNet((4, 4, 3), 5, 8, 2, num_heads=2, dtype=dtype),
    ],
    ids=["mlp", "conv_net", "gated_resnet"],
)
def test_bfloat16_policy_changes_the_arithmetic_and_nothing_else(make):
    exact, rounded = make(tf.float32), make("mixed_bfloat16")
    rounded.set_weights(
        [np.random.default_rng(0).normal(size=w.shape) * 0.2 for w in exact.weights]
    )
    exact.set_weights(rounded.get_weights())
    x = tf.random.stateless_normal([2, 4, 4, 3], (0, 1))
    assert all(variable.dtype == tf.float32 for variable in rounded.trainable_variables)
    outputs = [network(x) for network in (exact, rounded)]
    assert outputs[1].dtype == tf.float32
    error = np.abs(outputs[1] - outputs[0]).max() / np.abs(outputs[0]).max()
    assert 1e-6 < error < 0.05


def test_unknown_policy():
    with pytest.raises(ValueError, match=r"`dtype`.*mixed_bfloat16"):
        MLP(3, 5, dtype="mixed_bfloat")
