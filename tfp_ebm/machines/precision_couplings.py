"""What distributions share whose precision couples two layers by one matrix."""

import tensorflow as tf

from tfp_ebm.internal.construction import Given, MatrixCouplings
from tfp_ebm.internal.numeric import broadcast_batch
from tfp_ebm.internal.types import Parameter
from tfp_ebm.machines.bipartite_precision import BipartitePrecision, positive_definite_assertions

__all__ = ["PrecisionCouplings"]


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
