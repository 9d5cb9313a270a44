"""Bounds on the norms of convolutions, against their whole matrices."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import convolution_norm_bound
from tfp_ebm.testing.derivatives import check_derivatives


def matrix_of(kernel, height, width):
    """Returns the convolution as a matrix, by NumPy: each output from the inputs around it."""
    h, w, num_inputs, num_outputs = kernel.shape
    matrix = np.zeros([height, width, num_outputs, height, width, num_inputs])
    for row in range(height):
        for column in range(width):
            for a in range(h):
                for b in range(w):
                    i, j = row + a - h // 2, column + b - w // 2
                    if 0 <= i < height and 0 <= j < width:
                        matrix[row, column, :, i, j] = kernel[a, b].T
    return matrix.reshape(height * width * num_outputs, -1)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (6, 5)])
@pytest.mark.parametrize("shape", [(3, 3, 1, 1), (3, 3, 2, 5), (3, 3, 4, 2), (5, 3, 2, 2)])
def test_the_bound_is_above_the_norm_and_near_it(size, shape):
    kernel = np.random.default_rng(0).normal(size=shape)
    norm = np.linalg.norm(matrix_of(kernel, *size), 2)
    bound = float(convolution_norm_bound(tf.constant(kernel), size))
    assert norm <= bound
    if min(size) >= 4 and shape[0] == 3:
        assert bound < 1.25 * norm


def test_the_matrix_of_the_test_is_that_of_tensorflow():
    rng = np.random.default_rng(1)
    kernel, images = rng.normal(size=[3, 3, 2, 3]), rng.normal(size=[5, 4, 6, 2])
    expected = images.reshape(5, -1) @ matrix_of(kernel, 4, 6).T
    actual = tf.nn.conv2d(images, kernel, 1, "SAME")
    np.testing.assert_allclose(tf.reshape(actual, [5, -1]), expected, atol=1e-12)


def test_a_box_filter_whose_reshaped_kernel_says_three_times_too_little():
    kernel = np.ones([3, 3, 1, 1])
    norm = np.linalg.norm(matrix_of(kernel, 8, 8), 2)
    assert norm > 2.7 * np.linalg.norm(kernel.reshape(9, 1), 2)
    assert norm <= float(convolution_norm_bound(tf.constant(kernel), (8, 8))) < 9.1


def test_a_convolution_of_one_pixel_is_its_matrix():
    kernel = np.random.default_rng(2).normal(size=[1, 1, 4, 6])
    norm = np.linalg.norm(kernel[0, 0], 2)
    bound = float(convolution_norm_bound(tf.constant(kernel), (7, 5)))
    assert norm <= bound < 1.02 * norm


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e20])
def test_kernels_of_any_size_have_finite_bounds_and_gradients(scale):
    kernel = tf.constant(scale * np.ones([3, 3, 1, 2]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        bound = convolution_norm_bound(kernel, (4, 4))
    norm = scale * 9 * 2**0.5
    assert 0.99999 * norm <= float(bound) <= 1.01 * norm
    assert np.all(np.isfinite(tape.gradient(bound, kernel)))


@pytest.mark.slow
def test_derivatives():
    kernel = tf.constant(np.random.default_rng(3).normal(size=[3, 3, 2, 2]))
    check_derivatives(lambda k: convolution_norm_bound(k, (3, 4)), [kernel], [], "bound")
