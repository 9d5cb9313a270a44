import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import networks
from tfp_ebm.internal.keras import keras
from tfp_ebm.networks import MLP, GatedResNet, concat_elu


def test_concat_elu():
    x = np.array([[-1.0, 2.0]])
    expected = np.array([[np.expm1(-1), 2.0, 1.0, np.expm1(-2)]])
    np.testing.assert_allclose(concat_elu(tf.constant(x)), expected)


@pytest.mark.parametrize("num_rows", [3, 40_000])
def test_gradient_of_concat_elu_is_that_of_its_definition(num_rows):
    """For few entries, and for so many that it is compiled."""
    x = tf.random.stateless_normal([num_rows, 2], (0, 1))
    weights = tf.random.stateless_normal([num_rows, 4], (0, 2))

    def gradient(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(weights * function(x))
        return tape.gradient(total, x)

    expected = gradient(lambda x: tf.nn.elu(tf.concat([x, -x], axis=-1)))
    np.testing.assert_allclose(gradient(concat_elu), expected, rtol=1e-5, atol=1e-6)


def test_gated_resnet_is_the_formula():
    network = GatedResNet((4, 6, 2), 5, num_filters=3, num_blocks=1, dtype=tf.float64)
    x = tf.random.stateless_normal([2, 4, 6, 2], (0, 1), dtype=tf.float64)
    block = network.blocks[0]
    hidden = network.proj_in(x)
    inner = block.convolution.hidden(concat_elu(hidden))
    value, gate = tf.split(block.convolution.gate(concat_elu(inner)), 2, axis=-1)
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


@pytest.mark.parametrize("context", ["gate", "hidden"])
def test_parameter_counts_with_attention_and_context(context):
    height, width, channels, filters, blocks, width_of_context = 4, 6, 3, 8, 2, 5
    network = networks.GatedResNet(
        (height, width, channels),
        num_outputs=7,
        num_filters=filters,
        num_blocks=blocks,
        num_heads=4,
        context=context,
        context_channels=width_of_context,
    )
    per_block = 22 * filters**2 + 5 * filters + 5 * filters**2 + 7 * filters
    per_block += (
        2 * filters * (width_of_context + 1)
        if context == "gate"
        else filters * (2 * width_of_context + 1)
    )
    expected = (9 * channels + 1) * filters + blocks * per_block + (9 * filters + 1) * 7
    assert network.count_params() == expected + height * width * filters
    x, image = tf.ones([2, 4, 6, 3]), tf.random.stateless_normal([2, 4, 6, 5], (0, 1))
    moved = network(x, image) - network(x, -image)
    assert np.any(np.abs(moved) > 1e-6)
    with pytest.raises(ValueError, match="`context` must be given"):
        network(x)


def test_recomputation_gives_the_same_gradients_with_dropout_on():
    gradients = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        network = networks.GatedResNet(
            (4, 4, 2), 3, 8, 2, dropout_rate=0.4, num_heads=2, recompute=recompute
        )
        x = tf.random.stateless_normal([5, 4, 4, 2], (0, 1))

        @tf.function
        def gradient(x, network=network):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(network(x, training=True) ** 2)
            return tape.gradient(loss, [x, *network.trainable_variables])

        tf.random.set_seed(3)
        gradients.append(gradient(x))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


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
