"""Splits, squeeze, act norm, 1x1 convolution and preprocessing, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import bijectors

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
