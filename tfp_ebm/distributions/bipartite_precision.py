"""The precision matrix of two coupled layers, through one small Cholesky factor."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.numeric import multiply_rows, spectral_norm_bound

__all__ = ["BipartitePrecision", "check_positive_definite", "spectral_norm_constraint"]

# Training keeps sigma_max(W) at or below this share of delta.
MAX_COUPLING = 0.99


class BipartitePrecision(NamedTuple):
    """J~ = [[delta I, W], [W^T, delta I]], symmetric of size N = num_visible + num_hidden.

    Its eigenvalues are `delta +- sigma_i(W)` and `delta`, so it is positive definite if and only
    if `delta > sigma_max(W)`. With the larger layer first, `J~ = L L^T` where

        L = [[sqrt(delta) I, 0], [W'/sqrt(delta), chol(delta I - W' W'^T / delta)]]

    and W' is W or W^T: only a Cholesky factor of the size of the smaller layer is ever needed.

    Attributes:
      weights: `[*B, num_visible, num_hidden]`, W.
      delta: `[*B]`.
    """

    weights: tf.Tensor
    delta: tf.Tensor

    @property
    def sizes(self) -> tuple[int, int]:
        """Sizes of the visible and the hidden layer."""
        return tuple(self.weights.shape[-2:])

    def matvec(self, z: tf.Tensor) -> tf.Tensor:
        """Returns J~ z, `[..., N]`."""
        visible, hidden = tf.split(z, self.sizes, axis=-1)
        coupled = tf.concat(
            [
                multiply_rows(hidden, self.weights, transpose=True),
                multiply_rows(visible, self.weights),
            ],
            axis=-1,
        )
        return self.delta[..., tf.newaxis] * z + coupled

    def _schur_cholesky(self):
        """Returns W' (smaller layer by larger) and the Cholesky factor of the Schur complement."""
        num_visible, num_hidden = self.sizes
        weights = self.weights
        if num_hidden <= num_visible:
            weights = tf.linalg.matrix_transpose(weights)
        delta = self.delta[..., tf.newaxis, tf.newaxis]
        identity = tf.eye(min(num_visible, num_hidden), dtype=weights.dtype)
        schur = delta * identity - tf.matmul(weights, weights, transpose_b=True) / delta
        return weights, tf.linalg.cholesky(schur)

    def log_abs_determinant(self) -> tf.Tensor:
        """Returns log det J~, `[*B]`."""
        _, factor = self._schur_cholesky()
        diagonal = tf.linalg.diag_part(factor)
        return max(self.sizes) * tf.math.log(self.delta) + 2 * tf.reduce_sum(
            tf.math.log(diagonal), axis=-1
        )

    def color(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns L^-T noise, of covariance J~^-1 for standard normal noise, `[n, *B, N]`."""
        num_visible, num_hidden = self.sizes
        weights, factor = self._schur_cholesky()
        root = tf.sqrt(self.delta)[..., tf.newaxis, tf.newaxis]
        blocks = tf.linalg.LinearOperatorBlockLowerTriangular(
            [
                [
                    tf.linalg.LinearOperatorScaledIdentity(
                        max(self.sizes), multiplier=root[..., 0, 0]
                    )
                ],
                [
                    tf.linalg.LinearOperatorFullMatrix(weights / root),
                    tf.linalg.LinearOperatorLowerTriangular(factor),
                ],
            ]
        )
        # Samples become columns: one triangular solve for all of them.
        columns = tf.linalg.matrix_transpose(_first_axis_to(noise, -2))
        rows = tf.linalg.matrix_transpose(blocks.solve(columns, adjoint=True))
        colored = _last_but_one_axis_to_first(rows)
        if num_hidden <= num_visible:
            return colored
        hidden, visible = tf.split(colored, [num_hidden, num_visible], axis=-1)
        return tf.concat([visible, hidden], axis=-1)

    def covariance(self) -> tf.Tensor:
        """Returns J~^-1 as a matrix, `[*B, N, N]`."""
        size = sum(self.sizes)
        batch_shape = tf.shape(self.weights)[:-2]
        identity = tf.eye(size, dtype=self.weights.dtype)
        shape = [size] + [1] * len(self.weights.shape[:-2]) + [size]
        target = tf.concat([[size], batch_shape, [size]], axis=0)
        rows = self.color(tf.broadcast_to(tf.reshape(identity, shape), target))
        rows = _first_axis_to(rows, -2)  # Of L^-1.
        return tf.matmul(rows, rows, transpose_a=True)


def _first_axis_to(tensor, axis):
    rank = tensor.shape.rank
    order = list(range(1, rank))
    order.insert(rank + axis, 0)
    return tf.transpose(tensor, order)


def _last_but_one_axis_to_first(tensor):
    rank = tensor.shape.rank
    return tf.transpose(tensor, [rank - 2, *range(rank - 2), rank - 1])


def check_positive_definite(weights: tf.Tensor, delta: tf.Tensor) -> None:
    """Raises unless delta > sigma_max(W), where both can be evaluated now.

    Raises:
      ValueError: naming both numbers, if weights are not finite or delta is too small.
    """
    if not tf.executing_eagerly():
        return
    weights, delta = tf.convert_to_tensor(weights), tf.convert_to_tensor(delta)
    if not bool(tf.reduce_all(tf.math.is_finite(weights))):
        raise ValueError("`weights` must be finite, got NaN or infinite entries.")
    if not bool(tf.reduce_all(tf.math.is_finite(delta))) or bool(tf.reduce_any(delta <= 0)):
        raise ValueError(f"`delta` must be finite and above 0, got {delta.numpy()}.")
    if bool(tf.reduce_all(spectral_norm_bound(weights) < delta)):
        return
    norm = tf.linalg.svd(weights, compute_uv=False)[..., 0]
    if bool(tf.reduce_any(norm >= delta)):
        raise ValueError(
            "`delta` must exceed the largest singular value of `weights`, or the precision matrix "
            f"is not positive definite: got delta {delta.numpy()}, largest singular value "
            f"{norm.numpy()}. Increase `delta` or shrink `weights`."
        )


def spectral_norm_constraint(delta: float) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a variable constraint that keeps sigma_max(W) at or below 0.99 delta.

    Keras optimizers apply it after every update. It scales W down as a whole, by an upper bound
    on its norm that holds for every matrix, so no update can leave the positive definite set.
    """

    def constrain(weights: tf.Tensor) -> tf.Tensor:
        limit = tf.convert_to_tensor(MAX_COUPLING * delta, weights.dtype)
        bound = spectral_norm_bound(weights)[..., tf.newaxis, tf.newaxis]
        return weights * tf.minimum(tf.ones_like(bound), limit / bound)

    return constrain
