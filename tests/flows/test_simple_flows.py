import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tests.flows.test_vector_flow import moved
from tfp_ebm import flows, models
from tfp_ebm.internal.keras import keras
from tfp_ebm.models import DataSpec, ModelSpec

tfd = tfp.distributions
RNG = np.random.default_rng(0)


def trained(model, data, rate, num_steps):
    """Trains by Adam and returns the last loss."""
    optimizer, variables = keras.optimizers.Adam(rate), model.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(data))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return [float(step()) for _ in range(num_steps)][-1]


def log_det_and_slogdet(flow, x):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy()[0, :, 0, :]
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-10)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=1)
    return tf.reduce_sum(log_det), np.linalg.slogdet(jacobian)[1], jacobian


@pytest.mark.parametrize("parametrization", ["lu", "qr"])
@pytest.mark.parametrize("size", [1, 4])
def test_an_affine_flow_of_a_gaussian_is_a_gaussian(parametrization, size):
    flow = moved(flows.affine_flow(size, parametrization, tf.float64), 0.5)
    x = tf.constant(RNG.normal(size=[1, size]))
    log_det, expected, jacobian = log_det_and_slogdet(flow, x)
    np.testing.assert_allclose(log_det, expected, rtol=1e-9)
    normal = tfd.MultivariateNormalDiag(np.zeros(size))
    inverse = np.linalg.inv(jacobian)
    mean = flow.forward(np.zeros([1, size])).numpy()[0]
    exact = scipy.stats.multivariate_normal(mean, inverse @ inverse.T)
    points = RNG.normal(size=[5, size])
    log_prob = tfd.TransformedDistribution(normal, flow).log_prob(points)
    np.testing.assert_allclose(log_prob, exact.logpdf(points).reshape(5), rtol=1e-9)


@pytest.mark.parametrize("parametrization", ["lu", "qr"])
def test_an_affine_flow_learns_a_covariance(parametrization):
    factor = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [-0.5, 0.3, 0.4]])
    data = (RNG.normal(size=[2_000, 3]) @ factor.T + [1.0, -2.0, 0.5]).astype(np.float32)
    flow = flows.affine_flow(3, parametrization)
    models.initialize_from_data(flow, data)
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(3)), flow)

    loss = trained(model, data, 0.03, 300)
    mean, covariance = data.mean(0), np.cov(data.T, bias=True)
    best = -scipy.stats.multivariate_normal(mean, covariance).logpdf(data).mean()
    assert best - 1e-4 <= loss < best + 0.02


@pytest.mark.parametrize("transform", ["affine", "mixture", "spline"])
def test_entries_are_mapped_alone(transform):
    flow = moved(flows.elementwise_flow(3, transform, 4, 3, dtype=tf.float64), 0.3)
    x = tf.constant(RNG.normal(size=[1, 3]))
    log_det, expected, jacobian = log_det_and_slogdet(flow, x)
    np.testing.assert_allclose(log_det, expected, rtol=1e-9)
    np.testing.assert_array_equal(jacobian != 0, np.eye(3, dtype=bool))


def test_mixtures_on_logistics_are_mixtures_of_logistics():
    options = {"transform": "mixture", "num_components": 3}
    spec = ModelSpec(DataSpec((2,)), ("elementwise", options), "logistic", dtype="float64")
    model = moved(models.build(spec), 0.4)
    norm = next(part for part in model.submodules if type(part).__name__ == "ActNorm")
    mixture = next(part for part in model.submodules if type(part).__name__ == "MixLogCDF")
    points = RNG.normal(size=[6, 2])
    weights = np.exp(mixture.logits - tf.reduce_logsumexp(mixture.logits, -1, keepdims=True))
    logistic = scipy.stats.logistic(mixture.locs, np.exp(mixture.log_scales))
    z = norm.forward(points)
    density = (weights * logistic.pdf(np.asarray(z)[..., np.newaxis])).sum(-1)
    expected = np.log(density).sum(-1) + norm.forward_log_det_jacobian(points, event_ndims=1)
    np.testing.assert_allclose(model.log_prob(points), expected, rtol=1e-9)


def test_where_mixtures_start():
    flow = flows.elementwise_flow(2, num_components=4)
    mixture = next(part for part in flow.submodules if type(part).__name__ == "MixLogCDF")
    np.testing.assert_allclose(mixture.locs, 2 * [np.linspace(-2, 2, 4)], rtol=1e-6)
    np.testing.assert_allclose(np.exp(mixture.log_scales), np.full([2, 4], 0.5), rtol=1e-6)


def test_mixtures_learn_two_modes_of_each_entry():
    spec = ModelSpec(DataSpec((2,)), ("elementwise", {"num_components": 4}), "logistic")
    model = models.build(spec)
    data = (np.sign(RNG.normal(size=[1_000, 2])) + 0.1 * RNG.normal(size=[1_000, 2])).astype("f4")
    models.initialize_from_data(models.parts(model).flow, data)

    loss = trained(model, data, 0.1, 200)
    best = 2 * (np.log(2) + 0.5 * np.log(2 * np.pi * np.e * 0.01))
    gaussian = 2 * 0.5 * np.log(2 * np.pi * np.e * 1.01)
    assert best - 0.1 < loss < best + 0.15 < gaussian - 1


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (flows.affine_flow, {"parametrization": "svd"}, "`parametrization` must be one of lu, qr"),
        (flows.elementwise_flow, {"transform": "gated"}, "`transform` must be one of affine"),
        (flows.elementwise_flow, {"num_components": 0}, "`num_components` must be an integer"),
    ],
)
def test_errors(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(3, **options)
