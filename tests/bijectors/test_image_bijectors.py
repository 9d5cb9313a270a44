"""Splits, squeeze, act norm, 1x1 convolution and preprocessing, against NumPy."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors

tfb, tfd = tfp.bijectors, tfp.distributions
IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


def test_column_split():
    even, odd = bijectors.CheckerboardSplit().forward(IMAGES)
    np.testing.assert_array_equal(even, IMAGES[:, :, 0::2])
    np.testing.assert_array_equal(odd, IMAGES[:, :, 1::2])


def test_true_checkerboard():
    parts = bijectors.CheckerboardSplit("checkerboard").forward(IMAGES)
    for parity, part in enumerate(parts):
        for row in range(4):
            columns = [c for c in range(6) if (row + c) % 2 == parity]
            np.testing.assert_array_equal(part[:, row], IMAGES[:, row, columns])


def test_channel_split_and_swap():
    first, last = bijectors.ChannelSplit().forward(IMAGES)
    np.testing.assert_array_equal(first, IMAGES[..., :1])
    swapped = bijectors.ChannelSplit(swap=True).forward(IMAGES)
    np.testing.assert_array_equal(swapped[0], last)


def test_squeeze_puts_sub_pixels_first_and_colours_last():
    y = bijectors.Squeeze().forward(IMAGES).numpy()
    assert y.shape == (5, 2, 3, 8)
    for dy in range(2):
        for dx in range(2):
            for c in range(2):
                np.testing.assert_array_equal(
                    y[..., (2 * dy + dx) * 2 + c], IMAGES[:, dy::2, dx::2, c]
                )


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


def test_both_parametrizations_start_at_the_same_matrix():
    x = np.random.default_rng(1).normal(size=[2, 2, 2, 7])
    full, packed = (
        bijectors.Invertible1x1Conv.create(7, p, "rotation", tf.float64, seed=3)
        for p in ("full", "lu")
    )
    np.testing.assert_allclose(full.forward(x), packed.forward(x), rtol=1e-9)
    counts = [sum(np.prod(v.shape) for v in c.trainable_variables) for c in (full, packed)]
    assert counts == [49, 49]


@pytest.mark.parametrize("shape", [(2,), (4, 6, 2)])
def test_act_norm_initializes_once_asked(shape):
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


def test_preprocessing_gives_a_distribution_of_levels_its_quantiles():
    levels = tfd.TransformedDistribution(
        tfd.Logistic(np.float64(0.3), 0.8), tfb.Invert(bijectors.ImageToLogit(num_levels=17))
    )
    x = np.array([0.5, 4.0, 16.0])
    p = 0.05 + 0.9 * x / 17
    expected = scipy.stats.logistic.cdf(np.log(p / (1 - p)), 0.3, 0.8)
    np.testing.assert_allclose(levels.cdf(x), expected, rtol=1e-12)
    np.testing.assert_allclose(levels.survival_function(x), 1 - expected, rtol=1e-12)
    np.testing.assert_allclose(levels.quantile(expected), x, rtol=1e-9)


def test_scales_are_increasing():
    rng = np.random.default_rng(1)
    base = tfd.Independent(tfd.Logistic(rng.normal(size=[2, 1, 3]), 1.0), 3)
    norm = bijectors.ActNorm(np.array([1.0, 2.0, 0.5]), np.array([0.3, -0.2, 0.1]))
    model = tfd.TransformedDistribution(base, norm)
    x = rng.normal(size=[2, 1, 3])
    drawn = model.sample(40_000, seed=(0, 1)).numpy()
    below = np.all(drawn <= x, axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(model.cdf(x), below, atol=4 * np.sqrt(below / 40_000))


@pytest.mark.parametrize("bad", [-1000.0, 1000.0, -0.95, 17.95])
def test_preprocessing_checks_its_domain_if_asked(bad):
    """0 and 17 map to -+2.94; a margin of 17 / 18 on either side maps to infinity."""
    strict = bijectors.ImageToLogit(num_levels=17, validate_args=True)
    inside = np.array([-0.94, 0.0, 17.0, 17.94])
    assert np.all(np.isfinite(strict.forward(inside)))
    for method in (strict.forward, lambda x: strict.forward_log_det_jacobian(x, event_ndims=0)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"between -0\.944.* and 17\.944"):
            method(np.array([3.0, bad]))
    assert np.isnan(bijectors.ImageToLogit(num_levels=17).forward(bad))


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


INDICES = [0, slice(1, 3), np.newaxis, (Ellipsis, np.newaxis), (slice(None), 2)]


@pytest.mark.parametrize("index", INDICES)
def test_slices_are_the_bijectors_in_them(index):
    rng = np.random.default_rng(1)
    x, shift, kernel = (rng.normal(size=[3, 5, *end]) for end in ((2, 4, 2), (1, 1, 2), (2, 2)))
    for whole in (
        bijectors.ActNorm(shift, np.array([0.2, -0.3])),
        bijectors.Invertible1x1Conv(kernel),
        bijectors.Invertible1x1Conv(kernel, [1, 0]),
    ):
        where = index if index != (..., None) else np.s_[:, :, None]
        sliced = whole[index].forward(x[where])
        np.testing.assert_allclose(sliced, whole.forward(x).numpy()[where], rtol=1e-12)


def test_a_new_axis_of_a_single_bijector_is_a_batch_of_one():
    for single in (
        bijectors.ActNorm.create([3]),
        bijectors.ActNorm.create([2, 4, 3]),
        bijectors.Invertible1x1Conv.create(3, "lu"),
    ):
        assert single[np.newaxis].experimental_batch_shape() == (1,)
        assert single[np.newaxis].forward(np.ones([2, 4, 3], np.float32)).shape == (1, 2, 4, 3)
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="out of bounds"):
            _ = single[0]


def test_trainable_parameters_of_images():
    for cls, shapes in (
        (bijectors.ActNorm, {(5, 1, 1, 3)}),
        (bijectors.Invertible1x1Conv, {(5, 3, 3)}),
    ):
        made = tfp.experimental.util.make_trainable(cls, batch_and_event_shape=[5, 2, 4, 3])
        assert {tuple(variable.shape) for variable in made.trainable_variables} == shapes


def test_act_norm_initializes_every_member_of_a_batch():
    x = np.random.default_rng(0).normal(size=[400, 3, 2, 4, 2]) * [2.0, 0.5] + 7
    x[:, 1] *= 4
    for shape, axes in (((3, 1, 1, 2), (0, 2, 3)), ((3, 2, 4, 2), (0,))):
        norm = bijectors.ActNorm(*(tf.Variable(np.zeros(shape)) for _ in range(2)))
        norm.initialize(x)
        y = norm.forward(x).numpy()
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-9)
        np.testing.assert_allclose(y.std(axes), 1, rtol=1e-9)


@pytest.mark.parametrize("make", [bijectors.ActNorm.create, bijectors.Invertible1x1Conv.create])
def test_a_graph_refuses_another_number_of_channels(make):
    bijector = make([3] if make == bijectors.ActNorm.create else 3)
    spec = tf.TensorSpec([None] * 4)
    for method in (bijector.forward, bijector.inverse):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
            tf.function(method, input_signature=[spec])(tf.ones([2, 2, 2, 6]))


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


def test_preprocessing_at_both_ends():
    bijector = bijectors.ImageToLogit(num_levels=256)
    x = np.array([0.0, 256.0, 100.0])
    p = 0.05 + 0.9 * x / 256
    np.testing.assert_allclose(bijector.forward(x), np.log(p / (1 - p)), rtol=1e-12)
    assert np.max(np.abs(bijector.forward(x))) < 2.945


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.CheckerboardSplit().forward(np.zeros([4, 3, 1])),
            "width that is a multiple of 2, got 3; pad it to 4",
        ),
        (
            lambda: bijectors.ChannelSplit().forward(np.zeros([4, 4, 3])),
            "number of channels that is a multiple of 2, got 3",
        ),
        (
            lambda: bijectors.Squeeze().forward(np.zeros([5, 4, 1])),
            "height that is a multiple of 2, got 5; pad it to 6",
        ),
        (
            lambda: bijectors.Squeeze().inverse(np.zeros([4, 4, 3])),
            "number of channels that is a multiple of 4, got 3",
        ),
        (
            lambda: bijectors.Squeeze().forward(np.zeros([4, 4])),
            r"images of shape \[\.\.\., height, width, channels\], got shape \(4, 4\)",
        ),
        (lambda: bijectors.Squeeze(1), "`factor` must be an integer of at least 2, got 1"),
        (lambda: bijectors.CheckerboardSplit("collumns"), "Did you mean 'columns'"),
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
        (
            lambda: bijectors.ImageToLogit(alpha=0.0),
            "`alpha` must be above 0 and below 0.5, got 0.0",
        ),
        (
            lambda: bijectors.ImageToLogit(num_levels=1),
            "`num_levels` must be an integer of at least 2",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
