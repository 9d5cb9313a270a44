"""Bijectors that compute a value and its log-determinant together."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.tfp_private import cache_util

__all__ = ["OnePassBijector"]


class OnePassBijector(tfp.bijectors.Bijector):
    """A bijector whose network, or sum, runs once for the value and the log-determinant together.

    Subclasses give `_forward_and_log_det(x)` and `_inverse_and_log_det(y)`, which both return the
    value and the *forward* log-determinant. The cache keeps its negative beside the value, under
    the name that TensorFlow Probability looks for in either direction, so that one `log_prob`
    evaluates it once: twice would cost double, and under dropout use two masks.
    """

    # The names by which the cache of TensorFlow Probability finds the methods below.
    _cache = cache_util.BijectorCacheWithGreedyAttrs(
        forward_name="_augmented_forward", inverse_name="_augmented_inverse"
    )

    def _forward_and_log_det(self, x: tf.Tensor, **kwargs: Any) -> tuple[tf.Tensor, tf.Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must implement `_forward_and_log_det`.")

    def _inverse_and_log_det(self, y: tf.Tensor, **kwargs: Any) -> tuple[tf.Tensor, tf.Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must implement `_inverse_and_log_det`.")

    def _augmented_forward(self, x, **kwargs):
        y, log_det = self._forward_and_log_det(x, **kwargs)
        return y, {"ildj": -log_det}

    def _augmented_inverse(self, y, **kwargs):
        x, log_det = self._inverse_and_log_det(y, **kwargs)
        return x, {"ildj": -log_det}

    def _forward(self, x, **kwargs):
        return self._augmented_forward(x, **kwargs)[0]

    def _inverse(self, y, **kwargs):
        return self._augmented_inverse(y, **kwargs)[0]

    # TensorFlow Probability asks for what follows only where the cache holds no value.

    def _forward_log_det_jacobian(self, x, **kwargs):
        return self._forward_and_log_det(x, **kwargs)[1]

    def _inverse_log_det_jacobian(self, y, **kwargs):
        return -self._inverse_and_log_det(y, **kwargs)[1]
