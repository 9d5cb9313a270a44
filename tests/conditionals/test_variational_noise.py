import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_named_models import IMAGES, small
from tfp_ebm import conditionals
from tfp_ebm.distributions import Dequantized

OPTIONS = {
    "affine": {},
    "mixture": {"num_components": 3},
    "official": {"num_components": 2, "num_heads": 2, "mix_per_half": True, "processor_filters": 4},
}


def moved(noise):
    """The noise after a random change of every variable."""
    for index, variable in enumerate(noise.trainable_variables):
        change = tf.random.stateless_normal(variable.shape, (1, index), dtype=variable.dtype)
        variable.assign_add(0.1 * change)
    return noise


def make(kind, dtype=tf.float64):
    return moved(conditionals.VariationalNoise((2, 4, 1), 5, 4, 1, 4, dtype=dtype, **OPTIONS[kind]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", OPTIONS)
def test_density_against_an_autodiff_jacobian(kind):
    x = tf.constant(IMAGES[:1], tf.float64)
    r = make(kind)(x)
    eps = tf.random.stateless_normal([1, 2, 4, 1], (0, 1), dtype=tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(eps)
        u = r.bijector.forward(eps)
    jacobian = tape.jacobian(u, eps, experimental_use_pfor=False).numpy().reshape(8, 8)
    expected = -0.5 * np.sum(eps**2) - 4 * np.log(2 * np.pi) - np.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(r.log_prob(tf.constant(u.numpy())), [expected], rtol=1e-8)
    assert np.all((u > 0) & (u < 1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", OPTIONS)
def test_noise_depends_on_the_image_and_trains(kind):
    noise = make(kind, tf.float32)
    x = tf.constant(IMAGES, tf.float32)
    samples = [noise(image).sample(seed=(0, 1)).numpy() for image in (x, 4 - x)]
    assert np.abs(samples[0] - samples[1]).max() > 1e-4
    model = small("gaussian_flow", noise=noise, num_couplings=(1, 0, 0))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(IMAGES, seed=(0, 1)))
    assert {v.ref() for v in noise.trainable_variables} <= {
        v.ref() for v in model.trainable_variables
    }
    for variable, gradient in zip(
        noise.trainable_variables, tape.gradient(loss, noise.trainable_variables), strict=True
    ):
        assert gradient is not None and np.any(gradient != 0), variable.name


@pytest.mark.slow
def test_variational_bound_is_a_bound():
    """It rises with the number of draws, towards what uniform noise gives, and stays below."""
    model = small("gaussian_flow", noise="variational", num_couplings=(1, 0, 0))
    moved(model.noise)
    # Each bound holds in expectation: an average over repeats of the images.
    images = np.repeat(IMAGES, 32, axis=0)
    values = [float(tf.reduce_mean(model.log_prob(images, seed=(0, 1))))]
    for count in (16, 128):
        bound = model.importance_log_prob(images, count, seed=(0, 1))
        values.append(float(tf.reduce_mean(bound)))
    assert values[0] < values[1] < values[2]
    plain = Dequantized(model.distribution, 5)
    exact = tf.reduce_mean(plain.importance_log_prob(IMAGES, 512, seed=(0, 2)))
    assert values[2] < float(exact) + 0.05
    assert float(exact) - values[2] < 0.5 * (float(exact) - values[0])


def test_each_conditioner_runs_once():
    noise = make("affine", tf.float32)
    calls = []
    for _, _, conditioner in noise._steps:
        original = conditioner.call
        conditioner.call = lambda *a, _f=original, **k: calls.append(1) or _f(*a, **k)
    noise(tf.constant(IMAGES, tf.float32)).experimental_sample_and_log_prob(seed=(0, 1))
    assert len(calls) == 4


def test_errors():
    with pytest.raises(ValueError, match="`image_shape` must have an even width"):
        conditionals.VariationalNoise((2, 3, 1))
    with pytest.raises(ValueError, match="Did you mean 'variational'"):
        small("gaussian_flow", noise="variatonal")
