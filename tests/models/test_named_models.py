import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import flows, models
from tfp_ebm.distributions import Dequantized

SMALL = {"num_levels": 5, "num_filters": 4, "num_components": 2, "num_blocks": 1}
IMAGES = np.random.default_rng(0).integers(0, 5, size=[3, 2, 4, 1]).astype(np.uint8)


def small(name, **options):
    return models.create(name, (2, 4, 1), **{**SMALL, "num_couplings": (2, 1, 2), **options})


NAMES = ("d_flow", "gaussian_flow", "multicov_flow", "rbm_flow")


@pytest.mark.parametrize("name", NAMES)
def test_models_have_densities_and_samples(name):
    model = small(name)
    assert isinstance(model, Dequantized) and model.event_shape == (2, 4, 1)
    assert np.all(np.isfinite(model.log_prob(IMAGES)))
    sample = model.sample(7, seed=(0, 1))
    assert sample.shape == (7, 2, 4, 1) and sample.dtype == tf.uint8


@pytest.mark.slow
def test_a_new_axis_is_a_batch_of_one():
    model = small("rbm_flow", num_couplings=(1, 0, 0))
    batch = model[np.newaxis]
    assert batch.batch_shape == (1,) and batch.sample(2).shape == (2, 1, 2, 4, 1)
    expected = model.log_prob(IMAGES, seed=(0, 1))
    one = batch.log_prob(IMAGES[:, np.newaxis], seed=(0, 1))
    np.testing.assert_allclose(one[:, 0], expected, rtol=1e-5)
    for back in (batch[0], model[...]):
        np.testing.assert_allclose(back.log_prob(IMAGES, seed=(0, 1)), expected, rtol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model[np.newaxis].log_prob(IMAGES[:, np.newaxis]))
    assert None not in tape.gradient(loss, model.trainable_variables)


def test_models_differ_only_in_their_base():
    counts = {
        name: sum(int(np.prod(v.shape)) for v in small(name).trainable_variables) for name in NAMES
    }
    assert counts["d_flow"] - counts["gaussian_flow"] == 8
    assert counts["multicov_flow"] - counts["gaussian_flow"] == 16
    assert counts["rbm_flow"] - counts["gaussian_flow"] == 16 + 8


@pytest.mark.parametrize(
    ("image_shape", "filters", "components"), [((8, 8, 1), 32, 8), ((4, 8, 3), 6, 3)]
)
def test_parameter_count_is_the_sum_over_layers(image_shape, filters, components):
    height, width, channels = image_shape
    flow = flows.flow_plus_plus(image_shape, 17, filters, components)
    expected = 0
    for couplings, half, area in (
        (4, channels, height * width // 2),
        (2, 2 * channels, height * width // 4),
        (4, 4 * channels, height * width // 8),
    ):
        network = (9 * half + 1) * filters + 2 * (22 * filters**2 + 5 * filters)
        network += (9 * filters + 1) * half * (2 + 3 * components)
        expected += couplings * (network + 2 * area * 2 * half + (2 * half) ** 2)
    assert sum(int(np.prod(v.shape)) for v in flow.trainable_variables) == expected


def test_float64_and_round_trip_with_the_cache_cut():
    model = small("rbm_flow", dtype=tf.float64)
    flow = model.distribution.bijector
    for index, variable in enumerate(flow.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(0.05 * noise)
    x = tf.constant(IMAGES, tf.float64) + 0.3
    z = flow.inverse(x)
    assert z.dtype == tf.float64 and z.shape == (3, 8)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, atol=1e-8)


@pytest.mark.slow
def test_log_determinant_of_the_whole_flow_by_autodiff():
    flow = small("gaussian_flow", dtype=tf.float64).distribution.bijector
    x = tf.constant(IMAGES[0], tf.float64) + 0.4
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(8, 8)
    expected = np.linalg.slogdet(jacobian)[1]
    actual = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_gradient_reaches_every_variable():
    model = small("rbm_flow")
    base = model.distribution.distribution
    base.weights.assign_add(0.1 * tf.random.stateless_normal([4, 4], (0, 1)))
    base.update_chains(5, seed=(0, 2))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(IMAGES, seed=(0, 1)))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, variable.name
        assert np.all(np.isfinite(gradient)) and np.any(gradient != 0), variable.name


def test_components_of_a_mixture_do_not_stay_identical():
    network = small("gaussian_flow").distribution.bijector.bijector.bijectors
    conditioners = [b.conditioner for b in network if hasattr(b, "conditioner")]
    outputs = conditioners[-1](tf.random.stateless_normal([1, 2, 2, 1], (0, 1)))
    locs = outputs[0, 0, 0, 4:6].numpy()
    assert abs(locs[0] - locs[1]) > 1e-4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.create("rbm_flo", (8, 8, 1)), "Did you mean 'rbm_flow'"),
        (
            lambda: models.create("d_flow", (8, 8, 1), sampler="replay"),
            "`option of d_flow` must be one of .* got 'sampler'",
        ),
        (
            lambda: flows.flow_plus_plus((7, 8, 1)),
            r"even height .* got \(7, 8, 1\)\. Pad .* 1 row",
        ),
        (lambda: flows.flow_plus_plus((8, 6, 1)), "2 column"),
        (lambda: flows.flow_plus_plus((8, 8)), "`image_shape` must be three positive integers"),
        (lambda: flows.flow_plus_plus((8, 8, 1), num_couplings=(1, 2)), "three numbers"),
        (lambda: flows.flow_plus_plus((8, 8, 1), num_components=0), "`num_components`"),
        (lambda: models.rbm_flow((8, 8, 1), delta=0.0), "`delta` must be a finite number above 0"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
