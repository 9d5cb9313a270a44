"""The inverse by halves is that of NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.machines.positive_definite import inverse_and_log_det


def random_matrices(size, count, largest=0.99):
    """Matrices `I - A A^T` whose A has singular values up to the largest."""
    rows = np.random.default_rng(0).normal(size=[count, size, size])
    rows *= largest / np.linalg.norm(rows, 2, axis=(1, 2))[:, np.newaxis, np.newaxis]
    return np.eye(size) - rows @ np.swapaxes(rows, 1, 2)


# As a single factor, by halves, and by halves of unequal parts.
@pytest.mark.parametrize("size", [1, 7, 200, 387])
def test_inverse_and_determinant_are_those_of_numpy(size):
    matrices = random_matrices(size, 2)
    inverse, log_det = inverse_and_log_det(tf.constant(matrices))
    np.testing.assert_allclose(inverse, np.linalg.inv(matrices), atol=1e-10)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrices)[1], rtol=1e-12)
    single, single_log_det = inverse_and_log_det(tf.constant(matrices[0]))
    np.testing.assert_allclose(single, inverse[0], atol=1e-12)
    np.testing.assert_allclose(single_log_det, log_det[0], rtol=1e-12)


def test_the_inverse_is_the_derivative_of_the_log_determinant():
    matrix = tf.constant(random_matrices(200, 1)[0])
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        inverse, log_det = inverse_and_log_det(matrix)
    gradient = tape.gradient(log_det, matrix)
    # Only blocks below the diagonal are read, which stand for those above too.
    np.testing.assert_allclose((gradient + tf.transpose(gradient)) / 2, inverse, atol=1e-10)


def test_float32_is_as_exact_as_a_factor():
    matrix = random_matrices(400, 1, largest=0.999)[0]
    expected = np.linalg.slogdet(matrix)[1]
    inverse, log_det = inverse_and_log_det(tf.constant(matrix, tf.float32))
    factor = tf.linalg.cholesky(tf.constant(matrix, tf.float32))
    by_factor = tf.linalg.cholesky_solve(factor, tf.eye(400))
    assert abs(log_det - expected) < 1e-5 * abs(expected)
    exact = np.linalg.inv(matrix)
    error, of_factor = (np.max(np.abs(own - exact)) for own in (inverse, by_factor))
    assert error < 3 * of_factor


@pytest.mark.parametrize("place", [0, 150, 399])
def test_what_is_not_positive_definite_gives_no_finite_number(place):
    diagonal = np.ones(400)
    diagonal[place] = -1e-3
    inverse, log_det = inverse_and_log_det(tf.linalg.diag(tf.constant(diagonal)))
    assert not np.isfinite(log_det)
    assert not np.all(np.isfinite(inverse))
