import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("Invertible1x1Conv")

tfb, tfd = tfp.bijectors, tfp.distributions

IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


@pytest.mark.parametrize("parametrization", ["full", "lu"])
@pytest.mark.parametrize("init", ["identity", "rotation"])
def test_convolution_is_a_matrix_on_channels(parametrization, init):
    conv = bijectors.Invertible1x1Conv.create(2, parametrization, init, tf.float64, seed=3)
    matrix = conv.forward(tf.eye(2, dtype=tf.float64)[:, None, None]).numpy()[:, 0, 0].T
    np.testing.assert_allclose(conv.forward(IMAGES), IMAGES @ matrix.T, rtol=1e-10)
    log_det = conv.forward_log_det_jacobian(IMAGES, event_ndims=3)
    expected = 4 * 6 * np.linalg.slogdet(matrix)[1]
    np.testing.assert_allclose(log_det, np.full(5, expected), atol=1e-10)
    if init == "rotation":
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(2), atol=1e-12)
    else:
        np.testing.assert_allclose(matrix, np.eye(2), atol=0.01)


def test_float32_log_determinant_of_a_kernel_near_the_identity():
    """It is summed over all positions, so that it must keep the digits that float32 has."""
    conv = bijectors.Invertible1x1Conv.create(32, "full", seed=3)
    found = conv.forward_log_det_jacobian(tf.zeros([8, 8, 32]), event_ndims=3)
    expected = 64 * np.linalg.slogdet(conv.kernel.numpy().astype(np.float64))[1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_both_parametrizations_start_at_the_same_matrix():
    x = np.random.default_rng(1).normal(size=[2, 2, 2, 7])
    full, packed = (
        bijectors.Invertible1x1Conv.create(7, p, "rotation", tf.float64, seed=3)
        for p in ("full", "lu")
    )
    np.testing.assert_allclose(full.forward(x), packed.forward(x), rtol=1e-9)
    counts = [sum(np.prod(v.shape) for v in c.trainable_variables) for c in (full, packed)]
    assert counts == [49, 49]


PARAMETER_BATCHES = [(), (5,), (3, 1), (3, 5), (2, 1, 5)]


@pytest.mark.parametrize("batch_shape", PARAMETER_BATCHES)
@pytest.mark.parametrize("form", ["full", "lu", "lu permuted"])
def test_a_batch_of_matrices(batch_shape, form):
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=[3, 5, 2, 4, 3]), rng.normal(size=[*batch_shape, 3, 3])
    permutation, matrix = None, kernel
    if form != "full":
        permutation = np.broadcast_to([2, 0, 1], kernel.shape[:-1] if "permuted" in form else [3])
        if "permuted" in form:
            permutation = rng.permuted(permutation, axis=-1)
        index = np.broadcast_to(permutation, kernel.shape[:-1])[..., np.newaxis]
        product = (np.tril(kernel, -1) + np.eye(3)) @ np.triu(kernel)
        matrix = np.take_along_axis(product, index, axis=-2)
    conv = bijectors.Invertible1x1Conv(kernel, permutation)
    assert conv.experimental_batch_shape() == batch_shape
    y = conv.forward(x)
    np.testing.assert_allclose(y, np.einsum("...ij,...hwj->...hwi", matrix, x), rtol=1e-9)
    back = conv.inverse(tf.identity(y))
    np.testing.assert_allclose(back, np.broadcast_to(x, y.shape), atol=1e-9)
    log_det = conv.forward_log_det_jacobian(x, event_ndims=3)
    np.testing.assert_allclose(log_det, 2 * 4 * np.linalg.slogdet(matrix)[1], rtol=1e-9)
    none = x[np.newaxis, np.newaxis][:0]
    assert conv.inverse(none).shape[0] == conv.forward(none).shape[0] == 0


@pytest.mark.parametrize("index", [0, slice(1, 3), np.newaxis, (..., None), (slice(None), 2)])
def test_slices_are_the_bijectors_in_them(index):
    rng = np.random.default_rng(1)
    x, kernel = (rng.normal(size=[3, 5, *end]) for end in ((2, 4, 2), (2, 2)))
    where = index if index != (..., None) else np.s_[:, :, None]
    for whole in (
        bijectors.Invertible1x1Conv(kernel),
        bijectors.Invertible1x1Conv(kernel, [1, 0]),
    ):
        sliced = whole[index].forward(x[where])
        np.testing.assert_allclose(sliced, whole.forward(x).numpy()[where], rtol=1e-12)


@pytest.mark.parametrize("parametrization", ["full", "lu"])
def test_a_new_axis_of_a_single_bijector_is_a_batch_of_one(parametrization):
    single = bijectors.Invertible1x1Conv.create(3, parametrization)
    assert single[np.newaxis].experimental_batch_shape() == (1,)
    assert single[np.newaxis].forward(np.ones([2, 4, 3], np.float32)).shape == (1, 2, 4, 3)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="out of bounds"):
        _ = single[0]


