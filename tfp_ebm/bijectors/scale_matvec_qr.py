"""A linear map of vectors by a rotation and a triangular matrix."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import parameter_properties, ps
from tfp_ebm.internal.types import DType, Parameter, TensorLike

__all__ = ["ScaleMatvecQR"]


class ScaleMatvecQR(tfp.bijectors.AutoCompositeTensorBijector):
    """Multiplies vectors by W = Q R, a rotation and an upper triangle with a positive diagonal.

        forward(x) = Q R x,   forward_log_det_jacobian(x) = sum_i kernel_ii
        Q = (I + S)^-1 (I - S),   S = L - L^T,   L: the kernel below its diagonal
        R = exp(diagonal of the kernel) + the kernel above its diagonal

    All C^2 entries of the kernel are without constraint: 0 is the identity, and W is invertible
    whatever they are. The rotations of the Cayley transform are all but those with an eigenvalue of
    -1. In place of the LU form of `tfb.ScaleMatvecLU` and `Invertible1x1Conv`, whose diagonal may
    cross 0. Images `[..., H, W, C]` are multiplied at every position. A `tf.function` can return
    it.

    >>> import tensorflow as tf
    >>> bijector = ScaleMatvecQR([[0.5, 1.0], [0.3, -0.2]])
    >>> x = tf.constant([3.0, -1.0])
    >>> bijector.inverse(tf.identity(bijector.forward(x))).numpy().round(4).tolist()
    [3.0, -1.0]

    Cost: O(C^3) for the matrix, and O(C^2) for each vector, in both directions.

    Source: Hoogeboom, van den Berg and Welling, "Emerging Convolutions for Generative Normalizing
    Flows" (2019), section 4, by a Cayley transform in place of Householder reflections.
    """

    def __init__(
        self, kernel: TensorLike, validate_args: bool = False, name: str = "scale_matvec_qr"
    ) -> None:
        """Constructs the bijector.

        Args:
          kernel: `[..., C, C]`, the parameters.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the kernel is not a square matrix.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._kernel,) = converted(kernel=kernel)
            checks.matrix("kernel", self._kernel, "size, size")
            if self._kernel.shape[-2] != self._kernel.shape[-1]:
                raise ValueError(
                    f"`kernel` must be a square matrix, got shape {self._kernel.shape}."
                )
            super().__init__(
                **bijector_arguments(parameters, name, 1, is_constant_jacobian=True, dtype=dtype)
            )

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {
            "kernel": parameter_properties.ParameterProperties(
                event_ndims=2,
                shape_fn=lambda shape: ps.concat([shape, shape[-1:]], axis=0),
            )
        }

    kernel = Given[Parameter]("The parameters, as given.")

    def _rotation(self, kernel):
        below = tf.linalg.band_part(kernel, -1, 0)
        skew = below - tf.linalg.matrix_transpose(below)
        one = tf.eye(kernel.shape[-1], dtype=kernel.dtype)
        return tf.linalg.solve(one + skew, one - skew)

    def _triangle(self, kernel):
        diagonal = tf.exp(tf.linalg.diag_part(kernel))
        return tf.linalg.set_diag(tf.linalg.band_part(kernel, 0, -1), diagonal)

    def _checked(self, x):
        size = self._kernel.shape[-1]
        if x.shape.rank is not None and x.shape[-1] not in (None, size):
            raise ValueError(
                f"ScaleMatvecQR was made for vectors of size {size}, got events of shape {x.shape}."
            )
        return x

    def _forward(self, x):
        kernel = tf.convert_to_tensor(self._kernel)
        matrix = tf.matmul(self._rotation(kernel), self._triangle(kernel))
        return _rows(self._checked(x), matrix.shape.rank, lambda rows: _times(rows, matrix))

    def _inverse(self, y):
        kernel = tf.convert_to_tensor(self._kernel)
        rotation, triangle = self._rotation(kernel), self._triangle(kernel)

        def solve(rows):
            columns = tf.linalg.matrix_transpose(tf.matmul(rows, rotation))
            solved = tf.linalg.triangular_solve(triangle, columns, lower=False)
            return tf.linalg.matrix_transpose(solved)

        return _rows(self._checked(y), kernel.shape.rank, solve)

    def _forward_log_det_jacobian(self, x):
        return tf.reduce_sum(tf.linalg.diag_part(tf.convert_to_tensor(self._kernel)), axis=-1)


def _times(rows, matrix):
    return tf.matmul(rows, matrix, transpose_b=True)


def _rows(x, kernel_rank, function):
    """Applies a function of matrices of rows to vectors; of a batch of kernels each has a row."""
    if kernel_rank > 2:
        return function(x[..., tf.newaxis, :])[..., 0, :]
    shape = ps.shape(x)
    rows = tf.reshape(x, ps.concat([[-1], shape[-1:]], axis=0))
    return tf.ensure_shape(tf.reshape(function(rows), shape), x.shape)
