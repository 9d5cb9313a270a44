import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.test_named_models import IMAGES
from tfp_ebm import flows, models
from tfp_ebm.distributions import Augmented, SmoothedRBM

SMALL = {"num_filters": 4, "num_components": 2, "num_blocks": 1, "num_couplings": (1, 1, 1)}


def test_vector_vflow_with_and_without_augmentation_and_with_an_rbm():
    x = np.random.default_rng(0).normal(size=[5, 2]).astype(np.float32)
    plain = models.vector_vflow(2, 0)
    assert not isinstance(plain, Augmented)
    base = SmoothedRBM.create(3, 3)
    for model in (plain, models.vector_vflow(2, 4), models.vector_vflow(2, 4, base=base)):
        assert model.log_prob(x).shape == (5,) and model.sample(3).shape == (3, 2)
    with pytest.raises(ValueError, match=r"`base` must have event shape \(5,\)"):
        models.vector_vflow(2, 3, base=base)
    assert models.vector_vflow(2, 1, base=SmoothedRBM.create(2, 1)).log_prob(x).shape == (5,)


@pytest.mark.slow
def test_image_vflow_trains_all_its_variables():
    model = models.vflow((2, 4, 1), 1, num_levels=5, **SMALL)
    assert model.event_shape == (2, 4, 1)
    for index, variable in enumerate(model.trainable_variables):
        variable.assign_add(0.05 * tf.random.stateless_normal(variable.shape, (0, index)))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(IMAGES, seed=(0, 1)))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None and np.any(gradient != 0), variable.name
    assert model.sample(3, seed=(0, 1)).shape == (3, 2, 4, 1)
    many = np.repeat(IMAGES, 8, axis=0)
    one = np.mean(model.log_prob(many, seed=(0, 1)))
    assert one < np.mean(model.importance_log_prob(many, 64, seed=(0, 1)))


def test_augmented_channels_skip_the_logit():
    flow = flows.flow_plus_plus(
        (2, 4, 2), 5, num_augmented=1, **{**SMALL, "num_couplings": (0, 0, 0)}
    )
    x = np.random.default_rng(0).uniform(0, 5, size=[1, 2, 4, 2]).astype(np.float32)
    z = flow.inverse(x).numpy()
    assert set(np.round(x[..., 1].ravel(), 4)) <= set(np.round(z.ravel(), 4))
    assert not set(np.round(x[..., 0].ravel(), 4)) & set(np.round(z.ravel(), 4))
    with pytest.raises(ValueError, match="`num_augmented` must leave channels"):
        flows.flow_plus_plus((2, 4, 2), num_augmented=2)


@pytest.mark.slow
def test_four_stages_log_determinant_by_autodiff():
    options = {**SMALL, "num_couplings": (1, 1, 1, 1), "dtype": tf.float64}
    flow = flows.flow_plus_plus((2, 4, 2), 5, num_augmented=1, **options)
    for index, variable in enumerate(flow.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(0.1 * noise)
    x = tf.random.stateless_uniform([2, 4, 2], (0, 1), 0, 5, dtype=tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(16, 16)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, atol=1e-7)


def test_stages_that_do_not_fit():
    with pytest.raises(ValueError, match=r"even number of channels .* got 3; add one extra"):
        flows.flow_plus_plus((2, 4, 3), num_couplings=(1, 1, 1, 1))
    with pytest.raises(ValueError, match="three numbers, one for each stage, or four"):
        flows.flow_plus_plus((2, 4, 2), num_couplings=(1, 1))


def test_a_posterior_of_ones_own():
    def posterior(x):
        return tfp.distributions.Independent(tfp.distributions.Normal(x / 5, 1.0), 3)

    model = models.vflow((2, 4, 1), 1, num_levels=5, posterior=posterior, **SMALL)
    assert model.distribution.posterior is posterior
    assert np.all(np.isfinite(model.log_prob(IMAGES, seed=(0, 1))))
