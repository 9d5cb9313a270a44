import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.test_named_models import IMAGES
from tfp_ebm import flows, models
from tfp_ebm.training import LikelihoodModel

tfd = tfp.distributions

SMALL_NICE = {"hidden_units": [8], "num_couplings": 2}


def test_even_pixels_come_first_and_move_the_odd_ones():
    flow = flows.nice((2, 3, 2), 17, num_couplings=1, hidden_units=[5], dtype=tf.float64)
    x = np.random.default_rng(0).integers(0, 17, [5, 2, 3, 2])
    even, odd = x.reshape(5, 12)[:, ::2] / 17, x.reshape(5, 12)[:, 1::2] / 17
    coupling = next(part for part in flow.submodules if hasattr(part, "conditioner"))
    log_scale = next(v for v in flow.trainable_variables if v.shape == (12,))
    log_scale.assign(np.linspace(-1, 1, 12))
    moved = np.concatenate([even, odd + coupling.conditioner(even)], axis=1)
    z = flow.inverse(tf.constant(x, tf.float64))
    np.testing.assert_allclose(z, moved * np.exp(log_scale), rtol=1e-12)
    log_det = flow.inverse_log_det_jacobian(tf.constant(x, tf.float64), event_ndims=3)
    expected = np.sum(log_scale) - 12 * np.log(17)
    np.testing.assert_allclose(np.broadcast_to(log_det, 5), expected, rtol=1e-12)


def test_nice_is_volume_preserving_but_for_its_scales():
    flow = flows.nice((2, 4, 1), 5, dtype=tf.float64, **SMALL_NICE)
    flow.trainable_variables[-1].assign_add(tf.zeros_like(flow.trainable_variables[-1]))
    x = tf.constant(IMAGES[:1], tf.float64) + 0.5
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(8, 8)
    assert np.linalg.slogdet(jacobian)[1] == pytest.approx(-8 * np.log(5))
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(tf.reduce_sum(log_det), -8 * np.log(5), rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, rtol=1e-9)


def test_paper_size_of_nice():
    flow = flows.nice((28, 28, 1))
    count = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    network = 393 * 1000 + 4 * 1001 * 1000 + 1001 * 392
    assert count == 4 * network + 784


def test_dropout_of_nice_is_on_while_training_only():
    model = models.eb_and_flow(
        (4, 4, 1), 5, rbm="none", hidden_units=[32, 32], num_couplings=2, dropout_rate=0.5
    )
    trainer = LikelihoodModel(model.distribution)
    x = np.random.default_rng(0).uniform(0, 5, size=[3, 4, 4, 1]).astype(np.float32)
    first, second = (trainer(x, training=True).numpy() for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(trainer(x, training=False), model.distribution.log_prob(x))


def test_slices_of_a_batch_of_bases():
    loc = np.random.default_rng(0).normal(size=[4, 8])
    flow = flows.nice((2, 4, 1), 5, dtype=tf.float64, **SMALL_NICE)
    batch = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(loc), flow)
    x = tf.constant(IMAGES[:1], tf.float64)
    whole = batch.log_prob(x).numpy()
    for index in (1, slice(1, 3), np.s_[:, np.newaxis]):
        np.testing.assert_allclose(batch[index].log_prob(x[0]), whole[index], rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_vectors_of_any_size(size):
    flow = flows.nice((size,), None, dtype=tf.float64, **SMALL_NICE)
    for index, variable in enumerate(flow.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(0.3 * noise)
    x = tf.constant(np.random.default_rng(0).normal(size=[1, size]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(size, size)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=1)
    np.testing.assert_allclose(tf.reduce_sum(log_det), np.linalg.slogdet(jacobian)[1], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, rtol=1e-9)
    gradients = tape.gradient(z, flow.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert len(gradients) == (3 if size == 1 else 1 + 2 * 4)


def test_images_with_an_odd_number_of_entries_are_vectors_in_another_shape():
    options = {"dtype": tf.float64, **SMALL_NICE}
    image, vector = flows.nice((3, 3, 1), 5, **options), flows.nice((9,), 5, **options)
    for one, other in zip(vector.variables, image.variables, strict=True):
        one.assign(other)
    x = np.random.default_rng(0).uniform(0, 5, size=[4, 3, 3, 1])
    z = image.inverse(x)
    np.testing.assert_array_equal(z, vector.inverse(x.reshape(4, 9)))
    unscaled = flows.nice((9,), None, **options)
    for one, other in zip(unscaled.variables, vector.variables, strict=True):
        one.assign(other)
    np.testing.assert_allclose(unscaled.inverse(x.reshape(4, 9) / 5), z, rtol=1e-9)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0,), "at least 1, got 0"),
        ((3, 3), "must be three positive"),
        (4, "must be three positive"),
    ],
)
def test_errors(shape, message):
    with pytest.raises(ValueError, match=message):
        flows.nice(shape)


def test_data_set_the_last_scale():
    x = np.random.default_rng(0).normal(size=[500, 3]) * [1.0, 20.0, 0.3] + [0.0, 5.0, 0.0]
    flow = flows.nice((3,), None, 2, [4], dtype=tf.float64)
    z = flows.initialize_from_data(flow, x)
    np.testing.assert_allclose(np.mean(z.numpy() ** 2, axis=0), 1.0, rtol=1e-6)
    np.testing.assert_allclose(flow.inverse(tf.constant(x)), z, rtol=1e-6)
