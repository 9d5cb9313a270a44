import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("ActNorm")

tfd = tfp.distributions


@pytest.mark.parametrize("shape", [(2,), (4, 6, 2)])
def test_initializes_once_asked(shape):
    norm = bijectors.ActNorm.create(shape, dtype=tf.float64)
    x = 3 + 2 * np.random.default_rng(0).normal(size=[200, 4, 6, 2])
    np.testing.assert_array_equal(norm.forward(x), x)
    assert not norm.is_initialized
    norm.initialize(x)
    y = norm.forward(x).numpy()
    axes = (0, 1, 2) if len(shape) == 1 else 0
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-9)
    np.testing.assert_allclose(y.std(axes), 1, rtol=1e-9)
    assert norm.is_initialized and norm.is_initialized in norm.variables
    constant = bijectors.ActNorm.create(shape, dtype=tf.float64)
    constant.initialize(np.ones([7, 4, 6, 2]))
    assert np.all(np.isfinite(constant.forward(np.ones([7, 4, 6, 2]))))


def test_scales_are_increasing():
    rng = np.random.default_rng(1)
    base = tfd.Independent(tfd.Logistic(rng.normal(size=[2, 1, 3]), 1.0), 3)
    norm = bijectors.ActNorm(np.array([1.0, 2.0, 0.5]), np.array([0.3, -0.2, 0.1]))
    model = tfd.TransformedDistribution(base, norm)
    x = rng.normal(size=[2, 1, 3])
    drawn = model.sample(40_000, seed=(0, 1)).numpy()
    below = np.all(drawn <= x, axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(model.cdf(x), below, atol=4 * np.sqrt(below / 40_000))


PARAMETER_BATCHES = [(), (5,), (3, 1), (3, 5), (2, 1, 5)]


@pytest.mark.parametrize("batch_shape", PARAMETER_BATCHES)
def test_a_batch_of_scales_and_shifts(batch_shape):
    rng = np.random.default_rng(1)
    x = rng.normal(size=[3, 5, 4, 6, 2])
    log_scale = rng.normal(size=[*batch_shape, 1, 1, 2])
    for shift in (rng.normal(size=[2]), rng.normal(size=[4, 6, 2]), 3 + log_scale):
        norm = bijectors.ActNorm(shift, log_scale)
        assert norm.experimental_batch_shape() == batch_shape
        y = norm.forward(x)
        np.testing.assert_allclose(y, x * np.exp(log_scale) + shift, rtol=1e-12)
        back = norm.inverse(tf.identity(y))
        np.testing.assert_allclose(back, np.broadcast_to(x, y.shape), atol=1e-12)
        log_det = norm.forward_log_det_jacobian(x, event_ndims=3)
        expected = 4 * 6 * log_scale.sum((-1, -2, -3))
        np.testing.assert_allclose(np.broadcast_to(log_det, expected.shape), expected, rtol=1e-12)


@pytest.mark.parametrize("index", [0, slice(1, 3), np.newaxis, (..., None), (slice(None), 2)])
def test_slices_are_the_bijectors_in_them(index):
    rng = np.random.default_rng(1)
    x, shift = (rng.normal(size=[3, 5, *end]) for end in ((2, 4, 2), (1, 1, 2)))
    where = index if index != (..., None) else np.s_[:, :, None]
    whole = bijectors.ActNorm(shift, np.array([0.2, -0.3]))
    sliced = whole[index].forward(x[where])
    np.testing.assert_allclose(sliced, whole.forward(x).numpy()[where], rtol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (2, 4, 3)])
def test_a_new_axis_of_a_single_bijector_is_a_batch_of_one(shape):
    single = bijectors.ActNorm.create(shape)
    assert single[np.newaxis].experimental_batch_shape() == (1,)
    assert single[np.newaxis].forward(np.ones([2, 4, 3], np.float32)).shape == (1, 2, 4, 3)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="out of bounds"):
        _ = single[0]


def test_trainable_parameters_of_images():
    made = tfp.experimental.util.make_trainable(
        bijectors.ActNorm, batch_and_event_shape=[5, 2, 4, 3]
    )
    assert [variable.shape for variable in made.trainable_variables] == [(5, 1, 1, 3)] * 2


