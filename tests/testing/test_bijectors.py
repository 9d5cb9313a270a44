"""The conformance checks must fail for bijectors that are wrong, and name what is."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.testing import ConformanceError, check_bijector

tfb = tfp.bijectors
POINTS = np.random.default_rng(0).normal(size=[4, 3])


class Scaled(tfb.Bijector):
    """Right: y = x exp(a), elementwise."""

    rank = 0

    def __init__(self, log_scale, name="scaled"):
        parameters = dict(locals())
        self.log_scale = log_scale
        super().__init__(
            forward_min_event_ndims=self.rank,
            dtype=log_scale.dtype,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {"log_scale": tfp.util.ParameterProperties(event_ndims=cls.rank)}

    @classmethod
    def _is_increasing(cls, **kwargs):
        return True

    def factor(self, x):
        del x
        return tf.exp(tf.convert_to_tensor(self.log_scale))

    def _forward(self, x):
        return x * self.factor(x)

    def _inverse(self, y):
        return y / self.factor(y)

    def _forward_log_det_jacobian(self, x):
        return tf.zeros_like(x) + self.log_scale


class WrongInverse(Scaled):
    def _inverse(self, y):
        return 1.1 * super()._inverse(y)


class WrongLogDet(Scaled):
    def _forward_log_det_jacobian(self, x):
        return 1.1 * super()._forward_log_det_jacobian(x)


class WrongBoth(WrongInverse, WrongLogDet):
    """What a shared cache lets pass."""


class WrongInverseLogDet(Scaled):
    def _inverse_log_det_jacobian(self, y):
        return tf.zeros_like(y) + self.log_scale


class Unused(Scaled):
    def __init__(self, log_scale, name="unused"):
        super().__init__(log_scale, name=name)
        self.unused = tf.Variable(1.0, dtype=log_scale.dtype)


class Float32Only(Scaled):
    def _forward(self, x):
        return tf.cast(super()._forward(x), tf.float32)


class Float32LogDet(Scaled):
    def _forward_log_det_jacobian(self, x):
        return tf.cast(super()._forward_log_det_jacobian(x), tf.float32)


class OtherInFloat32(Scaled):
    def factor(self, x):
        return super().factor(x) * (1.01 if x.dtype == tf.float32 else 1)


class OtherInGraphs(Scaled):
    def factor(self, x):
        return super().factor(x) * (1 if tf.executing_eagerly() else 1.01)


class OtherForUnknownShapes(Scaled):
    def factor(self, x):
        return super().factor(x) * (1 if x.shape.is_fully_defined() else 1.01)


class OtherUnderVectorizedMap(Scaled):
    def factor(self, x):
        is_mapped = not tf.executing_eagerly() and x.shape.rank == 1
        return super().factor(x) * (1.01 if is_mapped else 1)


class StoppedInverse(Scaled):
    def _inverse(self, y):
        return y * tf.stop_gradient(1 / self.factor(y))


class InverseOfTooLargeAGradient(Scaled):
    def _inverse(self, y):
        return super()._inverse(y) + 0.5 * (y - tf.stop_gradient(y))


class HalfOfTheLogDetsGradient(Scaled):
    def _forward_log_det_jacobian(self, x):
        log_det = super()._forward_log_det_jacobian(x)
        return 0.5 * (log_det + tf.stop_gradient(log_det))


class LogDetWithGradientInPoints(Scaled):
    def _forward_log_det_jacobian(self, x):
        return super()._forward_log_det_jacobian(x) + x - tf.stop_gradient(x)


@tf.custom_gradient
def exp_without_second_derivative(x):
    y = tf.exp(x)
    return y, lambda upstream: upstream * tf.stop_gradient(y)


class WrongSecondDerivative(Scaled):
    def factor(self, x):
        return exp_without_second_derivative(tf.convert_to_tensor(self.log_scale))


class WrongSecondDerivativeOfTheInverse(Scaled):
    def _inverse(self, y):
        return y * exp_without_second_derivative(-tf.convert_to_tensor(self.log_scale))


class LogDetOfABatchForOnePoint(Scaled):
    rank = 1

    def _forward_log_det_jacobian(self, x):
        total = tf.reduce_sum(tf.convert_to_tensor(self.log_scale), axis=-1)
        return tf.fill([len(POINTS)], total)


class ConvertedInTheConstructor(Scaled):
    """The variable is found, but what counts is its value of then."""

    def __init__(self, log_scale, name="converted"):
        super().__init__(log_scale, name=name)
        self.held, self.log_scale = log_scale, tf.convert_to_tensor(log_scale)


class ReversedBatch(Scaled):
    def _forward(self, x):
        y = super()._forward(x)
        return y if x.shape.rank < 3 else y[::-1]

    def _inverse(self, y):
        x = super()._inverse(y)
        return x if y.shape.rank < 3 else x[::-1]


class OtherForOneEvent(Scaled):
    def factor(self, x):
        return super().factor(x) * (1.01 if x.shape.rank == 1 else 1)


class Mixing(Scaled):
    """A rotation of vectors that says it is elementwise."""

    def _forward(self, x):
        x = super()._forward(x)
        return tf.stack([-x[..., 1], x[..., 0], x[..., 2]], axis=-1)

    def _inverse(self, y):
        return super()._inverse(tf.stack([y[..., 1], -y[..., 0], y[..., 2]], axis=-1))


class LogDetOfAWholeVector(Scaled):
    """For each of three entries the mean, which is right for vectors alone."""

    def _forward_log_det_jacobian(self, x):
        log_det = super()._forward_log_det_jacobian(x)
        return tf.zeros_like(x) + tf.reduce_mean(log_det, axis=-1, keepdims=True)


class SaysDecreasing(Scaled):
    @classmethod
    def _is_increasing(cls, **kwargs):
        return False


class SaysNothing(Scaled):
    @classmethod
    def _is_increasing(cls, **kwargs):
        raise NotImplementedError


class WrongEventShape(Scaled):
    def _forward_event_shape_tensor(self, shape):
        return [shape[0] + 1]


class WrongInverseEventShape(Scaled):
    def _inverse_event_shape(self, shape):
        return tf.TensorShape([shape[0] + 1])


class WrongCache(OnePassBijector, Scaled):
    """The log-determinant that the cache keeps beside y has the wrong sign."""

    def _augmented_forward(self, x):
        y, log_det = self._forward_and_log_det(x)
        return y, {"ildj": log_det}

    def _forward_and_log_det(self, x):
        return Scaled._forward(self, x), Scaled._forward_log_det_jacobian(self, x)

    def _inverse_and_log_det(self, y):
        return Scaled._inverse(self, y), Scaled._forward_log_det_jacobian(self, y)


class SharedCache(Scaled):
    seen = {}  # noqa: RUF012

    def _forward(self, x):
        y = super()._forward(x)
        owner, first = self.seen.setdefault(x.ref(), (self, y))
        return y if owner is self else first


class FirstParameterOfTheBatch(Scaled):
    def factor(self, x):
        factor = super().factor(x)
        return factor if factor.shape.rank < 2 else factor[:1]


class NoBatchOfParameters(Scaled):
    rank = 1

    def _forward_log_det_jacobian(self, x):
        log_det = tf.reduce_sum(tf.convert_to_tensor(self.log_scale))
        return tf.fill(tf.shape(x)[:-1], log_det)


class WrongSlice(Scaled):
    def __getitem__(self, slices):
        return self.copy(log_scale=tf.convert_to_tensor(self.log_scale)[0])


class WrongCopy(Scaled):
    def copy(self, **overrides):
        return super().copy(**{"log_scale": tf.zeros(3, self.dtype), **overrides})


def make(bijector):
    return lambda dtype: bijector(tf.Variable([0.2, -0.3, 0.5], dtype=dtype))


def test_the_right_one_passes():
    assert check_bijector(make(Scaled), POINTS) is None


@pytest.mark.parametrize(
    ("bijector", "check"),
    [
        (WrongInverse, "round trip"),
        (WrongLogDet, "forward log-det: against autodiff"),
        (WrongBoth, "round trip"),
        (WrongInverseLogDet, "inverse log-det: against autodiff"),
        (Unused, "gradient: `Variable:0` gets no gradient"),
        (ConvertedInTheConstructor, r"gets no gradient\. A likely cause: the constructor conv"),
        (Float32Only, "dtype"),
        (Float32LogDet, "log-det dtype"),
        (OtherInFloat32, "float32: against float64"),
        (OtherInGraphs, "graph"),
        (OtherForUnknownShapes, "unknown shapes"),
        (OtherUnderVectorizedMap, "vectorized map"),
        (StoppedInverse, "inverse derivatives: the gradient in `Variable:0`"),
        (InverseOfTooLargeAGradient, "inverse derivatives: the gradient in point 0"),
        (HalfOfTheLogDetsGradient, "forward derivatives: the gradient in `Variable:0`"),
        (LogDetWithGradientInPoints, "forward derivatives: the gradient in point 0"),
        (WrongSecondDerivative, "second forward derivatives"),
        (WrongSecondDerivativeOfTheInverse, "second inverse derivatives"),
        (LogDetOfABatchForOnePoint, "log-det shape"),
        (ReversedBatch, "batch rank 2"),
        (OtherForOneEvent, "batch rank 0"),
        (Mixing, "forward_min_event_ndims"),
        (LogDetOfAWholeVector, "event_ndims"),
        (SaysDecreasing, "is_increasing"),
        (SaysNothing, "is_increasing"),
        (WrongEventShape, "event shape"),
        (WrongInverseEventShape, "event shape"),
        (WrongCache, "cache"),
        (SharedCache, "cache"),
        (FirstParameterOfTheBatch, "parameter batch"),
        (NoBatchOfParameters, "parameter batch"),
        (WrongSlice, "slice"),
        (WrongCopy, "copy"),
    ],
)
def test_wrong_ones_fail(bijector, check):
    with pytest.raises(ConformanceError, match=check):
        check_bijector(make(bijector), POINTS, check_xla=False)


def test_parameters_that_are_constants_have_gradients_too():
    def made(dtype):
        return StoppedInverse(tf.constant([0.2, -0.3, 0.5], dtype))

    with pytest.raises(ConformanceError, match="inverse derivatives: the gradient in `log_scale`"):
        check_bijector(made, POINTS, check_xla=False)


def test_tfps_own_cache_would_have_hidden_the_wrong_inverse():
    bijector, x = make(WrongInverse)(tf.float64), tf.constant(POINTS)
    np.testing.assert_array_equal(bijector.inverse(bijector.forward(x)), x)
