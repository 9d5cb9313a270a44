"""The invertible 1x1 convolution: one matrix on the channels of every pixel."""

from typing import Any

import numpy as np
import scipy.linalg
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.image_bijector import image_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import (
    dtype_util,
    parameter_properties,
    ps,
    samplers,
    tensor_util,
)

__all__ = ["Invertible1x1Conv"]


class Invertible1x1Conv(tfp.bijectors.AutoCompositeTensorBijector):
    """Multiplies the channels of every pixel by one invertible matrix.

        forward(x)[h, w] = W x[h, w],   forward_log_det_jacobian(x) = H W log |det W|

    Two parametrisations with C^2 parameters each:

    * full: W itself; the log-determinant by a QR decomposition in float64, O(C^3).
    * LU: `W = P L U` with a fixed permutation P, L with unit diagonal, and both triangles packed
      into one matrix; the log-determinant is a sum over the diagonal. W cannot leave the
      invertible matrices unless a diagonal entry crosses 0.

    The inverse solves linear systems; no matrix is ever inverted.

    >>> import tensorflow as tf
    >>> conv = Invertible1x1Conv.create(num_channels=4, parametrization="lu", seed=0)
    >>> x = tf.ones([2, 3, 5, 4])
    >>> bool(tf.reduce_max(tf.abs(conv.inverse(tf.identity(conv.forward(x))) - x)) < 1e-5)
    True

    Source: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions" (2018),
    section 3.2.
    """

    def __init__(
        self,
        kernel: Any,
        permutation: Any = None,
        validate_args: bool = False,
        name: str = "invertible_1x1_conv",
    ) -> None:
        """Constructs the bijector from given parameters; `create` makes trainable ones.

        Args:
          kernel: `[C, C]`: W, or, with a permutation, `L + U - I` packed into one matrix.
          permutation: `[C]` integers p, for `W x = (L U x)[p]`; None for a full kernel.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the kernel is not a square matrix or the permutation does not fit.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = dtype_util.common_dtype([kernel], dtype_hint=tf.float32)
            self._kernel = tensor_util.convert_nonref_to_tensor(kernel, dtype=dtype, name="kernel")
            self._permutation = tensor_util.convert_nonref_to_tensor(
                permutation, dtype=tf.int32, name="permutation"
            )
            shape = self._kernel.shape
            if shape.rank != 2 or shape[0] != shape[1]:
                raise ValueError(f"`kernel` must be a square matrix, got shape {shape}.")
            if permutation is not None and self._permutation.shape != shape[:1]:
                raise ValueError(
                    f"`permutation` must have shape [{shape[0]}] like the kernel's side, got "
                    f"{self._permutation.shape}."
                )
            super().__init__(
                forward_min_event_ndims=3,
                is_constant_jacobian=True,
                validate_args=validate_args,
                dtype=dtype,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def create(
        cls,
        num_channels: int,
        parametrization: str = "full",
        init: str = "identity",
        dtype: tf.DType = tf.float32,
        seed: Any = None,
        name: str = "invertible_1x1_conv",
    ) -> "Invertible1x1Conv":
        """Returns a trainable convolution.

        Args:
          num_channels: C.
          parametrization: `"full"` or `"lu"`.
          init: `"identity"`, plus noise of standard deviation 1e-3, or a random `"rotation"`.
          dtype: dtype of the kernel.
          seed: seed of the initial kernel; an integer or a pair of them repeats exactly, None draws
            it from TensorFlow's global seed.
          name: name of the bijector.

        Raises:
          ValueError: if an argument is not one of those named here.
        """
        num_channels = checks.positive_integer("num_channels", num_channels)
        checks.choice("parametrization", parametrization, ["full", "lu"])
        checks.choice("init", init, ["identity", "rotation"])
        seed = samplers.sanitize_seed((0, seed) if isinstance(seed, int) else seed)
        normal = samplers.normal([num_channels] * 2, seed=seed, dtype=tf.float64).numpy()
        matrix = np.eye(num_channels) + 1e-3 * normal
        if init == "rotation":
            matrix = np.linalg.qr(normal)[0]
        if parametrization == "full":
            return cls(tf.Variable(matrix, dtype=dtype, name="kernel"), name=name)
        permutation, lower, upper = scipy.linalg.lu(matrix, p_indices=True)
        packed = lower + upper - np.eye(num_channels)
        return cls(
            tf.Variable(packed, dtype=dtype, name="packed_kernel"),
            tf.Variable(permutation, dtype=tf.int32, trainable=False, name="permutation"),
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype: Any):
        properties = parameter_properties.ParameterProperties
        return {"kernel": properties(event_ndims=2), "permutation": properties(event_ndims=1)}

    @property
    def kernel(self) -> Any:
        """W, or the packed triangles, as given."""
        return self._kernel

    @property
    def permutation(self) -> Any:
        """The permutation of the LU form, as given, or None."""
        return self._permutation

    def _check_image(self, x):
        channels = image_dims("Invertible1x1Conv", x.shape)[2]
        if channels not in (None, self._kernel.shape[0]):
            raise ValueError(
                f"Invertible1x1Conv was made for {self._kernel.shape[0]} channels, got images of "
                f"shape {x.shape}."
            )

    def _triangles(self, kernel):
        """Returns L and U; L needs no unit diagonal, since solvers are told to ignore it."""
        identity = tf.eye(self._kernel.shape[0], dtype=kernel.dtype)
        lower = tf.linalg.band_part(kernel, -1, 0)
        return tf.linalg.set_diag(lower, tf.linalg.diag_part(identity)), tf.linalg.band_part(
            kernel, 0, -1
        )

    def _matrix(self):
        kernel = tf.convert_to_tensor(self._kernel)
        if self._permutation is None:
            return kernel
        lower, upper = self._triangles(kernel)
        return tf.gather(tf.matmul(lower, upper), self._permutation)

    def _forward(self, x):
        self._check_image(x)
        return _multiply_channels(x, self._matrix())

    def _inverse(self, y):
        self._check_image(y)
        kernel = tf.convert_to_tensor(self._kernel)
        columns = tf.transpose(tf.reshape(y, [-1, self._kernel.shape[0]]))
        if self._permutation is None:
            columns = tf.linalg.solve(kernel, columns)
        else:
            lower, upper = self._triangles(kernel)
            # XLA has no kernel for tf.math.invert_permutation.
            columns = tf.gather(columns, tf.argsort(self._permutation))
            columns = tf.linalg.triangular_solve(lower, columns)
            columns = tf.linalg.triangular_solve(upper, columns, lower=False)
        x = tf.reshape(tf.transpose(columns), ps.shape(y))
        return tf.ensure_shape(x, y.shape)

    def _forward_log_det_jacobian(self, x):
        kernel = tf.convert_to_tensor(self._kernel)
        if self._permutation is None:
            # Of slogdet and QR, only QR has a kernel in XLA; float64, since it is summed H W times.
            kernel = tf.linalg.qr(tf.cast(kernel, tf.float64)).r
        log_det = tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(kernel))))
        positions = ps.reduce_prod(ps.shape(x)[-3:-1])
        return tf.cast(log_det, x.dtype) * tf.cast(positions, x.dtype)


def _multiply_channels(x, matrix):
    """Returns `matrix x[..., :]` for every pixel, in one matrix product."""
    flat = tf.matmul(tf.reshape(x, [-1, matrix.shape[0]]), matrix, transpose_b=True)
    return tf.ensure_shape(tf.reshape(flat, ps.shape(x)), x.shape)
