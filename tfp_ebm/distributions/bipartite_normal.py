"""The multivariate normal with the precision matrix of two coupled layers: MultiCov's base."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, MatrixCouplings, converted, distribution_arguments
from tfp_ebm.internal.numeric import broadcast_batch
from tfp_ebm.internal.parameter_shapes import positive_scalar, undetermined
from tfp_ebm.internal.tfp_private import (
    ps,
    samplers,
)
from tfp_ebm.internal.types import Parameter, TensorLike
from tfp_ebm.machines.bipartite_precision import (
    BipartitePrecision,
    check_positive_definite,
    coupling_variables,
    positive_definite_assertions,
)
from tfp_ebm.partition.energy_based import EnergyBased

__all__ = ["BipartiteNormal", "PrecisionCouplings"]


class PrecisionCouplings(MatrixCouplings):
    """Mixin of distributions that keep W and delta of J~ as `_weights` and `_delta`."""

    delta = Given[Parameter]("The diagonal of the precision, as given.")

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args:
            return []
        return positive_definite_assertions(self._weights, self._delta, is_init)

    def precision(self) -> BipartitePrecision:
        """Returns J~ at the current parameters."""
        return BipartitePrecision(
            tf.convert_to_tensor(self._weights), tf.convert_to_tensor(self._delta)
        )

    def min_eigenvalue(self) -> tf.Tensor:
        """Returns the smallest eigenvalue of J~, `delta - sigma_max(W)`, which must be above 0."""
        value = self.precision().min_eigenvalue()
        return broadcast_batch(value, self.batch_shape_tensor(), event_ndims=0)


class BipartiteNormal(
    PrecisionCouplings, EnergyBased, tfp.distributions.AutoCompositeTensorDistribution
):
    """A centred Gaussian whose precision couples two layers.

        z ~ Normal(0, J~^-1),   J~ = [[delta I, W], [W^T, delta I]]
        log p(z) = -z^T J~ z / 2 - (N/2) log 2 pi + log det(J~) / 2

    What `SmoothedRBM` is without its spins: the control that tells what the spins buy. Positive
    definite if and only if `delta > sigma_max(W)`.

    #### Example

    >>> import tensorflow as tf
    >>> base = BipartiteNormal(weights=tf.constant([[0.5, 0.2]]), delta=2.5)
    >>> base.log_prob(base.sample(4, seed=(0, 1))).shape
    TensorShape([4])

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", MultiCov.
    """

    def __init__(
        self,
        weights: TensorLike,
        delta: TensorLike = 2.5,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "BipartiteNormal",
    ) -> None:
        """Constructs the Gaussian of W and delta.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          delta: `[...]`, above the largest singular value of W.
          validate_args: whether to check at run time, too, that delta is large enough.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if weights is not a matrix or delta not above its largest singular value.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._weights, self._delta) = converted(weights=weights, delta=delta)
            checks.matrix("weights", self._weights, "num_visible, num_hidden")
            checks.batches(weights=(self._weights, 2), delta=(self._delta, 0))
            check_positive_definite(self._weights, self._delta)
            super().__init__(
                **distribution_arguments(
                    dtype, parameters, name, tfp.distributions.FULLY_REPARAMETERIZED
                )
            )

    @classmethod
    def create(
        cls,
        num_visible: int,
        num_hidden: int,
        delta: float = 2.5,
        learn_delta: bool = False,
        constrained: bool = True,
        dtype: tf.DType = tf.float32,
        name: str = "BipartiteNormal",
    ) -> "BipartiteNormal":
        """Returns a trainable Gaussian: W a variable at 0, kept positive definite, delta fixed.

        Args:
          num_visible: size of the first layer.
          num_hidden: size of the second layer.
          delta: diagonal of the precision; 2.5 in the paper.
          learn_delta: whether delta is trained; then W is `delta A`, and A is the variable.
          constrained: whether W is kept positive definite by a constraint; without it, use a small
            learning rate and a penalty, as the paper does.
          dtype: dtype of the variable.
          name: name of the distribution.

        Raises:
          ValueError: if a size is not a positive integer or delta not a positive number.
        """
        weights, delta = coupling_variables(
            num_visible, num_hidden, delta, dtype, learn_delta, constrained
        )
        return cls(weights, delta, name=name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "delta": positive_scalar(dtype),
        }

    def _size(self):
        return self._weights.shape[-2] + self._weights.shape[-1]

    def _event_shape(self):
        return tf.TensorShape([self._size()])

    def _event_shape_tensor(self):
        return ps.reduce_sum(ps.shape(self._weights)[-2:], keepdims=True)

    def _unnormalized_log_prob(self, value):
        return -0.5 * tf.reduce_sum(value * self.precision().matvec(value), axis=-1)

    def _log_partition(self):
        log_determinant = self.precision().log_abs_determinant()
        return 0.5 * (self._size() * math.log(2 * math.pi) - log_determinant)

    def _sample_n(self, n, seed=None):
        shape = ps.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return self.precision().color(samplers.normal(shape, seed=seed, dtype=self.dtype))

    def _mean(self):
        shape = ps.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.zeros(shape, self.dtype)

    def _covariance(self):
        return self.precision().covariance()

    def _variance(self):
        return tf.linalg.diag_part(self._covariance())

    def _entropy(self):
        return self._log_partition() + 0.5 * self._size()

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)


@tfp.distributions.RegisterKL(BipartiteNormal, BipartiteNormal)
def _kl_divergence(a, b, name=None):
    """Returns `(tr(J~_b J~_a^-1) - N + log det J~_a - log det J~_b) / 2`."""
    with tf.name_scope(name or "kl_bipartite_normal"):
        checks.same_size(a, b)
        precision, other = a.precision(), b.precision()
        batch_shape = ps.broadcast_shape(a.batch_shape_tensor(), b.batch_shape_tensor())
        rows = precision.covariance_rows(batch_shape)
        trace = tf.reduce_sum(rows * other.matvec(rows), axis=[0, -1])
        log_ratio = precision.log_abs_determinant() - other.log_abs_determinant()
        return 0.5 * (trace - a._size() + log_ratio)
