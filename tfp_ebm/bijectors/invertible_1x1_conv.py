"""The invertible 1x1 convolution: one matrix on the channels of every pixel, or on a vector."""

import numpy as np
import scipy.linalg
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.image_bijector import check_event_rank, event_dims
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import (
    assert_util,
    parameter_properties,
    ps,
    samplers,
    tensor_util,
)
from tfp_ebm.internal.types import DType, Parameter, Seed, TensorLike

__all__ = ["Invertible1x1Conv"]


class Invertible1x1Conv(tfp.bijectors.AutoCompositeTensorBijector):
    """Multiplies the channels of every pixel, or a vector, by one invertible matrix.

        forward(x)[h, w] = W x[h, w],   forward_log_det_jacobian(x) = H W log |det W|

    With `event_rank=1` it is a linear map of vectors `[..., C]`, whose log-determinant is counted
    once. Two parametrisations with C^2 parameters each:

    * full: W itself; the log-determinant by a QR decomposition in float64, O(C^3).
    * LU: `W = P L U` with a fixed permutation P, L with unit diagonal, and both triangles packed
      into one matrix; the log-determinant is a sum over the diagonal. W cannot leave the
      invertible matrices unless a diagonal entry crosses 0.

    The inverse solves linear systems; no matrix is ever inverted. Axes of the kernel, or of the
    permutation, before the last ones are a batch of bijectors. A `tf.function` can return it.

    >>> import tensorflow as tf
    >>> conv = Invertible1x1Conv.create(num_channels=4, parametrization="lu", seed=0)
    >>> x = tf.ones([2, 3, 5, 4])
    >>> bool(tf.reduce_max(tf.abs(conv.inverse(tf.identity(conv.forward(x))) - x)) < 1e-5)
    True
    >>> Invertible1x1Conv.create(4, event_rank=1).forward(tf.ones([7, 4])).shape
    TensorShape([7, 4])

    Source: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions" (2018),
    section 3.2.
    """

    def __init__(
        self,
        kernel: TensorLike,
        permutation: TensorLike | None = None,
        event_rank: int = 3,
        validate_args: bool = False,
        name: str = "invertible_1x1_conv",
    ) -> None:
        """Constructs the bijector from given parameters; `create` makes trainable ones.

        Args:
          kernel: `[..., C, C]`: W, or, with a permutation, `L + U - I` packed into one matrix.
          permutation: `[..., C]` integers p, for `W x = (L U x)[p]`; None for a full kernel.
          event_rank: 3 for images `[..., H, W, C]`, 1 for vectors `[..., C]`.
          validate_args: whether to check that the matrix has an inverse, and the permutation is
            one.
          name: name of the bijector.

        Raises:
          ValueError: if the kernel is not a square matrix or the permutation does not fit, or
            `event_rank` is neither 1 nor 3.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._kernel,) = converted(kernel=kernel)
            self._permutation = tensor_util.convert_nonref_to_tensor(
                permutation, dtype=tf.int32, name="permutation"
            )
            self._event_rank = check_event_rank(event_rank)
            shape = self._kernel.shape
            checks.matrix("kernel", self._kernel, "channels, channels")
            if shape[-2] != shape[-1]:
                raise ValueError(f"`kernel` must be a square matrix, got shape {shape}.")
            if permutation is not None:
                checks.vector("permutation", self._permutation, shape[-1])
            super().__init__(
                **bijector_arguments(
                    parameters, name, event_rank, is_constant_jacobian=True, dtype=dtype
                )
            )

    @classmethod
    def create(
        cls,
        num_channels: int,
        parametrization: str = "full",
        init: str = "identity",
        dtype: tf.DType = tf.float32,
        seed: Seed = None,
        event_rank: int = 3,
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
          event_rank: 3 for images, 1 for vectors; the kernel is the same.
          name: name of the bijector.

        Raises:
          ValueError: if an argument is not one of those named here.
        """
        num_channels = checks.positive_integer("num_channels", num_channels)
        options = {"event_rank": check_event_rank(event_rank), "name": name}
        checks.choice("parametrization", parametrization, ["full", "lu"])
        checks.choice("init", init, ["identity", "rotation"])
        seed = samplers.sanitize_seed((0, seed) if isinstance(seed, int) else seed)
        normal = samplers.normal([num_channels] * 2, seed=seed, dtype=tf.float64).numpy()
        # Drawn in float64 whatever the dtype, so that models in both start alike.
        matrix = np.eye(num_channels) + 1e-3 * normal
        if init == "rotation":
            matrix = np.linalg.qr(normal)[0]
        if parametrization == "full":
            return cls(tf.Variable(matrix, dtype=dtype, name="kernel"), **options)
        permutation, lower, upper = scipy.linalg.lu(matrix, p_indices=True)
        packed = lower + upper - np.eye(num_channels)
        return cls(
            tf.Variable(packed, dtype=dtype, name="packed_kernel"),
            tf.Variable(permutation, dtype=tf.int32, trainable=False, name="permutation"),
            **options,
        )

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        properties = parameter_properties.ParameterProperties
        return {
            "kernel": properties(
                event_ndims=2,
                shape_fn=_kernel_shape,
            ),
            "permutation": properties(event_ndims=1, is_preferred=False),
        }

    kernel = Given[Parameter]("W, or the packed triangles, as given.")
    permutation = Given[Parameter]("The permutation of the LU form, as given, or None.")
    event_rank = Given[int]("1 for vectors, 3 for images.")

    def _parameter_control_dependencies(self, is_init):
        assertions = []
        if not self.validate_args:
            return assertions
        if is_init != tensor_util.is_ref(self._kernel):
            log_det = self._log_abs_determinant()
            message = "`kernel` must be an invertible matrix."
            is_finite = tf.reduce_all(tf.math.is_finite(log_det))
            assertions.append(assert_util.assert_equal(is_finite, True, message=message))
        if self._permutation is not None and is_init != tensor_util.is_ref(self._permutation):
            numbers = tf.sort(self._permutation, axis=-1)
            message = "`permutation` must hold every number from 0 to channels - 1 once."
            expected = tf.range(self._kernel.shape[-1])
            assertions.append(assert_util.assert_equal(numbers, expected, message=message))
        return assertions

    def _checked(self, x):
        """Returns the events, whose number of channels is then checked in a graph too."""
        expected = self._kernel.shape[-1]
        found = event_dims("Invertible1x1Conv", x.shape, self._event_rank)[-1]
        if found not in (None, expected):
            kind = "vectors" if self._event_rank == 1 else "images"
            raise ValueError(
                f"Invertible1x1Conv was made for {expected} channels, got {kind} of shape "
                f"{x.shape}."
            )
        return x if x.shape.rank is None else tf.ensure_shape(x, [*x.shape[:-1], expected])

    def _triangles(self, kernel):
        """Returns L and U; L needs no unit diagonal, since solvers are told to ignore it."""
        lower = tf.linalg.band_part(kernel, -1, 0)
        lower = tf.linalg.set_diag(lower, tf.ones_like(tf.linalg.diag_part(kernel)))
        return lower, tf.linalg.band_part(kernel, 0, -1)

    def _matrix(self):
        kernel = tf.convert_to_tensor(self._kernel)
        if self._permutation is None:
            return kernel
        lower, upper = self._triangles(kernel)
        return _gather_rows(tf.matmul(lower, upper), tf.convert_to_tensor(self._permutation))

    def _forward(self, x):
        matrix = self._matrix()
        rows = _pixels(self._checked(x), matrix.shape.rank == 2, self._event_rank)
        return _images(tf.matmul(rows, matrix, transpose_b=True), x, self._event_rank)

    def _inverse(self, y):
        kernel, permutation = tf.convert_to_tensor(self._kernel), self._permutation
        single = kernel.shape.rank == 2 and (permutation is None or permutation.shape.rank == 1)
        rows = _pixels(self._checked(y), single, self._event_rank)
        columns = tf.linalg.matrix_transpose(rows)
        if permutation is None:
            # An operator, since it broadcasts, and factorizes every matrix once.
            columns = tf.linalg.LinearOperatorFullMatrix(kernel).solve(columns)
        else:
            lower, upper = self._triangles(kernel)
            # XLA has no kernel for tf.math.invert_permutation.
            columns = _gather_rows(columns, tf.argsort(permutation, axis=-1))
            columns = tf.linalg.triangular_solve(lower, columns)
            columns = tf.linalg.triangular_solve(upper, columns, lower=False)
        return _images(tf.linalg.matrix_transpose(columns), y, self._event_rank)

    def _log_abs_determinant(self):
        """Returns log |det W|, in float64 for a full kernel: it is to be summed H W times."""
        kernel = tf.convert_to_tensor(self._kernel)
        if self._permutation is None:
            # Of slogdet and QR, only QR has a kernel in XLA.
            kernel = tf.linalg.qr(tf.cast(kernel, tf.float64)).r
        return tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(kernel))), axis=-1)

    def _forward_log_det_jacobian(self, x):
        positions = ps.reduce_prod(ps.shape(x)[-self._event_rank : -1])
        return tf.cast(self._log_abs_determinant(), x.dtype) * tf.cast(positions, x.dtype)


