"""The conformance checks must fail for distributions that are wrong, and name what is."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.testing import ConformanceError, check_distribution

tfd = tfp.distributions


class ScaledNormal(tfd.MultivariateNormalDiag):
    """A normal distribution with hooks to spoil."""

    def __init__(self, dtype=tf.float32, name="scaled_normal"):
        parameters = dict(locals())
        loc = tf.Variable([0.5], dtype=dtype)
        super().__init__(loc, tf.ones([1], dtype), name=name)
        self._parameters = self._no_dependency(
            {k: v for k, v in parameters.items() if k not in ("self", "__class__")}
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}


class WrongNormalizer(ScaledNormal):
    def _log_prob(self, value, **kwargs):
        return super()._log_prob(value, **kwargs) + 0.05


class BiasedSamples(ScaledNormal):
    def _sample_n(self, n, seed=None, **kwargs):
        return super()._sample_n(n, seed=seed, **kwargs) + 0.1

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        return super()._call_sample_n(sample_shape, seed, **kwargs) + tf.cast(0.1, self.dtype)


class IgnoredSeed(ScaledNormal):
    def _call_sample_n(self, sample_shape, seed, **kwargs):
        return super()._call_sample_n(sample_shape, (1, 1), **kwargs)


@pytest.mark.parametrize(
    ("distribution", "check"),
    [
        (WrongNormalizer, "total"),
        (BiasedSamples, "sample moments"),
        (IgnoredSeed, "seed"),
    ],
)
def test_wrong_distributions_fail(distribution, check):
    with pytest.raises(ConformanceError, match=check):
        check_distribution(lambda dtype: distribution(dtype), interval=(-9.0, 9.0))


def test_a_wrong_oracle_fails():
    with pytest.raises(ConformanceError, match="oracle"):
        check_distribution(
            lambda dtype: ScaledNormal(dtype), oracle=lambda base, points: np.zeros(len(points))
        )
