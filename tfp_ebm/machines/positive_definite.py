"""Inverse and determinant of positive definite matrices, mostly by products of matrices."""

import tensorflow as tf

__all__ = ["inverse_and_log_det"]

# Up to this size the Cholesky factor is as fast as products of its halves.
_LARGEST_FACTOR = 192


def inverse_and_log_det(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the inverse and the log-determinant of symmetric positive definite matrices.

        M = [[P, Q^T], [Q, R]],   S = R - Q P^-1 Q^T,   log det M = log det P + log det S
        M^-1 = [[P^-1 + U^T S^-1 U, -U^T S^-1], [-S^-1 U, S^-1]],   U = Q P^-1

    by halves, down to Cholesky factors of a size where these are fast. TensorFlow's kernels of
    factors and triangular solves reach a third of the speed of its products: on a Xeon the inverse
    of 1536 rows takes as long as one product, a factor and its solve three times that.

    Args:
      matrix: `[..., n, n]`, n known statically; of blocks off the diagonal those below are read.

    Returns:
      `[..., n, n]` and `[...]`; where a matrix is not positive definite, not finite numbers.
    """
    size = matrix.shape[-1]
    if size <= _LARGEST_FACTOR:
        return _by_factor(matrix)
    half = size // 2
    corner, first = inverse_and_log_det(matrix[..., :half, :half])
    below = matrix[..., half:, :half]
    weighted = tf.matmul(below, corner)
    schur = matrix[..., half:, half:] - tf.matmul(weighted, below, transpose_b=True)
    last, second = inverse_and_log_det(schur)
    beside = -tf.matmul(weighted, last, transpose_a=True)
    top = tf.concat([corner - tf.matmul(beside, weighted), beside], axis=-1)
    bottom = tf.concat([tf.linalg.matrix_transpose(beside), last], axis=-1)
    return tf.concat([top, bottom], axis=-2), first + second


def _by_factor(matrix):
    factor = tf.linalg.cholesky(matrix)
    identity = tf.eye(matrix.shape[-1], dtype=matrix.dtype)
    inverse = tf.linalg.cholesky_solve(factor, tf.broadcast_to(identity, tf.shape(matrix)))
    return inverse, 2 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), axis=-1)
