"""What distributions made by smoothing spins have in common."""

import tensorflow as tf

from tfp_ebm.distributions.independent_spins import IndependentSpins, LastAxisEvents
from tfp_ebm.internal import checks
from tfp_ebm.internal.numeric import move_axis
from tfp_ebm.internal.tfp_private import ps, samplers
from tfp_ebm.internal.types import TensorLike

__all__ = ["SmoothedSpins"]


class SmoothedSpins(LastAxisEvents):
    """Mixin for a density z | s ~ Normal(s, J~^-1) over the spins s of some machine.

    Gives `posterior` and sampling with the spins held fixed. The host gives `_field(z)`, equal to
    `J~ z + h`; `_sample_spins(n, seed)`; `_color(noise)`, which gives white noise of shape
    `[n, *batch_shape, N]` the covariance J~^-1; moments of the spins, `_enumerate_units()`; and the
    fields h, `_bias`.
    """

    _event_parameter = "_bias"

    def posterior(self, value: TensorLike) -> IndependentSpins:
        """Returns p(s | z), exact: the discrete code of each point.

            p(s_i = +1 | z) = sigmoid(2 (J~ z + h)_i)

        Args:
          value: `[..., N]`, points z.

        Returns:
          `IndependentSpins` with batch shape `[...]`.
        """
        return IndependentSpins(self._field(tf.convert_to_tensor(value, self.dtype)))

    def _noise_covariance(self):
        """Returns J~^-1, `[*batch_shape, N, N]`."""
        size = self.event_shape[-1]
        white = tf.eye(size, batch_shape=self.batch_shape_tensor(), dtype=self.dtype)
        # Unit vectors in place of noise: the factor's columns, for any structure of the precision.
        rows = move_axis(self._color(move_axis(white, -2, 0)), 0, -2)
        return tf.matmul(rows, rows, transpose_a=True)

    def _mean(self):
        return self._enumerate_units().mean()

    def _variance(self):
        noise = tf.linalg.diag_part(self._noise_covariance())
        return self._enumerate_units().variance() + noise

    def _covariance(self):
        return self._enumerate_units().covariance() + self._noise_covariance()

    def _call_sample_n(self, sample_shape, seed, spins=None, **kwargs):
        if spins is not None:
            spins = checks.spins("spins", spins, self.dtype)
            checks.vector("spins", spins, self.event_shape[-1])
            state_shape = ps.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
            sample_dims = ps.reshape(ps.convert_to_shape_tensor(sample_shape, tf.int32), [-1])
            # TFP draws n samples flat and gives them their shape afterwards; so must the spins
            # come.
            spins = tf.broadcast_to(spins, ps.concat([sample_dims, state_shape], axis=0))
            kwargs["spins"] = tf.reshape(spins, ps.concat([[-1], state_shape], axis=0))
        return super()._call_sample_n(sample_shape, seed, **kwargs)

    def _sample_n(self, n, seed=None, spins=None):
        spins_seed, noise_seed = samplers.split_seed(seed, n=2, salt="smoothed_spins")
        if spins is None:
            spins = self._sample_spins(n, spins_seed)
        noise = samplers.normal(ps.shape(spins), seed=noise_seed, dtype=self.dtype)
        return spins + self._color(noise)
