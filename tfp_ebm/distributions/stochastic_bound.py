"""What distributions share whose log-probability is a bound with random draws."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import ps, samplers

__all__ = ["StochasticBound", "bound_log_prob"]

_BLOCK = 16


class StochasticBound(tfp.distributions.Distribution):
    """A distribution whose `log_prob(x, seed)` is a lower bound from one draw of hidden variables.

        log p(x) >= log p(x, h) - log q(h | x),   h ~ q(h | x)

    Subclasses give `_checked(value)` and `_log_weight(value, seed)`, the bound of one draw for
    every entry of a value of any leading shape. Further keywords, such as `distribution_kwargs`,
    are passed on to the distribution inside.
    """

    def _checked(self, value: Any) -> tf.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement `_checked`.")

    def _log_weight(self, value: tf.Tensor, seed: Any, **kwargs: Any) -> tf.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement `_log_weight`.")

    def _log_prob(self, value, seed=None, **kwargs):
        seed = sanitize_seed(seed, salt="stochastic_bound")
        return self._log_weight(self._checked(value), seed, **kwargs)

    def importance_log_prob(
        self,
        value: Any,
        num_samples: int = 64,
        seed: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> tf.Tensor:
        """Returns a tighter lower bound on log p(x), from many draws of the hidden variables.

            log p(x) >= E[log (1 / S) sum_s p(x, h_s) / q(h_s | x)],   rising with S

        Draws run in blocks of 16, so that memory does not grow with S; sums in float64.

        Args:
          value: `[..., *event_shape]`.
          num_samples: S.
          seed: seed; a pair of integers repeats exactly.
          name: name of the operation.
          **kwargs: passed on to the distribution inside.

        Returns:
          `[...]` float64, nats an event.

        Raises:
          ValueError: if `num_samples` is not a positive integer.

        Source: Burda et al., "Importance weighted autoencoders" (2016); "VFlow: More Expressive
        Generative Flows with Variational Data Augmentation", equation 5.
        """
        num_samples = checks.positive_integer("num_samples", num_samples)
        with self._name_and_control_scope(name or "importance_log_prob"):
            value = self._checked(tf.convert_to_tensor(value))
            seed = sanitize_seed(seed, salt="importance_log_prob")
            num_blocks, remainder = divmod(num_samples, _BLOCK)
            num_blocks = tf.constant(num_blocks)
            return self._importance_bound(value, num_blocks, remainder, seed, kwargs)

    @tf.function(autograph=False)
    def _importance_bound(self, value, num_blocks, remainder, seed, kwargs):
        event_rank = self.event_shape.rank

        def add(total, index, count):
            shape = ps.concat([[count], ps.shape(value)], axis=0)
            repeated = tf.broadcast_to(value, shape)
            log_weights = self._log_weight(repeated, samplers.fold_in(seed, index), **kwargs)
            block = tf.reduce_logsumexp(tf.cast(log_weights, tf.float64), axis=0)
            total = tf.reduce_logsumexp(tf.stack([total, block]), axis=0)
            return tf.ensure_shape(total, value.shape[: value.shape.rank - event_rank])

        dynamic_shape = ps.shape(value)[: value.shape.rank - event_rank]
        total = tf.fill(dynamic_shape, tf.constant(-math.inf, tf.float64))
        _, total = tf.while_loop(
            lambda index, _: index < num_blocks,
            lambda index, total: (index + 1, add(total, index, _BLOCK)),
            (0, total),
            parallel_iterations=1,
        )
        if remainder:
            total = add(total, num_blocks, remainder)
        return total - tf.math.log(tf.cast(num_blocks * _BLOCK + remainder, tf.float64))


def bound_log_prob(
    distribution: tfp.distributions.Distribution, value: tf.Tensor, seed: Any, **kwargs: Any
) -> tf.Tensor:
    """Returns `log_prob(value)`, with the seed where that is a bound with draws of its own."""
    if isinstance(distribution, StochasticBound):
        return distribution.log_prob(value, seed=seed, **kwargs)
    return distribution.log_prob(value, **kwargs)
