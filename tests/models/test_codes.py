import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import models

OPTIONS = {
    "num_levels": 17,
    "num_filters": 4,
    "num_components": 2,
    "num_blocks": 1,
    "num_couplings": (1, 1, 1),
}
IMAGES = np.random.default_rng(0).integers(0, 17, size=[5, 4, 4, 1]).astype(np.uint8)


def make(name, **options):
    model = models.create(name, (4, 4, 1), **OPTIONS, **options)
    base = model.distribution.distribution
    rng = np.random.default_rng(1)
    base.bias.assign(0.3 * rng.normal(size=[16]))
    if name == "rbm_flow":
        base.weights.assign(0.1 * rng.normal(size=[8, 8]))
    return model


@pytest.mark.parametrize("name", ["d_flow", "rbm_flow"])
def test_code_is_the_posterior_of_the_latent(name):
    model = make(name)
    base, flow = model.distribution.distribution, model.distribution.bijector
    code = models.encode(model, IMAGES, seed=(0, 1))
    z = flow.inverse(model.dequantize(IMAGES, seed=(0, 1))).numpy().astype(np.float64)
    if name == "d_flow":
        precision = np.eye(16)
    else:
        weights = base.weights.numpy()
        coupled = np.block([[np.zeros([8, 8]), weights], [weights.T, np.zeros([8, 8])]])
        precision = coupled + 2.5 * np.eye(16)
    field = z @ precision + base.bias.numpy()
    np.testing.assert_allclose(code.mean(), np.tanh(field), atol=1e-5)
    np.testing.assert_array_equal(code.mode(), np.where(field >= 0, 1, -1))


@pytest.mark.parametrize("name", ["d_flow", "rbm_flow"])
def test_images_of_a_code_share_it_more_than_others_do(name):
    # With components this narrow, nearly every image gives back the code it was made from.
    model = make(name, delta=30.0)
    spins = np.sign(np.random.default_rng(2).normal(size=[40, 16]))
    z = model.distribution.distribution.sample(40, spins=spins, seed=(0, 1))
    code = model.distribution.distribution.posterior(z).mode().numpy()
    assert np.mean(code == spins) > 0.99
    images = models.decode(model, spins, seed=(0, 2))
    assert images.shape == (40, 4, 4, 1) and images.dtype == tf.uint8
    again = models.encode(model, images, seed=(0, 3)).mode().numpy()
    # Rounding to 17 levels and clipping lose some of the code; chance is a half.
    assert np.mean(again == spins) > 0.8
    np.testing.assert_array_equal(images, models.decode(model, spins, seed=(0, 2)))


def test_the_code_of_a_gaussian_machine_is_its_hidden_layer():
    model = models.eb_and_flow((2, 2, 1), 5, num_hidden=3, hidden_units=[4], seed=(0, 1))
    base = model.distribution.distribution
    base.weights.assign(tf.random.stateless_normal([4, 3], (0, 2)))
    images = IMAGES[:, :2, :2] % 5
    z = models.latents(model, images, seed=(0, 1))
    np.testing.assert_allclose(
        z, model.distribution.bijector.inverse(model.dequantize(images, (0, 1)))
    )
    expected = base.posterior(z).mean()
    np.testing.assert_allclose(models.encode(model, images, seed=(0, 1)).mean(), expected)


def test_shapes():
    model = make("d_flow")
    spins = models.encode(model, IMAGES[:4].reshape(2, 2, 4, 4, 1), seed=(0, 1)).mode()
    assert spins.shape == (2, 2, 16)
    assert models.decode(model, spins).shape == (2, 2, 4, 4, 1)
    assert models.decode(model, spins[0, 0]).shape == (4, 4, 1)


def test_errors():
    model = make("d_flow")
    with pytest.raises(TypeError, match=r"base with a discrete code.*MultivariateNormalDiag"):
        models.encode(models.gaussian_flow((4, 4, 1), **OPTIONS), IMAGES)
    with pytest.raises(TypeError, match=r"base made of smoothed spins.*GaussianBernoulliRBM"):
        models.decode(models.eb_and_flow((2, 2, 1), 5, num_hidden=3, hidden_units=[4]), np.ones(3))
    with pytest.raises(ValueError, match=r"`spins` must have shape \[\.\.\., 16\], got shape"):
        models.decode(model, np.ones([3, 8]))
    with pytest.raises(ValueError, match="`spins` must be spins, -1 or"):
        models.decode(model, np.full([16], 0.5))
