"""The precision matrix of two coupled layers, through one matrix of the smaller layer's size."""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.numeric import (
    common_batch_shape,
    move_axis,
    multiply_rows,
    spectral_norm_bound,
)
from tfp_ebm.internal.tfp_private import assert_util, tensor_util
from tfp_ebm.internal.types import Shape, TensorLike
from tfp_ebm.machines.positive_definite import inverse_and_log_det

__all__ = [
    "BipartitePrecision",
    "SpectralNormConstraint",
    "check_positive_definite",
    "coupling_variables",
    "learned_delta",
    "positive_definite_assertions",
]

# Training keeps sigma_max(W) at or below this share of delta.
MAX_COUPLING = 0.99
# Below this a learned delta would smear the spins over more than three times their distance.
MIN_LEARNED_DELTA = 0.1


class BipartitePrecision(NamedTuple):
    """J~ = [[delta I, W], [W^T, delta I]], symmetric of size N = num_visible + num_hidden.

    Its eigenvalues are `delta +- sigma_i(W)` and `delta`, so it is positive definite if and only
    if `delta > sigma_max(W)`. With the larger layer first, `J~ = delta L L^T` where

        L = [[I, 0], [A, chol(I - A A^T)]],   A = W / delta or its transpose

    so that only a Cholesky factor, or an inverse, of the size of the smaller layer is ever needed.

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
        z = tf.convert_to_tensor(z, self.weights.dtype)
        visible, hidden = tf.split(z, self.sizes, axis=-1)
        coupled = tf.concat(
            [
                multiply_rows(hidden, self.weights, transpose=True),
                multiply_rows(visible, self.weights),
            ],
            axis=-1,
        )
        return self.delta[..., tf.newaxis] * z + coupled

    def _relative(self):
        """Returns W / delta."""
        return self.weights / self.delta[..., tf.newaxis, tf.newaxis]

    def log_abs_determinant(self) -> tf.Tensor:
        """Returns log det J~, `[*B]`.

        Raises:
          ValueError: if it is not finite, where that can be seen at once.
        """
        value = sum(self.sizes) * tf.math.log(self.delta) + _log_det_schur(self._relative())
        self._check_definite(value)
        return value

    def _check_definite(self, result):
        """Raises, where it runs eagerly, if a result that is not finite shows that J~ is not."""
        if tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.is_finite(result))):
            check_positive_definite(self.weights, self.delta)
            raise ValueError(
                f"`delta` exceeds the largest singular value of `weights` by too little for "
                f"{self.weights.dtype.name}, {self.min_eigenvalue().numpy()}. Increase `delta` or "
                "shrink `weights`."
            )

    def min_eigenvalue(self) -> tf.Tensor:
        """Returns `delta - sigma_max(W)`, the distance from the edge, `[*B]`; one SVD of W."""
        return self.delta - tf.linalg.svd(self.weights, compute_uv=False)[..., 0]

    def color(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns L^-T noise / sqrt(delta), which has covariance J~^-1, `[n, *B, N]`.

        Args:
          noise: `[n, *B, N]`, standard normal.

        Raises:
          ValueError: as `log_abs_determinant`.
        """
        noise = tf.convert_to_tensor(noise, self.weights.dtype)
        num_visible, num_hidden = self.sizes
        relative = self._relative()
        factor = tf.linalg.cholesky(_schur(relative))
        self._check_definite(factor)
        if num_hidden <= num_visible:
            relative = tf.linalg.matrix_transpose(relative)
        blocks = tf.linalg.LinearOperatorBlockLowerTriangular(
            [
                [tf.linalg.LinearOperatorIdentity(max(self.sizes), dtype=noise.dtype)],
                [
                    tf.linalg.LinearOperatorFullMatrix(relative),
                    tf.linalg.LinearOperatorLowerTriangular(factor),
                ],
            ]
        )
        noise = noise * tf.math.rsqrt(self.delta)[..., tf.newaxis]
        # Samples become columns: one triangular solve for all of them.
        columns = tf.linalg.matrix_transpose(move_axis(noise, 0, -2))
        rows = tf.linalg.matrix_transpose(blocks.solve(columns, adjoint=True))
        colored = move_axis(rows, -2, 0)
        if num_hidden <= num_visible:
            return colored
        hidden, visible = tf.split(colored, [num_hidden, num_visible], axis=-1)
        return tf.concat([visible, hidden], axis=-1)

    def covariance_rows(self, batch_shape: Shape) -> tf.Tensor:
        """Returns the rows of an R with `R^T R = J~^-1`, the first axis, `[N, *batch_shape, N]`."""
        white = tf.eye(sum(self.sizes), batch_shape=batch_shape, dtype=self.weights.dtype)
        return self.color(move_axis(white, -2, 0))

    def covariance(self) -> tf.Tensor:
        """Returns J~^-1 as a matrix, `[*B, N, N]`."""
        batch_shape = common_batch_shape((self.weights, 2), (self.delta, 0))
        rows = move_axis(self.covariance_rows(batch_shape), 0, -2)
        return tf.matmul(rows, rows, transpose_a=True)


def _schur(relative):
    """Returns `I - A^T A`, or `I - A A^T` where A has fewer rows than columns."""
    rows, columns = relative.shape[-2:]
    by_columns = columns <= rows
    gram = tf.matmul(relative, relative, transpose_a=by_columns, transpose_b=not by_columns)
    return tf.eye(min(rows, columns), dtype=relative.dtype) - gram


