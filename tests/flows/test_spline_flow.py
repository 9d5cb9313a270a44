import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.flows.test_vector_flow import moved
from tfp_ebm import bijectors, datasets, flows
from tfp_ebm.internal.keras import keras

tfd = tfp.distributions


@pytest.mark.parametrize("size", [1, 3])
def test_float32_round_trip_of_many_bins(size):
    flow = flows.spline_flow(size, num_steps=4, num_bins=32, hidden_units=[8])
    x = 3 * np.random.default_rng(0).normal(size=[5_000, size]).astype(np.float32)
    flows.initialize_from_data(flow, x)
    for part in flow.submodules:
        if isinstance(part, bijectors.Coupling | bijectors.MonotoneSpline):
            moved(part, 0.2)
    z = flow.inverse(x)
    assert np.std(flow.inverse_log_det_jacobian(x, event_ndims=1)) > 0.3
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-4)


def test_couplings_are_splines_of_every_entry_they_transform():
    flow = flows.spline_flow(3, 1, 4, [], 2.5, dtype=tf.float64)
    coupling = moved(next(p for p in flow.submodules if isinstance(p, bijectors.Coupling)))
    x = np.random.default_rng(0).normal(size=[7, 3])
    parameters = coupling.conditioner(x[:, :2]).numpy()
    assert parameters.shape == (7, 11)
    expected = bijectors.MonotoneSpline(parameters, 2.5).forward(x[:, 2])
    np.testing.assert_allclose(coupling.forward(x)[:, 2], expected, rtol=1e-12)
    np.testing.assert_array_equal(coupling.forward(x)[:, :2], x[:, :2])
    none = coupling.forward(x[:0])
    assert none.shape == (0, 3)


@pytest.mark.parametrize("size", [1, 2])
def test_splines_start_as_the_identity(size):
    flow = flows.spline_flow(size, 3, init="identity", dtype=tf.float64)
    x = np.random.default_rng(0).normal(size=[7, size])
    log_det = flow.inverse_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(flow.inverse(x), x, atol=0.05)
    np.testing.assert_allclose(log_det, np.broadcast_to(log_det[0], 7), atol=1e-9)


@pytest.mark.slow
def test_learns_two_moons_almost_to_their_entropy():
    keras.utils.set_random_seed(0)
    density, flow = datasets.density_2d("two_moons"), flows.spline_flow(2)
    flows.initialize_from_data(flow, density.sample(2_000, seed=1))
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([2])), flow)
    variables, optimizer = model.trainable_variables, keras.optimizers.Adam(5e-3)
    optimizer.build(variables)

    @tf.function
    def update(x):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(x))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for batch in density.sample(600 * 256, seed=2).reshape(600, 256, 2):
        update(tf.constant(batch))
    test = density.sample(10_000, seed=3)
    nats, entropy = -np.mean(model.log_prob(test)), -np.mean(density.log_prob(test))
    assert nats < entropy + 0.1 < 2.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_bins": 1}, "`num_bins` must be an integer of at least 2, got 1"),
        ({"num_steps": 0}, "`num_steps` must be an integer of at least 1, got 0"),
        ({"bound": -1.0}, "`bound` must be a finite number above 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        flows.spline_flow(2, **options)
