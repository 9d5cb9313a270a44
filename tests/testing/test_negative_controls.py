"""The conformance checks must fail for what is wrong, and name it."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.testing import ConformanceError, check_bijector, check_distribution

tfb, tfd = tfp.bijectors, tfp.distributions
POINTS = np.random.default_rng(0).normal(size=[4, 3])


class Tripled(tfb.Bijector):
    """Right: y = 3 x."""

    def __init__(self, name="tripled"):
        super().__init__(forward_min_event_ndims=0, parameters=dict(locals()), name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward(self, x):
        return 3 * x

    def _inverse(self, y):
        return y / 3

    def _forward_log_det_jacobian(self, x):
        return tf.fill(tf.shape(x), tf.cast(np.log(3.0), x.dtype))


class WrongInverse(Tripled):
    def _inverse(self, y):
        return y / 2


class WrongLogDet(Tripled):
    def _forward_log_det_jacobian(self, x):
        return tf.fill(tf.shape(x), tf.cast(np.log(2.0), x.dtype))


class WrongBoth(WrongInverse, WrongLogDet):
    """What a shared cache lets pass."""


class NoGradient(Tripled):
    def __init__(self, name="no_gradient"):
        super().__init__(name=name)
        self.unused = tf.Variable(1.0)


class Float32Only(Tripled):
    def _forward(self, x):
        return tf.cast(3 * x, tf.float32)


def test_the_right_one_passes():
    assert check_bijector(lambda dtype: Tripled(), POINTS) is None


@pytest.mark.parametrize(
    ("bijector", "check"),
    [
        (WrongInverse, "round trip"),
        (WrongLogDet, "forward log-det"),
        (WrongBoth, "round trip"),
        (NoGradient, "gradient"),
        (Float32Only, "dtype"),
    ],
)
def test_wrong_bijectors_fail(bijector, check):
    with pytest.raises(ConformanceError, match=check):
        check_bijector(lambda dtype: bijector(), POINTS)


def test_tfps_own_cache_would_have_hidden_the_wrong_inverse():
    bijector, x = WrongInverse(), tf.constant(POINTS)
    np.testing.assert_array_equal(bijector.inverse(bijector.forward(x)), x)


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
