import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import conditionals, models
from tfp_ebm.distributions import Augmented, Dequantized

X = np.random.default_rng(0).normal(size=[5, 2]).astype(np.float32)


def moved(module):
    for index, variable in enumerate(module.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(0.2 * noise)
    return module


POSTERIORS = {
    "normal": lambda: conditionals.NormalPosterior(4),
    "gaussian": lambda: moved(conditionals.GaussianPosterior(2, 4, [7])),
    "flow": lambda: moved(conditionals.FlowPosterior(2, 4, num_steps=2, hidden_units=[7])),
}


@pytest.mark.parametrize("kind", POSTERIORS)
def test_shapes_for_any_leading_axes(kind):
    posterior = POSTERIORS[kind]()
    for x in (X[0], X, np.repeat(X[None], 3, axis=0)):
        q = posterior(x)
        assert q.event_shape == (4,) and q.batch_shape == x.shape[:-1]
        sample, log_prob = q.experimental_sample_and_log_prob(seed=(0, 1))
        assert sample.shape == (*x.shape[:-1], 4)
        np.testing.assert_allclose(q.log_prob(tf.identity(sample)), log_prob, rtol=1e-3, atol=1e-3)


def test_the_network_of_a_gaussian_posterior_gives_means_and_scales():
    posterior = moved(conditionals.GaussianPosterior(2, 3, []))
    kernel, bias = (v.numpy() for v in posterior.trainable_variables)
    loc, log_scale = np.split(X @ kernel + bias, 2, axis=-1)
    q = posterior(X).distribution
    np.testing.assert_allclose(q.loc, loc, rtol=1e-5)
    np.testing.assert_allclose(q.scale, np.exp(3 * np.tanh(log_scale / 3)), rtol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "flow"])
def test_e_depends_on_x_from_the_start(kind):
    make = {"gaussian": conditionals.GaussianPosterior, "flow": conditionals.FlowPosterior}[kind]
    posterior = make(2, 4)
    ends = (np.array([[2.0, -1.0]], np.float32), np.array([[-2.0, 1.0]], np.float32))
    means = [np.mean(posterior(x).sample(500, seed=(0, 1)), axis=0) for x in ends]
    assert np.abs(means[0] - means[1]).max() > 0.3


@pytest.mark.parametrize("size", [1, 3, 4])
def test_flow_posterior_against_an_autodiff_jacobian(size):
    posterior = moved(conditionals.FlowPosterior(2, size, 2, [7], tf.float64))
    x = tf.constant(X[:1], tf.float64)
    eps = tf.random.stateless_normal([1, size], (0, 2), dtype=tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(eps)
        e = posterior(x).bijector.forward(eps)
    jacobian = tape.jacobian(e, eps, experimental_use_pfor=False).numpy().reshape(size, size)
    expected = -0.5 * np.sum(eps**2) - size / 2 * np.log(2 * np.pi) - np.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(posterior(x).log_prob(tf.constant(e.numpy())), [expected], rtol=1e-8)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_all_variables_of_a_flow_posterior_train(size):
    posterior = moved(conditionals.FlowPosterior(2, size, 1, [7]))
    model = models.vector_vflow(2, size, 2, [7], posterior=posterior)
    moved(model.distribution)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(X, seed=(0, 1)))
    for variable, gradient in zip(
        posterior.trainable_variables,
        tape.gradient(loss, posterior.trainable_variables),
        strict=True,
    ):
        assert gradient is not None and np.any(gradient != 0), variable.name
    assert {v.ref() for v in posterior.trainable_variables} <= {
        v.ref() for v in model.trainable_variables
    }


@pytest.mark.parametrize("kind", POSTERIORS)
def test_bound_rises_with_the_number_of_draws(kind):
    model = moved(models.vector_vflow(2, 4, 2, [7], posterior=POSTERIORS[kind]()))
    many = np.repeat(X, 100, axis=0)
    values = [np.mean(model.log_prob(many, seed=(0, 1)))]
    values += [np.mean(model.importance_log_prob(many, s, seed=(0, 1))) for s in (16, 128)]
    assert values[0] < values[1] < values[2]


def test_vectors_of_integers():
    model = Dequantized(models.vector_vflow(2, 2, 1, [7]), num_levels=9)
    assert isinstance(model.distribution, Augmented)
    assert model.log_prob(np.array([[0, 8], [3, 4]])).shape == (2,)
    assert model.sample(3, seed=(0, 1)).shape == (3, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: conditionals.FlowPosterior(2, 0),
            "`num_augmented` must be an integer of at least 1",
        ),
        (lambda: conditionals.NormalPosterior(0), "`num_augmented`"),
        (lambda: conditionals.GaussianPosterior(2, 0), "`num_augmented`"),
        (
            lambda: models.vector_vflow(2, 0, posterior=conditionals.NormalPosterior(2)),
            "`posterior` needs extra coordinates",
        ),
        (
            lambda: models.vector_vflow(2, 4, posterior=conditionals.NormalPosterior(2)).log_prob(
                X
            ),
            r"event shape \(4,\), that of x with 4 along the last axis, got \(2,\)",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
