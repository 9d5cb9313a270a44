import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import networks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.seeds import seed_scope
from tfp_ebm.networks import GatedResNet, concat_elu, gated_attention, gated_resnet
from tfp_ebm.networks.gated_resnet import GatedConvolution
from tfp_ebm.testing.derivatives import check_derivatives


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


def test_dropout_only_while_training():
    network = GatedResNet((2, 4, 1), 5, 3, 1, dropout_rate=0.5)
    x = tf.ones([1, 2, 4, 1])
    np.testing.assert_array_equal(network(x), network(x))
    assert np.any(network(x, training=True) != network(x, training=True))


def test_errors():
    with pytest.raises(ValueError, match="`num_filters` must be an integer of at least 1, got 0"):
        GatedResNet((2, 2, 1), 3, num_filters=0)
    with pytest.raises(ValueError, match=r"`dropout_rate` must be a number in \[0, 1\), got 1"):
        GatedResNet((2, 2, 1), 3, dropout_rate=1.0)


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


@pytest.mark.slow
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


@pytest.mark.parametrize("context", ["none", "gate", "hidden"])
def test_a_gated_convolution_is_the_formula(context):
    rng = np.random.default_rng(0)
    layer = GatedConvolution(3, context=context, dtype=tf.float64)
    x, image = rng.normal(size=[2, 3, 4, 3]), rng.normal(size=[2, 3, 4, 2])
    arguments = [x] if context == "none" else [x, image]
    layer(*arguments)
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))

    def celu(y):
        return np.concatenate([np.where(z > 0, z, np.expm1(z)) for z in (y, -y)], axis=-1)

    def of_context(y):
        return y @ layer.from_context.kernel.numpy()[0, 0] + layer.from_context.bias.numpy()

    hidden = tf.nn.conv2d(celu(x), layer.hidden.kernel, 1, "SAME").numpy() + layer.hidden.bias
    hidden = hidden.numpy() + (of_context(celu(image)) if context == "hidden" else 0)
    gate = celu(hidden) @ layer.gate.kernel.numpy() + layer.gate.bias.numpy()
    gate = gate + (of_context(image) if context == "gate" else 0)
    a, b = np.split(gate, 2, axis=-1)
    np.testing.assert_allclose(layer(*arguments), x + a / (1 + np.exp(-b)), rtol=1e-9)


def test_every_dropout_has_a_seed_of_its_own(monkeypatch):
    seeds = []

    def dropout(x, rate, seed):
        seeds.append((rate, *seed.numpy()))
        return x

    pair = [GatedResNet((2, 4, 1), 5, 4, 3, dropout_rate=0.3, num_heads=2) for _ in range(2)]
    for module in (gated_resnet, gated_attention):
        monkeypatch.setattr(module, "dropout", dropout)
    with seed_scope((0, 1)):  # As in a step of training.
        for network in pair:
            network(tf.ones([1, 2, 4, 1]), training=True)
    assert len(set(seeds)) == len(seeds) == 12 and {rate for rate, *_ in seeds} == {0.3}


@pytest.mark.slow
@pytest.mark.parametrize("recompute", [False, True])
def test_second_derivatives(recompute):
    options = {"num_heads": 2, "recompute": recompute, "dtype": tf.float64}
    network = GatedResNet((2, 3, 2), 3, num_filters=4, num_blocks=1, **options)
    x = tf.constant(np.random.default_rng(0).normal(size=[2, 2, 3, 2]))
    check_derivatives(tf.function(network), [x], network.trainable_variables, "GatedResNet")
