import numpy as np
import pytest
import tensorflow as tf

from tests.flows.test_vector_flow import moved
from tfp_ebm import bijectors, flows

RNG = np.random.default_rng(0)
OPTIONS = {"num_levels": None, "num_couplings": 4, "hidden_units": (7,), "dtype": tf.float64}


@pytest.mark.parametrize(
    ("size", "split", "mixing", "rezero"),
    [
        (1, "halves", "reversal", False),
        (2, "halves", "reversal", True),
        (5, "halves", "reversal", False),
        (5, "checkerboard", "reversal", True),
        (6, "checkerboard", "reversal", False),
        (5, "halves", "linear", True),
    ],
)
def test_every_latent_depends_on_every_entry(size, split, mixing, rezero):
    flow = moved(flows.real_nvp((size,), split=split, mixing=mixing, rezero=rezero, **OPTIONS))
    x = tf.constant(RNG.normal(size=[1, size]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
        loss = tf.reduce_sum(z) + tf.reduce_sum(flow.inverse_log_det_jacobian(x, 1))
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(size, size)
    assert np.all(jacobian != 0)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=1)
    np.testing.assert_allclose(tf.reduce_sum(log_det), np.linalg.slogdet(jacobian)[1], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-10)
    for gradient in tape.gradient(loss, flow.trainable_variables):
        assert gradient is not None and np.any(gradient != 0)


def test_one_coupling_is_the_chapters():
    flow = moved(flows.real_nvp((6,), **{**OPTIONS, "num_couplings": 1}))
    x = RNG.normal(size=[4, 6])
    network = next(p for p in flow.submodules if isinstance(p, bijectors.Coupling)).conditioner
    shift, raw = np.split(network(x[:, :3]).numpy(), 2, axis=-1)
    log_scale = 2 * np.tanh(raw / 2)
    moved_part = np.exp(log_scale) * x[:, 3:] + shift
    expected = np.concatenate([x[:, :3], moved_part], axis=-1)[:, ::-1]
    np.testing.assert_allclose(flow.inverse(x), expected, rtol=1e-12)
    log_det = flow.inverse_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(log_det, log_scale.sum(-1), rtol=1e-12)


@pytest.mark.parametrize("rezero", [False, True])
def test_starts_as_a_permutation(rezero):
    flow = flows.real_nvp((4,), rezero=rezero, **OPTIONS)
    x = RNG.normal(size=[3, 4])
    np.testing.assert_allclose(flow.inverse(x), x, atol=1e-12)  # Four reversals.


def test_rezero_learns_from_there():
    flow = flows.real_nvp((4,), rezero=True, **OPTIONS)
    x = RNG.normal(size=[3, 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(flow.inverse(x) ** 2)
    names = {v.name.split(":")[0].split("/")[-1] for v in flow.trainable_variables}
    factors = [v for v in flow.trainable_variables if v.name.startswith(("alpha", "beta"))]
    assert {"alpha", "beta"} <= names and len(factors) == 8
    assert all(abs(float(gradient)) > 0 for gradient in tape.gradient(loss, factors))


def test_the_size_of_the_chapters_model():
    flow = flows.real_nvp((8, 8, 1), 17)
    assert sum(np.prod(v.shape) for v in flow.trainable_variables) == 1_319_424
    assert len([p for p in flow.submodules if isinstance(p, bijectors.Coupling)]) == 8


def test_images_are_logits_as_vectors():
    options = {**OPTIONS, "num_levels": 5}
    image = moved(flows.real_nvp((2, 2, 1), **options))
    vector = flows.real_nvp((4,), **OPTIONS)
    for one, other in zip(vector.variables, image.variables, strict=True):
        one.assign(other)
    x = RNG.uniform(0, 5, size=[3, 2, 2, 1])
    share = 0.05 + 0.9 * x / 5
    logits = np.log(share / (1 - share)).reshape(3, 4)
    np.testing.assert_allclose(image.inverse(x), vector.inverse(logits), rtol=1e-9)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((0,), {}, "at least 1, got 0"),
        ((3, 3), {}, "must be three positive"),
        ((3,), {"split": "thirds"}, "`split` must be one of checkerboard, halves"),
        ((3,), {"mixing": "none"}, "`mixing` must be one of linear, reversal"),
        ((3,), {"num_levels": 5}, "`num_levels` must be None for vectors, got 5"),
        ((1,), {"num_context": 2}, "`num_context` 2 needs couplings"),
        ((3,), {"num_couplings": 0}, "`num_couplings` must be an integer of at least 1"),
    ],
)
def test_errors(shape, options, message):
    with pytest.raises(ValueError, match=message):
        flows.real_nvp(shape, **{"num_levels": None, **options})