@tf.custom_gradient
def _log_det_schur(relative):
    """Returns `log det (I - A^T A)`, whose gradient is `-2 A (I - A^T A)^-1`.

    The gradient of a Cholesky factor, which the chain rule would take, costs three more products of
    matrices.
    """
    inverse, log_det = inverse_and_log_det(_schur(relative))
    rows, columns = relative.shape[-2:]

    def gradient(upstream):
        solved = tf.matmul(relative, inverse) if columns <= rows else tf.matmul(inverse, relative)
        return -2 * upstream[..., tf.newaxis, tf.newaxis] * solved

    return log_det, gradient


def check_positive_definite(weights: tf.Tensor, delta: tf.Tensor) -> None:
    """Raises unless delta > sigma_max(W), where both can be evaluated now.

    Raises:
      ValueError: naming both numbers, if weights are not finite or delta is too small.
    """
    if not tf.executing_eagerly():
        return
    weights, delta = tf.convert_to_tensor(weights), tf.convert_to_tensor(delta)
    checks.finite("weights", weights)
    checks.finite("delta", delta, above_zero=True)
    if bool(tf.reduce_all(spectral_norm_bound(weights) < delta)):
        return
    norm = tf.linalg.svd(weights, compute_uv=False)[..., 0]
    if bool(tf.reduce_any(norm >= delta)):
        raise ValueError(
            "`delta` must exceed the largest singular value of `weights`, or the precision matrix "
            f"is not positive definite: got delta {delta.numpy()}, largest singular value "
            f"{norm.numpy()}. Increase `delta` or shrink `weights`."
        )


def positive_definite_assertions(
    weights: TensorLike, delta: TensorLike, is_init: bool
) -> list[tf.Operation]:
    """Returns the assertion that delta > sigma_max(W), for `_parameter_control_dependencies`.

    Constants are checked by the constructor, `is_init`, and what may change whenever it is used.
    """
    if is_init == (tensor_util.is_ref(weights) or tensor_util.is_ref(delta)):
        return []
    norm = tf.linalg.svd(weights, compute_uv=False)[..., 0]
    message = (
        "`delta` must exceed the largest singular value of `weights`, or the precision matrix is "
        "not positive definite."
    )
    return [assert_util.assert_greater(tf.convert_to_tensor(delta), norm, message=message)]


class SpectralNormConstraint(NamedTuple):
    """A variable constraint that keeps sigma_max(W) at or below 0.99 delta.

    Keras optimizers apply it after every update. It scales W down as a whole, by an upper bound
    on its norm that holds for every matrix, so no update can leave the positive definite set.

    Attributes:
      delta: the limit, a number.
    """

    delta: float

    def __call__(self, weights: tf.Tensor) -> tf.Tensor:
        """Returns the weights, scaled down where they are too large."""
        limit = tf.convert_to_tensor(MAX_COUPLING * self.delta, weights.dtype)
        bound = spectral_norm_bound(weights, enough=limit)[..., tf.newaxis, tf.newaxis]
        return weights * tf.minimum(tf.ones_like(bound), limit / bound)


def learned_delta(delta: float, dtype: tf.DType) -> tfp.util.TransformedVariable:
    """Returns a trainable delta, a softplus above 0.1.

    Raises:
      ValueError: if it starts at 0.1 or below.
    """
    if delta <= MIN_LEARNED_DELTA:
        raise ValueError(
            f"`delta` must start above {MIN_LEARNED_DELTA} to be learned, got {delta}."
        )
    low = tf.constant(MIN_LEARNED_DELTA, dtype)
    return tfp.util.TransformedVariable(
        tf.constant(delta, dtype), tfp.bijectors.Softplus(low=low), name="delta"
    )


def coupling_variables(
    num_visible: int,
    num_hidden: int,
    delta: float,
    dtype: tf.DType,
    learn_delta: bool = False,
    constrained: bool = True,
) -> tuple[Any, Any]:
    """Returns trainable W, at 0, and delta, which is a constant or trainable.

    A learned delta is a softplus above 0.1, and W is `delta A` with `sigma_max(A) <= 0.99`: every
    value of the two variables gives a positive definite J~, and the smoothing can change without
    moving relative to its edge.

    Args:
      num_visible: rows of W.
      num_hidden: columns of W.
      delta: the first value of delta.
      dtype: dtype of the variables.
      learn_delta: whether delta is a variable.
      constrained: whether the variable has a constraint that keeps J~ positive definite; without
        it nothing but a penalty on W and a small learning rate does.

    Raises:
      ValueError: if delta is to be learned and starts at 0.1 or below.
    """
    num_visible = checks.positive_integer("num_visible", num_visible)
    num_hidden = checks.positive_integer("num_hidden", num_hidden)
    delta = checks.positive_number("delta", delta)

    def variable(limit, name):
        constraint = SpectralNormConstraint(limit) if constrained else None
        return tf.Variable(
            tf.zeros([num_visible, num_hidden], dtype), constraint=constraint, name=name
        )

    if not learn_delta:
        return variable(delta, "weights"), delta
    learned = learned_delta(delta, dtype)
    return tfp.util.DeferredTensor(variable(1.0, "coupling"), tfp.bijectors.Scale(learned)), learned