def test_initializes_every_member_of_a_batch():
    x = np.random.default_rng(0).normal(size=[400, 3, 2, 4, 2]) * [2.0, 0.5] + 7
    x[:, 1] *= 4
    for shape, axes in (((3, 1, 1, 2), (0, 2, 3)), ((3, 2, 4, 2), (0,))):
        norm = bijectors.ActNorm(*(tf.Variable(np.zeros(shape)) for _ in range(2)))
        norm.initialize(x)
        y = norm.forward(x).numpy()
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-9)
        np.testing.assert_allclose(y.std(axes), 1, rtol=1e-9)


@pytest.mark.parametrize("method", ["forward", "inverse"])
def test_a_graph_refuses_another_number_of_channels(method):
    function = tf.function(
        getattr(bijectors.ActNorm.create([3]), method), input_signature=[tf.TensorSpec([None] * 4)]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        function(tf.ones([2, 2, 2, 6]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.ActNorm.create([3]).forward(np.zeros([2, 2, 4], np.float32)),
            r"made for images of shape \[\.\.\., 3\], got \(2, 2, 4\)",
        ),
        (
            lambda: bijectors.ActNorm(np.zeros(3), np.zeros(3)).initialize(np.zeros([2, 2, 3])),
            "needs variables",
        ),
        (
            lambda: bijectors.ActNorm(np.zeros([2, 3]), np.zeros(3)),
            "must have shapes .* that broadc",
        ),
        (
            lambda: bijectors.ActNorm(np.zeros([2, 1, 3]), np.zeros(1)),
            r"got \(2, 1, 3\) and \(1,\)",
        ),
        (lambda: bijectors.ActNorm(np.zeros(3), np.zeros(2)), "must have shapes .* that broadcast"),
        (
            lambda: bijectors.ActNorm(
                tf.Variable(np.zeros([3])), tf.Variable(np.zeros([1, 1, 3]))
            ).initialize(np.zeros([2, 2, 3])),
            "of one shape",
        ),
        (
            lambda: bijectors.ActNorm.create([1]).initialize(np.full([2, 2, 1], np.nan)),
            "`x` must be finite",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_vectors_against_numpy():
    rng = np.random.default_rng(0)
    shift, log_scale, x = rng.normal(size=[5, 3]), rng.normal(size=[3]), rng.normal(size=[4, 5, 3])
    norm = bijectors.ActNorm(shift, log_scale, event_rank=1)
    assert norm.experimental_batch_shape() == (5,)
    np.testing.assert_allclose(norm.forward(x), x * np.exp(log_scale) + shift, rtol=1e-12)
    log_det = norm.forward_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(np.broadcast_to(log_det, [5]), log_scale.sum(), rtol=1e-12)
    np.testing.assert_array_equal(norm[1:3].forward(x[:, 1:3]), norm.forward(x)[:, 1:3])
    both = norm.forward_log_det_jacobian(x, event_ndims=2)
    np.testing.assert_allclose(both, 5 * log_scale.sum(), rtol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (3, 2)])
def test_initializes_vectors(shape):
    norm = bijectors.ActNorm(*(tf.Variable(np.zeros(shape)) for _ in range(2)), event_rank=1)
    x = np.random.default_rng(0).normal(size=[400, 3, 2]) * [2.0, 0.5] + 7
    norm.initialize(x)
    y, axes = norm.forward(x).numpy(), (0, 1) if len(shape) == 1 else 0
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-9)
    np.testing.assert_allclose(y.std(axes), 1, rtol=1e-9)


def test_trainable_parameters_of_vectors():
    made = tfp.experimental.util.make_trainable(
        bijectors.ActNorm, batch_and_event_shape=[5, 3], event_rank=1
    )
    assert [variable.shape for variable in made.trainable_variables] == [(5, 3)] * 2
    assert made.experimental_batch_shape() == (5,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bijectors.ActNorm.create([3], event_rank=2), "must be 1, for vectors, or 3"),
        (lambda: bijectors.ActNorm.create([1, 1, 3], event_rank=1), r"must be \[channels\] for"),
        (lambda: bijectors.ActNorm.create([2, 3]), r"or \[height, width, channels\] .* \[2, 3\]"),
        (
            lambda: bijectors.ActNorm.create([3], event_rank=1).forward(np.zeros([5, 4], "f")),
            r"made for vectors of shape \[\.\.\., 3\], got \(5, 4\)",
        ),
        (
            lambda: bijectors.ActNorm.create([1], event_rank=1).forward(np.float32(3)),
            r"needs vectors of shape \[\.\.\., size\], got shape \(\)",
        ),
    ],
)
def test_errors_of_vectors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
