"""Residual and DenseNet flows."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.networks.test_spectral_norm import matrix_of
from tfp_ebm import bijectors, datasets, flows, models, networks, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.testing.conformance import randomize

tfd = tfp.distributions

SMALL = {"residual": {"hidden_units": [6]}, "densenet": {"num_layers": 2, "growth": 3}}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("residual", 2),
        *(
            pytest.param(name, size, marks=pytest.mark.slow)
            for name, size in [("residual", 1), ("residual", 5), ("densenet", 1), ("densenet", 5)]
        ),
    ],
)
def test_vectors_of_any_size(name, size):
    flow = getattr(flows, name)((size,), None, num_steps=2, dtype=tf.float64, **SMALL[name])
    randomize(flow, 0.5)
    x = tf.constant(np.random.default_rng(0).normal(size=[7, size]))
    z = flow.inverse(x)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-10)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        entries = tf.unstack(flow.inverse(tf.identity(x)), axis=1)
    jacobian = np.stack([tape.gradient(entry, x) for entry in entries], axis=1)
    log_det = flow.inverse_log_det_jacobian(tf.identity(x), event_ndims=1)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-10)
    for direction in range(size):  # Every entry depends on every other one.
        assert np.all(jacobian[:, direction] != 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_images_of_several_scales(name):
    make = getattr(flows, name)
    flow = make((4, 4, 1), 5, 2, num_steps=1, dtype=tf.float64, **SMALL[name])
    randomize(flow, 0.3)
    shapes = [part.network.event_shape for part in residuals(flow)]
    assert sorted(shapes) == [(1, 1, 8), (2, 2, 4)]
    x = np.random.default_rng(1).uniform(0, 5, size=[3, 4, 4, 1])
    z = flow.inverse(x)
    assert z.shape == (3, 16)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_extra_channels_are_any_real_numbers(name):
    make, options = getattr(flows, name), {"num_augmented": 1, "dtype": tf.float64}
    flow = make((2, 2, 3), 5, 1, num_steps=1, **options, **SMALL[name])
    assert flow.forward_event_shape([12]) == (2, 2, 3)
    x = np.random.default_rng(1).uniform(0, 5, size=[3, 2, 2, 3])
    x[..., -1] -= 9
    np.testing.assert_allclose(flow.forward(tf.identity(flow.inverse(x))), x, atol=1e-10)


def residuals(flow):
    return [part for part in flow.submodules if isinstance(part, bijectors.Residual)]


def test_levels_of_vectors_are_scaled_to_1():
    flow = flows.residual((3,), 10, num_steps=1, hidden_units=[4], dtype=tf.float64)
    plain = flows.residual((3,), None, num_steps=1, hidden_units=[4], dtype=tf.float64)
    for one, other in zip(plain.variables, flow.variables, strict=True):
        one.assign(other)
    x = np.random.default_rng(2).uniform(0, 10, size=[4, 3])
    np.testing.assert_allclose(flow.inverse(x), plain.inverse(x / 10), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_norms_stay_bounded_under_hostile_updates_and_samples_stay_inverses(name):
    keras.utils.set_random_seed(0)
    spec = models.ModelSpec(
        models.DataSpec((4, 4, 1), 5), (name, {"num_scales": 1, "num_steps": 2, **SMALL[name]})
    )
    model = models.build(spec)
    flow = models.parts(model).flow
    frozen = [one for one in flow.trainable_variables if "kernel" not in one.name]
    trainer = training.LikelihoodModel(model, frozen=frozen, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.SGD(3.0))
    images = np.random.default_rng(3).integers(0, 5, [64, 4, 4, 1]).astype(np.uint8)
    trainer.fit(images, epochs=3, batch_size=16, verbose=0)
    layers = [part for part in flow.submodules if isinstance(part, networks.LipschitzLinear)]
    for layer in layers:
        kernel = layer.bounded_kernel().numpy().astype(np.float64)
        assert np.linalg.norm(matrix_of(kernel, 2, 2), 2) <= 1
    y = tf.random.stateless_normal([20, 2, 2, 4], (0, 1))
    for layer in residuals(flow):
        assert np.max(np.abs(layer.forward(layer.inverse(y) + 0) - y)) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("name", "excess"), [("residual", 0.7), ("densenet", 0.25)])
def test_learns_two_moons_in_few_updates(name, excess):
    keras.utils.set_random_seed(0)
    density = datasets.density_2d("two_moons")
    sizes = {"residual": {"hidden_units": [32, 32]}, "densenet": {"growth": 8}}[name]
    flow = getattr(flows, name)((2,), None, num_steps=6, **sizes)
    train = density.sample(500 * 256, seed=2)
    flows.initialize_from_data(flow, train[:2_000])
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([2])), flow)
    trainer = training.LikelihoodModel(model, seed=(0, 1))
    trainer.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 500))
    )
    trainer.fit(train, batch_size=256, verbose=0)
    test = density.sample(5_000, seed=3)
    nats, entropy = -np.mean(model.log_prob(test)), -np.mean(density.log_prob(test))
    assert entropy - 0.05 < nats < entropy + excess


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flows.residual((2,), None, coefficient=1.0), r"`coefficient` must .* got 1.0"),
        (lambda: flows.densenet((2,), None, num_steps=0), "`num_steps` must be .* at least 1"),
        (lambda: flows.residual((4, 6, 1), 5, 2), "`image_shape` must have a height and width"),
        (lambda: flows.residual((2,), None, log_det="all"), "`log_det` must be one of"),
        (lambda: flows.residual((2,), 1), "`num_levels` must be an integer of at least 2, got 1"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
