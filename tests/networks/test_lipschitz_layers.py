import numpy as np
import pytest
import tensorflow as tf

from tests.networks.test_spectral_norm import matrix_of
from tfp_ebm.internal.keras import keras
from tfp_ebm.networks import LipschitzLinear, LipSwish
from tfp_ebm.testing.derivatives import check_derivatives

SHAPES = [((5,), 3, 1), ((4, 3, 2), 3, 3), ((4, 3, 2), 3, 1), ((2, 2, 3), 1, 3)]


def norm_of(layer, shape):
    """Returns the norm of what a layer applies, by NumPy from its whole matrix."""
    kernel = layer.bounded_kernel().numpy().astype(np.float64)
    return np.linalg.norm(kernel if len(shape) == 1 else matrix_of(kernel, *shape[:2]), 2)


@pytest.mark.parametrize(("shape", "num_outputs", "kernel_size"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_the_norm_is_bounded_after_any_update(shape, num_outputs, kernel_size, dtype):
    layer = LipschitzLinear(shape, num_outputs, kernel_size, dtype=dtype)
    rng = np.random.default_rng(0)
    for scale in (0.1, 1.0, 1e8):
        layer.kernel.assign(scale * rng.normal(size=layer.kernel.shape))
        assert norm_of(layer, shape) <= 1
    # A jump to where an iteration from the former leading direction would see nothing.
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.kernel[(0,) * (len(layer.kernel.shape) - 1)].assign(7 * np.ones(num_outputs))
    assert norm_of(layer, shape) <= 1
    optimizer = keras.optimizers.SGD(1e4, momentum=0.9)
    x = tf.constant(rng.normal(size=[6, *shape]), dtype)
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_sum(layer(x) ** 2)
        optimizer.minimize(loss, layer.trainable_variables, tape)
        assert norm_of(layer, shape) <= 1
    assert norm_of(layer, shape) > 0.3


def test_small_kernels_stay_as_they_are():
    layer = LipschitzLinear((3,), 4, initial_norm=0.3, dtype="float64")
    np.testing.assert_array_equal(layer.bounded_kernel(), layer.kernel)
    np.testing.assert_allclose(np.linalg.norm(layer.kernel, 2), 0.3, rtol=0.02)


@pytest.mark.parametrize(("shape", "num_outputs", "kernel_size"), SHAPES)
def test_against_numpy(shape, num_outputs, kernel_size):
    layer = LipschitzLinear(shape, num_outputs, kernel_size, dtype="float64")
    rng = np.random.default_rng(1)
    layer.bias.assign(rng.normal(size=[num_outputs]))
    x = rng.normal(size=[2, 3, *shape])
    kernel = layer.bounded_kernel().numpy()
    if len(shape) == 1:
        expected = x @ kernel
    else:
        expected = x.reshape(6, -1) @ matrix_of(kernel, *shape[:2]).T
        expected = expected.reshape(2, 3, *shape[:2], num_outputs)
    np.testing.assert_allclose(layer(x), expected + layer.bias.numpy(), atol=1e-12)
    assert layer(x[:, :0]).shape == (2, 0, *shape[:-1], num_outputs)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3,), (2, 3, 2)])
def test_derivatives(shape):
    layer = LipschitzLinear(shape, 2, 1 if len(shape) == 1 else 3, dtype="float64")
    layer.kernel.assign(1.7 * layer.kernel)
    x = tf.constant(np.random.default_rng(2).normal(size=[2, *shape]))
    check_derivatives(lambda x: layer(x) ** 2, [x], layer.trainable_variables, "layer")


@pytest.mark.parametrize("steepness", [-1.0, 0.5, 4.0])
def test_no_slope_of_the_activation_is_above_1(steepness):
    points = tf.constant(np.linspace(-40, 40, 400_001))
    for concatenated in (False, True):
        layer = LipSwish(concatenated, dtype="float64")
        layer.steepness.assign(steepness)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(points)
            parts = tf.unstack(layer(points[:, tf.newaxis]), axis=1)
        slopes = np.sqrt(sum(tape.gradient(part, points).numpy() ** 2 for part in parts))
        assert 0.999 < slopes.max() <= 1


def test_the_activation_against_numpy():
    x = np.random.default_rng(3).normal(size=[3, 2])
    b = np.log1p(np.exp(0.5))
    swish = x / (1 + np.exp(-b * x)) / 1.1
    np.testing.assert_allclose(LipSwish(dtype="float64")(x), swish, rtol=1e-12)
    other = -x / (1 + np.exp(b * x)) / 1.1
    both = np.concatenate([swish, other], axis=-1) / 1.004
    np.testing.assert_allclose(LipSwish(True, dtype="float64")(x), both, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 2}, "`kernel_size` must be odd.*got 2; take 3"),
        ({"num_outputs": 0}, "`num_outputs` must be an integer of at least 1, got 0"),
        ({"initial_norm": 0.0}, "`initial_norm` must be a finite number above 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        LipschitzLinear(**{"input_shape": (4, 4, 1), "num_outputs": 2, **options})
