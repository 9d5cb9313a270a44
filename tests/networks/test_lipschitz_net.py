import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.networks import LipschitzDenseNet, LipschitzNet
from tfp_ebm.testing.conformance import randomize
from tfp_ebm.testing.derivatives import check_derivatives

NETWORKS = {
    "vectors": lambda **options: LipschitzNet((3,), [7, 5], **options),
    "images": lambda **options: LipschitzNet((3, 2, 2), [4, 3], **options),
    "dense vectors": lambda **options: LipschitzDenseNet((3,), 2, 4, **options),
    "dense images": lambda **options: LipschitzDenseNet((3, 2, 2), 2, 3, **options),
    "dense fixed": lambda **options: LipschitzDenseNet((3,), 2, 4, False, False, **options),
}


def steepest(network, x):
    """Returns the largest norm of the Jacobian over some points, by automatic differentiation."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        entries = tf.unstack(tf.reshape(network(x), [len(x), -1]), axis=1)
    rows = [tf.reshape(tape.gradient(entry, x), [len(x), -1]) for entry in entries]
    return np.linalg.norm(np.stack(rows, axis=1), 2, axis=(1, 2)).max()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * ("images" in n)) for n in NETWORKS]
)
def test_the_lipschitz_constant_is_bounded_at_any_weights(name):
    network = NETWORKS[name](coefficient=0.9, dtype="float64")
    x = tf.constant(2 * np.random.default_rng(0).normal(size=[20, *network.event_shape]))
    assert network(x).shape == x.shape and steepest(network, x) < 0.2  # Near 0 at first.
    randomize(network, 100.0)
    assert 0.01 < steepest(network, x) <= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_lipschitz_constant_is_bounded_whatever_updates_do(name):
    network = NETWORKS[name](coefficient=0.9, dtype="float64")
    x = tf.constant(2 * np.random.default_rng(0).normal(size=[50, *network.event_shape]))
    optimizer = keras.optimizers.SGD(30.0)
    optimizer.build(network.trainable_variables)

    @tf.function
    def update():  # Steeper and steeper, as far as it goes.
        with tf.GradientTape() as tape:
            loss = -tf.reduce_sum((network(x[:25]) - network(x[25:])) ** 2)
        optimizer.minimize(loss, network.trainable_variables, tape)

    found = []
    for _ in range(10):
        update()
        found.append(steepest(network, x))
    assert max(found) <= 0.9
    assert max(found) > 0.3


def test_against_numpy():
    network = LipschitzNet((3,), [7, 5], 0.8, dtype="float64")
    randomize(network, 0.3)
    x = np.random.default_rng(1).normal(size=[2, 4, 3])
    first, _, second, _ = network.hidden_layers
    y = x
    for layer, activation in zip((first, second), network.hidden_layers[1::2], strict=True):
        y = y @ layer.bounded_kernel().numpy() + layer.bias.numpy()
        b = np.log1p(np.exp(activation.steepness.numpy()))
        y = y / (1 + np.exp(-b * y)) / 1.1
    last = network.output_layer
    expected = 0.8 * (y @ last.bounded_kernel().numpy() + last.bias.numpy())
    np.testing.assert_allclose(network(x), expected, rtol=1e-10)


@pytest.mark.parametrize("learned", [False, True])
def test_dense_layers_against_numpy(learned):
    network = LipschitzDenseNet((3,), 2, 4, learned, False, 0.8, dtype="float64")
    randomize(network, 0.3)
    x = np.random.default_rng(2).normal(size=[6, 3])
    y, layers = x, list(network.hidden_layers)
    for _ in range(2):
        linear, activation = layers.pop(0), layers.pop(0)
        weights = np.full(2, 0.5**0.5)
        if learned:
            weights = np.log1p(np.exp(layers.pop(0).unconstrained.numpy())) + 0.1
            weights *= 0.98 / np.linalg.norm(weights)
        new = y @ linear.bounded_kernel().numpy() + linear.bias.numpy()
        b = np.log1p(np.exp(activation.steepness.numpy()))
        new = new / (1 + np.exp(-b * new)) / 1.1
        y = np.concatenate([weights[0] * y, weights[1] * new], axis=-1)
    last = network.output_layer
    expected = 0.8 * (y @ last.bounded_kernel().numpy() + last.bias.numpy())
    np.testing.assert_allclose(network(x), expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["vectors", "dense images"])
def test_a_condition_moves_the_biases_of_the_first_layer_alone(name):
    network = NETWORKS[name](num_context=2, dtype="float64")
    randomize(network, 0.5)
    rng = np.random.default_rng(3)
    x, conditions = rng.normal(size=[4, *network.event_shape]), rng.normal(size=[4, 2])
    y = network(x, conditions)
    assert np.abs(y - network(x, 2 * conditions)).min() > 0
    first, kernel = network.hidden_layers[0], network.context_kernel.numpy()
    before = first.bias.numpy()
    for index in range(4):
        first.bias.assign(before + conditions[index] @ kernel)
        np.testing.assert_allclose(y[index], network(x[index : index + 1])[0], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_derivatives(name):
    network = NETWORKS[name](dtype="float64")
    randomize(network, 0.3)
    x = tf.constant(np.random.default_rng(4).normal(size=[2, *network.event_shape]))
    check_derivatives(lambda x: network(x) ** 2, [x], network.trainable_variables, "network")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LipschitzNet((3,), coefficient=1.0), "`coefficient` must be .* below 1.*got 1.0"),
        (lambda: LipschitzNet((3,), coefficient=1.5), "`coefficient` must be .* below 1.*got 1.5"),
        (lambda: LipschitzNet((3,), coefficient=0.0), "`coefficient` must be .* above 0 .*got 0.0"),
        (lambda: LipschitzNet((3,), coefficient=True), "no inverse, got True"),
        (lambda: LipschitzNet((3,), []), "`hidden_units` must hold the size of a layer"),
        (lambda: LipschitzNet((3, 2)), "`event_shape` must be three positive integers"),
        (lambda: LipschitzDenseNet((3,), 0), "`num_layers` must be an integer of at least 1"),
        (lambda: LipschitzDenseNet((3,), growth=0), "`growth` must be an integer of at least 1"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
