import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import Transformer
from tfp_ebm.testing.conformance import randomize
from tfp_ebm.testing.derivatives import check_derivatives

SHAPE = (2, 3, 4)


def network_of(**options):
    options = {"num_filters": 6, "num_blocks": 1, "num_heads": 2, "dtype": tf.float64, **options}
    network = Transformer(SHAPE, 5, **options)
    randomize(network, 0.3)
    return network


def norm(x, layer):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * layer.gamma.numpy() + layer.beta.numpy()


def dense(x, layer):
    return x @ layer.kernel.numpy() + layer.bias.numpy()


def gelu(x):
    erf = np.vectorize(__import__("math").erf)
    return 0.5 * x * (1 + erf(x / 2**0.5))


def test_the_formula_by_numpy():
    network, x = network_of(), np.random.default_rng(0).normal(size=[2, *SHAPE])
    tokens = dense(x.reshape(2, 6, 4), network.embedding) + network.position.numpy()
    block = network.blocks[0]
    packed = dense(norm(tokens, block.norms[0]), block.query_key_value)
    heads = []
    for head in range(2):
        query, key, value = (packed[..., 6 * i + 3 * head :][..., :3] for i in range(3))
        weights = np.exp(query @ key.transpose(0, 2, 1) / 3**0.5)
        heads.append(weights / weights.sum(-1, keepdims=True) @ value)
    tokens = tokens + dense(np.concatenate(heads, axis=-1), block.attended)
    hidden = gelu(dense(norm(tokens, block.norms[1]), block.hidden))
    tokens = tokens + dense(hidden, block.output_layer)
    expected = dense(norm(tokens, network.norm), network.output_layer)
    np.testing.assert_allclose(network(x), expected.reshape(2, 2, 3, 5), rtol=1e-9)


def test_starts_at_zero_and_takes_any_leading_axes():
    network = Transformer(SHAPE, 5, 6, 1, 2)
    np.testing.assert_array_equal(network(tf.ones([3, 2, *SHAPE])), np.zeros([3, 2, 2, 3, 5]))
    assert network(tf.ones([0, *SHAPE])).shape == (0, 2, 3, 5)


def test_dropout_while_training_alone():
    network, x = network_of(dropout_rate=0.5), np.ones([1, *SHAPE])
    np.testing.assert_array_equal(network(x), network(x))
    assert np.any(network(x, training=True) != network(x, training=True))
    for end in ("output_layer", "attended"):  # Each branch alone.
        network = network_of(dropout_rate=0.5)
        branch = getattr(network.blocks[0], end)
        branch.kernel.assign(0 * branch.kernel)
        branch.bias.assign(0 * branch.bias)
        assert np.any(network(x, training=True) != network(x))


@pytest.mark.slow
def test_first_and_second_derivatives():
    network = network_of()
    x = tf.constant(np.random.default_rng(0).normal(size=[1, *SHAPE]))
    check_derivatives(
        lambda x: network(tf.identity(x)), [x], network.trainable_variables, "transformer"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 4}, "`num_filters` must be a multiple of `num_heads`.*take 8 filters"),
        ({"dropout_rate": 1.0}, r"`dropout_rate` must be a number in \[0, 1\), got 1.0"),
        ({"num_blocks": -1}, "`num_blocks` must be an integer of at least 0, got -1"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        network_of(**options)