def test_slices_of_a_flow_with_a_convolution():
    loc = np.random.default_rng(1).normal(size=[4, 12])
    as_image = tfb.Reshape([2, 2, 3], [12])
    flow = tfb.Chain([tfb.Invert(bijectors.Invertible1x1Conv(np.eye(3) + 0.3)), as_image])
    batch = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(loc), flow)
    x = np.random.default_rng(2).normal(size=[4, 2, 2, 3])
    whole = batch.log_prob(x).numpy()
    for index in (1, slice(1, 3), np.s_[:, np.newaxis]):
        np.testing.assert_allclose(batch[index].log_prob(x[index]), whole[index], rtol=1e-12)


def test_trainable_parameters_of_images():
    made = tfp.experimental.util.make_trainable(
        bijectors.Invertible1x1Conv, batch_and_event_shape=[5, 2, 4, 3]
    )
    assert [variable.shape for variable in made.trainable_variables] == [(5, 3, 3)]


@pytest.mark.parametrize("method", ["forward", "inverse"])
def test_a_graph_refuses_another_number_of_channels(method):
    conv = bijectors.Invertible1x1Conv.create(3)
    spec = tf.TensorSpec([None] * 4)
    function = tf.function(getattr(conv, method), input_signature=[spec])
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        function(tf.ones([2, 2, 2, 6]))


@pytest.mark.parametrize(
    ("kernel", "permutation", "message"),
    [
        (np.zeros([3, 3]), None, "`kernel` must be an invertible matrix"),
        (np.diag([1.0, 0.0, 2.0]), [0, 2, 1], "`kernel` must be an invertible matrix"),
        (np.eye(3), [0, 0, 1], "`permutation` must hold every number from 0 to channels - 1 once"),
    ],
)
def test_convolution_checks_its_parameters(kernel, permutation, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        bijectors.Invertible1x1Conv(kernel, permutation, validate_args=True)
    late = bijectors.Invertible1x1Conv(tf.Variable(kernel), permutation)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        late.copy(validate_args=True).forward(np.zeros([2, 2, 3]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.Invertible1x1Conv(np.zeros([2, 3])),
            r"square matrix, got shape \(2, 3\)",
        ),
        (
            lambda: bijectors.Invertible1x1Conv.create(3, "qr"),
            "`parametrization` must be one of full, lu",
        ),
        (
            lambda: bijectors.Invertible1x1Conv.create(3).forward(np.zeros([2, 2, 4], np.float32)),
            "made for 3 channels",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("parametrization", ["full", "lu"])
def test_vectors_are_multiplied_by_the_kernel_of_images(parametrization):
    image, vector = (
        bijectors.Invertible1x1Conv.create(
            5, parametrization, "rotation", tf.float64, seed=3, event_rank=event_rank
        )
        for event_rank in (3, 1)
    )
    x = np.random.default_rng(0).normal(size=[4, 5])
    y = vector.forward(x)
    np.testing.assert_array_equal(y, image.forward(x[:, None, None])[:, 0, 0])
    np.testing.assert_allclose(vector.inverse(tf.identity(y)), x, rtol=1e-9)
    log_dets = [
        np.broadcast_to(conv.forward_log_det_jacobian(value, event_ndims=conv.event_rank), 4)
        for conv, value in ((image, x[:, None, None]), (vector, x))
    ]
    np.testing.assert_array_equal(*log_dets)


def test_batches_of_matrices_on_vectors():
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=[6, 3, 3]), rng.normal(size=[4, 6, 3])
    conv = bijectors.Invertible1x1Conv(kernel, [2, 0, 1], event_rank=1)
    assert conv.experimental_batch_shape() == (6,)
    matrix = ((np.tril(kernel, -1) + np.eye(3)) @ np.triu(kernel))[:, [2, 0, 1]]
    y = conv.forward(x)
    np.testing.assert_allclose(y, np.einsum("bij,nbj->nbi", matrix, x), rtol=1e-9)
    np.testing.assert_allclose(conv.inverse(tf.identity(y)), x, atol=1e-9)
    log_det = conv.forward_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], rtol=1e-9)
    np.testing.assert_allclose(conv[2].forward(x[:, 2]), y[:, 2], rtol=1e-12)
    made = tfp.experimental.util.make_trainable(
        bijectors.Invertible1x1Conv, batch_and_event_shape=[6, 3], event_rank=1
    )
    assert [variable.shape for variable in made.trainable_variables] == [(6, 3, 3)]


def test_vectors_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"made for 3 channels, got vectors of shape \(5, 4\)"):
        bijectors.Invertible1x1Conv.create(3, event_rank=1).forward(np.zeros([5, 4], np.float32))
