"""Boltzmann machines with connected layers, smoothed into densities."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted
from tfp_ebm.internal.numeric import (
    broadcast_batch,
    common_batch_shape,
    log_2cosh,
    move_axis,
    multiply_rows,
)
from tfp_ebm.internal.parameter_shapes import vector
from tfp_ebm.internal.tfp_private import (
    assert_util,
    dtype_util,
    parameter_properties,
    ps,
    tensor_util,
)
from tfp_ebm.internal.types import Parameter, Seed, TensorLike, Unpack
from tfp_ebm.machines.connected_machine import ConnectedMachine, check_colors, color_table
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["SmoothedBoltzmannMachine"]


class SmoothedBoltzmannMachine(SmoothedSpins, BoltzmannMachine):
    """A mixture of 2^N Gaussians centred on the states of a Boltzmann machine with any couplings.

    Parametrised by a triangular factor C with a positive diagonal, `J~ = C C^T`, so that every
    value gives a positive definite precision without a constraint. Spins s in {-1, +1}^N have
    energy `E(s) = -s^T J s / 2 - h^T s` with `J = J~ - diag(J~)`, and

        z | s ~ Normal(s, J~^-1)
        log p(z) = -z^T J~ z / 2 + sum_i log 2cosh((J~ z + h)_i) - log Z
        log Z = log Z_spins + (N/2) log 2 pi - sum_i log C_ii + tr(J~) / 2
        p(s_i = +1 | z) = sigmoid(2 (J~ z + h)_i)

    Spins are sampled color by color: spins of one color must not be coupled to each other. Exact
    sums enumerate all spins outside the first color. `create` makes a full machine, lower
    triangular; `create_block` the one of equation 16, whose hidden layer is one color.

    #### Example

    >>> import tensorflow as tf
    >>> base = SmoothedBoltzmannMachine(factor=[[1.5, 0.0], [0.4, 1.2]], bias=[0.1, -0.2])
    >>> base.log_prob(tf.zeros([4, 2])).shape, base.sample(3, seed=(0, 1)).shape
    (TensorShape([4]), TensorShape([3, 2]))

    A sweep costs one product with J in total, in as many steps as there are colors.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 3.2
    and equation 16; the visible layer is connected there, and sampled spin by spin.
    """

    def __init__(
        self,
        factor: TensorLike,
        bias: TensorLike,
        lower: bool = True,
        colors: Sequence[Sequence[int]] | None = None,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the smoothed machine with the precision `C C^T` and fields h.

        Args:
          factor: `[..., N, N]`, C, triangular with a positive diagonal.
          bias: `[..., N]`, h.
          lower: whether C is lower triangular; otherwise upper.
          colors: sets of spins that are not coupled within; every spin in exactly one. By default
            each spin is alone.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree, C is not finite and triangular with a positive
            diagonal, or the colors are no partition or couple within.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "SmoothedBoltzmannMachine") as name:
            dtype, (self._factor, self._bias) = converted(factor=factor, bias=bias)
            self._lower = bool(lower)
            checks.matrix("factor", self._factor, "N, N")
            size = self._factor.shape[-1]
            checks.vector("bias", self._bias, size)
            checks.batches(factor=(self._factor, 2), bias=(self._bias, 1))
            self._check_factor(size)
            colors = [[unit] for unit in range(size)] if colors is None else colors
            colors = [sorted(map(int, color)) for color in colors]
            check_colors(colors, size, self.precision())
            self._colors = color_table(colors)
            self._summed = np.array(colors[0], np.int32)
            self._rest = np.setdiff1d(np.arange(size, dtype=np.int32), self._summed)
            super().__init__(dtype, parameters, name)

    def _check_factor(self, size):
        if self._factor.shape[-2] != size:
            raise ValueError(f"`factor` must be square, got shape {self._factor.shape}.")
        checks.finite("factor", self._factor)
        if not tf.executing_eagerly():
            return
        factor = tf.convert_to_tensor(self._factor)
        band = tf.linalg.band_part(factor, *((-1, 0) if self._lower else (0, -1)))
        if not bool(tf.reduce_all(tf.equal(factor, band))):
            side = "lower" if self._lower else "upper"
            raise ValueError(
                f"`factor` must be {side} triangular; `lower={not self._lower}` takes the other "
                "side, and `tf.linalg.cholesky` factorises a precision matrix."
            )
        if not bool(tf.reduce_all(tf.linalg.diag_part(factor) > 0)):
            raise ValueError("The diagonal of `factor` must be above 0.")

    @classmethod
    def create(
        cls,
        num_units: int,
        delta: float = 2.5,
        **options: Unpack[ChainOptions],
    ) -> "SmoothedBoltzmannMachine":
        """Returns a trainable full machine: C a variable, at first `sqrt(delta) I`.

        Args:
          num_units: N.
          delta: precision of the smoothing at the start; training changes it.
          **options: `ChainOptions`.

        Raises:
          ValueError: if a size or delta is not positive, or there is no such sampler.
        """
        dtype = options.get("dtype", tf.float32)
        num_units = checks.positive_integer("num_units", num_units)
        root = math.sqrt(checks.positive_number("delta", delta))
        factor = tfp.util.TransformedVariable(
            root * tf.eye(num_units, dtype=dtype),
            tfp.bijectors.FillScaleTriL(diag_shift=tf.constant(0.1, dtype)),
            name="factor",
        )
        arguments = StartChains.arguments(options)
        return cls._start(factor, num_units, dtype, arguments)

    @classmethod
    def create_block(
        cls,
        num_visible: int,
        num_hidden: int,
        **options: Unpack[ChainOptions],
    ) -> "SmoothedBoltzmannMachine":
        """Returns the trainable machine of equation 16: C = [[I, W], [0, I]], W a variable at 0.

        Then `J~ = [[I + W W^T, W], [W^T, I]]` with determinant 1: hidden spins form one color,
        visible ones are coupled by `W W^T` and drawn one by one.

        Args:
          num_visible: number of visible spins.
          num_hidden: number of hidden spins.
          **options: `ChainOptions`.

        Raises:
          ValueError: if a size is not positive, or there is no such sampler.
        """
        dtype = options.get("dtype", tf.float32)
        num_visible = checks.positive_integer("num_visible", num_visible)
        num_hidden = checks.positive_integer("num_hidden", num_hidden)
        size = num_visible + num_hidden
        weights = tf.Variable(tf.zeros([num_visible, num_hidden], dtype), name="weights")
        factor = tfp.util.DeferredTensor(weights, _block_factor, shape=[size, size])
        colors = [list(range(num_visible, size)), *[[unit] for unit in range(num_visible)]]
        arguments = StartChains.arguments(options)
        return cls._start(factor, size, dtype, {**arguments, "lower": False, "colors": colors})

    @classmethod
    def _start(cls, factor, size, dtype, arguments):
        bias = tf.Variable(tf.zeros([size], dtype), name="bias")
        base = cls(factor, bias, **arguments)
        base._store_uncoupled_log_partition()
        return base

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "factor": properties(
                event_ndims=2,
                shape_fn=lambda shape: ps.concat([shape, shape[-1:]], axis=0),
                default_constraining_bijector_fn=lambda: tfp.bijectors.FillScaleTriL(
                    diag_shift=dtype_util.eps(dtype)
                ),
            ),
            "bias": vector(),
        }

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == tensor_util.is_ref(self._factor):
            return []
        diagonal = tf.linalg.diag_part(tf.convert_to_tensor(self._factor))
        message = "The diagonal of `factor` must be above 0."
        return [assert_util.assert_positive(diagonal, message=message)]

    factor = Given[Parameter]("C, as given.")

    @property
    def couplings(self) -> list[tf.Tensor]:
        """`[C - diag(C)]`, read now: at 0 the spins are independent."""
        factor = tf.convert_to_tensor(self._factor)
        return [tf.linalg.set_diag(factor, tf.zeros_like(factor[..., 0]))]

    bias = Given[Parameter]("h, as given.")

    def precision(self) -> tf.Tensor:
        """Returns J~ = C C^T at the current parameters, `[..., N, N]`."""
        factor = tf.convert_to_tensor(self._factor)
        return tf.matmul(factor, factor, transpose_b=True)

    def min_eigenvalue(self) -> tf.Tensor:
        """Returns the smallest eigenvalue of J~, `[*batch_shape]`: `sigma_min(C)^2`, above 0."""
        singular_values = tf.linalg.svd(tf.convert_to_tensor(self._factor), compute_uv=False)
        return broadcast_batch(singular_values[..., -1] ** 2, self.batch_shape_tensor(), 0)

    def machine(self) -> ConnectedMachine:
        """Returns the machine of the spins at the current parameters."""
        precision = self.precision()
        coupling = tf.linalg.set_diag(precision, tf.zeros_like(precision[..., 0]))
        bias = tf.convert_to_tensor(self._bias)
        return ConnectedMachine(
            coupling,
            broadcast_batch(bias, common_batch_shape((coupling, 2))),
            *(tf.constant(table) for table in (self._colors, self._summed, self._rest)),
        )

    def log_partition_offset(self) -> tf.Tensor:
        """Returns log Z - log Z_spins, the Gaussian part."""
        factor = tf.convert_to_tensor(self._factor)
        log_diagonal = tf.math.log(tf.linalg.diag_part(factor))
        return (
            0.5 * factor.shape[-1] * math.log(2 * math.pi)
            - tf.reduce_sum(log_diagonal, axis=-1)
            + 0.5 * tf.reduce_sum(factor**2, axis=[-2, -1])
        )

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Draws spins given points, `[..., N]`."""
        return self.posterior(value).sample(seed=seed)

    def _matvec(self, value):
        factor = tf.convert_to_tensor(self._factor)
        pulled = multiply_rows(value, factor)
        return pulled, multiply_rows(pulled, factor, transpose=True)

    def _unnormalized_log_prob(self, value):
        pulled, coupled = self._matvec(value)
        quadratic = tf.reduce_sum(pulled**2, axis=-1)
        return -0.5 * quadratic + tf.reduce_sum(log_2cosh(coupled + self._bias), axis=-1)

    def _field(self, value):
        return self._matvec(value)[1] + self._bias

    def _sample_spins(self, n, seed):
        return self._sample_units(n, seed)

    def _color(self, noise):
        factor = tf.convert_to_tensor(self._factor)
        # C^-T noise, with samples as columns: one triangular solve for all of them.
        columns = tf.linalg.matrix_transpose(move_axis(noise, 0, -2))
        colored = tf.linalg.triangular_solve(factor, columns, lower=self._lower, adjoint=True)
        return move_axis(tf.linalg.matrix_transpose(colored), -2, 0)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)


def _block_factor(weights):
    """Returns [[I, W], [0, I]]."""
    num_visible, num_hidden = weights.shape
    identity = tf.eye(num_visible + num_hidden, dtype=weights.dtype)
    return identity + tf.pad(weights, [[0, num_hidden], [num_visible, 0]])
