"""Flows of vectors of any size: affine and spline couplings alike."""

import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, flows, models
from tfp_ebm.flows.vector_steps import coupling_sizes

tfd = tfp.distributions

OPTIONS = {"hidden_units": [5], "init": "rotation", "dtype": tf.float64}
FLOWS = {
    "affine": lambda size, **options: flows.vector_flow(size, 2, **{**OPTIONS, **options}),
    "spline": lambda size, **options: flows.spline_flow(size, 2, 3, **{**OPTIONS, **options}),
}
RNG = np.random.default_rng(0)


def moved(module, scale=0.3):
    for index, variable in enumerate(module.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(scale * noise)
    return module


@pytest.mark.parametrize(
    ("kind", "size"), [("affine", 1), ("affine", 2), ("affine", 5), ("spline", 1), ("spline", 3)]
)
def test_any_number_of_dimensions(kind, size):
    flow, x = moved(FLOWS[kind](size)), tf.constant(RNG.normal(size=[1, size]))
    assert flow.forward_event_shape([size]) == flow.inverse_event_shape([size]) == (size,)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
        log_det = flow.inverse_log_det_jacobian(x, event_ndims=1)
        loss = tf.reduce_sum(z) + tf.reduce_sum(log_det)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(size, size)
    assert np.all(jacobian != 0)
    assert not np.allclose(log_det, 0)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-9)
    for gradient in tape.gradient(loss, flow.trainable_variables):
        assert gradient is not None and np.all(np.isfinite(gradient)) and np.any(gradient != 0)


@pytest.mark.parametrize("kind", FLOWS)
def test_couplings_start_as_the_identity(kind):
    flow = FLOWS[kind](3)
    matrices = [part for part in flow.submodules if isinstance(part, bijectors.Invertible1x1Conv)]
    x = tf.constant(RNG.normal(size=[4, 3]))
    expected = x
    for step in flow.bijector.bijectors[::-1]:
        expected = step.forward(expected) if step in matrices else expected
    np.testing.assert_allclose(flow.inverse(x), expected, atol=1e-12)
    norms = [part for part in flow.submodules if isinstance(part, bijectors.ActNorm)]
    assert len(matrices) == len(norms) == 2
    order = [type(step).__name__ for step in flow.bijector.bijectors[::-1]]
    assert order == 2 * ["ActNorm", "Invertible1x1Conv", "Coupling"]


def test_sizes_of_the_parts():
    assert [coupling_sizes(5, step) for step in range(3)] == [(3, 2), (2, 3), (3, 2)]
    assert [coupling_sizes(4, step) for step in range(2)] == [(2, 2), (2, 2)]
    assert coupling_sizes(1, 0) == (0, 1)


@pytest.mark.parametrize(("kind", "size"), [("affine", 3), ("spline", 1), ("spline", 3)])
def test_initializes_and_is_copied_and_pickled(kind, size):
    data = 100 + 5 * RNG.normal(size=[500, size])
    flow = FLOWS[kind](size)
    z = flows.initialize_from_data(flow, data).numpy()
    np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=0.1)
    moved(flow)
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros([4, size])), flow)
    expected = model.log_prob(data[0]).numpy()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.copy()):
        np.testing.assert_array_equal(other.log_prob(data[0]), expected)
    np.testing.assert_allclose(model[2:].log_prob(data[0]), expected[2:], rtol=1e-12)
    assert model.sample(3, seed=(0, 1)).shape == (3, 4, size)


@pytest.mark.parametrize("size", [1, 3])
def test_vflow_of_any_sizes(size):
    x = RNG.normal(size=[6, size])
    for num_augmented in (0, 1, 2, 3):
        model = models.vector_vflow(size, num_augmented, 1, [5], dtype=tf.float64)
        assert model.log_prob(x).shape == (6,) and model.sample(2).shape == (2, size)


@pytest.mark.parametrize("kind", FLOWS)
def test_errors(kind):
    with pytest.raises(ValueError, match="`num_dims` must be an integer of at least 1, got 0"):
        FLOWS[kind](0)
    with pytest.raises(ValueError, match="`init` must be one of identity, rotation"):
        FLOWS[kind](3, init="zero")