def _kernel_shape(shape):
    """Returns the shape of kernels for images, or vectors, of a shape."""
    rank = min(3, ps.rank_from_shape(shape))
    batch = shape[:-3] if rank == 3 else shape[:-1]
    return ps.concat([batch, shape[-1:], shape[-1:]], axis=0)


def _pixels(x, single, event_rank):
    """Returns pixels as the rows of one matrix, for a `single` kernel, or of one for each event."""
    shape = ps.shape(x)
    positions = ps.reduce_prod(shape[-event_rank:-1])
    leading = [[-1]] if single else [shape[:-event_rank], [positions]]
    return tf.reshape(x, ps.concat([*leading, shape[-1:]], axis=0))


def _images(rows, x, event_rank):
    """Returns pixels in the places of those of x, with the leading axes of `rows` if it has any."""
    shape = ps.shape(x)
    leading = shape[:-event_rank] if rows.shape.rank == 2 else ps.shape(rows)[:-2]
    y = tf.reshape(rows, ps.concat([leading, shape[-event_rank:]], axis=0))
    return tf.ensure_shape(y, x.shape) if rows.shape.rank == 2 else y


def _gather_rows(matrix, index):
    """Returns `matrix[..., index[..., i], :]`, both broadcast against each other."""
    if index.shape.rank == 1:
        return tf.gather(matrix, index, axis=-2)
    shape, size = ps.shape(matrix), ps.shape(index)[-1:]
    batch_shape = ps.broadcast_shape(shape[:-2], ps.shape(index)[:-1])
    matrix = tf.broadcast_to(matrix, ps.concat([batch_shape, shape[-2:]], axis=0))
    index = tf.broadcast_to(index, ps.concat([batch_shape, size], axis=0))
    return tf.gather(matrix, index, axis=-2, batch_dims=index.shape.rank - 1)
