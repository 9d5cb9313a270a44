"""The conformance checks must fail for distributions that are wrong, and name what is."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.testing import ConformanceError, check_distribution

tfd = tfp.distributions


class Gaussian(tfd.Distribution):
    """Right: one normal of mean m and standard deviation s, as a vector of one entry."""

    def __init__(self, loc, scale, validate_args=False, name="gaussian"):
        parameters = dict(locals())
        self.loc, self.scale = loc, scale
        super().__init__(
            dtype=loc.dtype,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = tfp.util.ParameterProperties
        return {"loc": properties(event_ndims=1), "scale": properties(event_ndims=1)}

    def _event_shape(self):
        return self.loc.shape[-1:]

    def _event_shape_tensor(self):
        return tf.shape(self.loc)[-1:]

    def _unnormalized_log_prob(self, value):
        return tf.reduce_sum(-0.5 * ((value - self.loc) / self.scale) ** 2, axis=-1)

    def log_partition(self):
        terms = tf.zeros_like(self.loc) + tf.math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        return tf.reduce_sum(terms, axis=-1)

    def _log_prob(self, value):
        return Gaussian._unnormalized_log_prob(self, value) - Gaussian.log_partition(self)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return self.loc + self.scale * tf.random.stateless_normal(shape, seed, dtype=self.dtype)

    def _broadcast(self, value):
        shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.broadcast_to(value, shape)

    def _mean(self):
        return self._broadcast(self.loc)

    def _mode(self):
        return self._broadcast(self.loc)

    def _variance(self):
        return self._broadcast(tf.convert_to_tensor(self.scale) ** 2)

    def _entropy(self):
        return 0.5 + self.log_partition()


class WrongNormalizer(Gaussian):
    def _log_prob(self, value):
        return super()._log_prob(value) + 1e-4


class WrongPartition(Gaussian):
    def log_partition(self):
        return super().log_partition() + 0.5


class BiasedSamples(Gaussian):
    def _sample_n(self, n, seed=None):
        return super()._sample_n(n, seed) + 0.1


class WideSamples(Gaussian):
    def _sample_n(self, n, seed=None):
        return self.loc + 1.1 * (super()._sample_n(n, seed) - self.loc)


class IgnoredSeed(Gaussian):
    def _sample_n(self, n, seed=None):
        return super()._sample_n(n, (1, 1))


class Unrepeatable(Gaussian):
    def _sample_n(self, n, seed=None):
        return super()._sample_n(n, seed) + tf.random.normal([n, 1], stddev=1e-3, dtype=self.dtype)


class WrongMean(Gaussian):
    def _mean(self):
        return super()._mean() + 1e-4


class WrongVariance(Gaussian):
    def _variance(self):
        return self._broadcast(tf.convert_to_tensor(self.scale))


class WrongEntropy(Gaussian):
    def _entropy(self):
        return 0.5 - self.log_partition()


class WrongMode(Gaussian):
    def _mode(self):
        return super()._mode() + 0.1


class WrongDivergence(Gaussian):
    pass


@tfd.RegisterKL(WrongDivergence, WrongDivergence)
def divergence(one, other, name=None):
    del name
    difference = tf.reduce_sum(((one.loc - other.loc) / other.scale) ** 2, axis=-1)
    return 0.5 * difference  # Right for equal scales alone.


class OtherInGraphs(Gaussian):
    def _log_prob(self, value):
        return super()._log_prob(value) + (0 if tf.executing_eagerly() else 0.01)


class OtherInFloat32(Gaussian):
    def _log_prob(self, value):
        return super()._log_prob(value) + (0.01 if self.dtype == tf.float32 else 0)


class Float64LogProb(Gaussian):
    def _log_prob(self, value):
        return tf.cast(super()._log_prob(value), tf.float32)


class StoppedPoints(Gaussian):
    def _log_prob(self, value):
        return super()._log_prob(tf.stop_gradient(value))


class HalfOfTheGradient(Gaussian):
    def _log_prob(self, value):
        log_prob = super()._log_prob(value)
        return log_prob + 0.5 * (tf.stop_gradient(self.scale) - self.scale)[0]


@tf.custom_gradient
def log_without_second_derivative(x):
    slope = tf.stop_gradient(1 / x)
    return tf.math.log(x), lambda upstream: upstream * slope


class WrongSecondDerivative(Gaussian):
    def _log_prob(self, value):
        scale = tf.convert_to_tensor(self.scale)
        wrong = log_without_second_derivative(scale) - tf.math.log(scale)
        return super()._log_prob(value) - tf.reduce_sum(wrong, axis=-1)


class NotReparameterized(Gaussian):
    def _sample_n(self, n, seed=None):
        return tf.stop_gradient(super()._sample_n(n, seed))


class HalfReparameterized(Gaussian):
    def _sample_n(self, n, seed=None):
        return self.loc + tf.stop_gradient(super()._sample_n(n, seed) - self.loc)


class FirstScaleOfTheBatch(Gaussian):
    def _log_prob(self, value):
        scale = tf.convert_to_tensor(self.scale)
        first = scale if scale.shape.rank == 1 else scale[:1]
        return Gaussian(self.loc, first)._log_prob(value) + 0 * tf.reduce_sum(scale, axis=-1)


class OneDrawForTheWholeBatch(Gaussian):
    def _sample_n(self, n, seed=None):
        noise = tf.random.stateless_normal([n, *self.event_shape], seed, dtype=self.dtype)
        for _ in self.batch_shape:
            noise = noise[:, tf.newaxis]
        return self._broadcast(self.loc) + self._broadcast(self.scale) * noise


class SamplesOfTheFirstMember(Gaussian):
    def _sample_n(self, n, seed=None):
        samples = super()._sample_n(n, seed)
        scale = self._broadcast(self.scale)
        is_batch = scale.shape.rank == 2
        return samples + (2 * (scale[:1] - scale) if is_batch else 0)


class WrongBatchShape(Gaussian):
    def _batch_shape(self):
        return self.scale.shape[:-1]


class WrongSlice(Gaussian):
    def __getitem__(self, slices):
        if slices is tf.newaxis:
            return self.copy()
        return super().__getitem__(slices)


class WrongCopy(Gaussian):
    def copy(self, **overrides):
        scale = 1.1 * tf.convert_to_tensor(self.scale)
        return super().copy(**{"scale": scale, **overrides})


class Untracked(Gaussian):
    """Its value rests on a variable that no checkpoint holds."""

    def __init__(self, loc, scale, validate_args=False, name="untracked"):
        super().__init__(loc, scale, validate_args, name)
        shift = np.random.default_rng().normal()
        self.hidden = self._no_dependency([tf.Variable(shift, dtype=self.dtype)])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _unnormalized_log_prob(self, value):
        return super()._unnormalized_log_prob(value - self.hidden[0])

    def _log_prob(self, value):
        return self._unnormalized_log_prob(value) - self.log_partition()

    def _sample_n(self, n, seed=None):
        return super()._sample_n(n, seed) + self.hidden[0]

    def _mean(self):
        return self.loc + self.hidden[0]

    _mode = _mean

    def copy(self, **overrides):
        copied = super().copy(**overrides)
        copied.hidden[0].assign(self.hidden[0])
        return copied


def make(distribution):
    def made(dtype):
        return distribution(tf.Variable([0.5], dtype=dtype), tf.Variable([0.8], dtype=dtype))

    return made


def test_the_right_one_passes():
    assert check_distribution(make(Gaussian), interval=(-9.0, 9.0)) is None


@pytest.mark.parametrize(
    ("distribution", "check"),
    [
        (WrongNormalizer, "log partition|total"),
        (WrongPartition, "log partition"),
        (BiasedSamples, "sample moments: the mean"),
        (WideSamples, "sample moments: the second moment"),
        (IgnoredSeed, "seed: another pair"),
        (Unrepeatable, "seed: the same pair"),
        (WrongMean, "mean"),
        (WrongVariance, "variance"),
        (WrongEntropy, "entropy"),
        (WrongMode, "mode"),
        (WrongDivergence, "KL divergence"),
        (OtherInGraphs, "graph"),
        (OtherInFloat32, "float32"),
        (Float64LogProb, "dtype"),
        (StoppedPoints, "derivatives: the gradient in point 0"),
        (HalfOfTheGradient, "derivatives: the gradient in `Variable:0`"),
        (WrongSecondDerivative, "second derivatives"),
        (NotReparameterized, "reparameterization"),
        (HalfReparameterized, "reparameterization"),
        (FirstScaleOfTheBatch, "parameter batch: log_prob"),
        (OneDrawForTheWholeBatch, "parameter batch: samples of two members"),
        (SamplesOfTheFirstMember, "parameter batch: samples of member 1"),
        (WrongBatchShape, "parameter batch: batch_shape is"),
        (WrongSlice, "parameter batch: batch_shape is .* of slice .newaxis."),
        (WrongCopy, "copy"),
    ],
)
def test_wrong_ones_fail(distribution, check):
    with pytest.raises(ConformanceError, match=check):
        check_distribution(make(distribution), interval=(-9.0, 9.0), check_xla=False)


def test_an_untracked_variable_fails():
    with pytest.raises(ConformanceError, match="checkpoint"):
        check_distribution(make(Untracked), dtypes=[tf.float64], check_xla=False)


def test_parameters_that_are_constants_have_gradients_too():
    def made(dtype):
        return HalfOfTheGradient(tf.constant([0.5], dtype), tf.constant([0.8], dtype))

    with pytest.raises(ConformanceError, match="derivatives: the gradient in `scale`"):
        check_distribution(made, check_xla=False)


def test_a_value_outside_the_support_must_raise():
    with pytest.raises(ConformanceError, match="validate_args"):
        check_distribution(make(Gaussian), outside=[np.nan], dtypes=[tf.float64], check_xla=False)


def test_a_wrong_oracle_fails():
    with pytest.raises(ConformanceError, match="oracle"):
        check_distribution(make(Gaussian), oracle=lambda base, points: np.zeros(len(points)))


def test_closed_forms_are_held_against_samples_where_there_is_no_quadrature():
    with pytest.raises(ConformanceError, match="variance"):
        check_distribution(make(WrongVariance))
