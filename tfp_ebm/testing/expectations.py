"""Normalisation, samples and closed forms against sums, quadrature or samples."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Distribution, TensorLike
from tfp_ebm.testing.conformance import require

__all__ = ["Expectation", "check_closed_forms", "check_samples"]

_STANDARD_ERRORS = 5.0
_QUADRATURE_ERROR = 1e-6
_POINTS_PER_AXIS = {1: 4001, 2: 241}


class Expectation:
    """Means under a distribution: over its support, by quadrature, or over samples."""

    def __init__(self, points: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Keeps points `[N, *event_shape]` and their probabilities; None for samples."""
        self.points = points
        self.weights = weights

    @classmethod
    def over(
        cls,
        distribution: Distribution,
        sample: tf.Tensor,
        support: TensorLike,
        interval: tuple[float, float] | None,
    ) -> "Expectation":
        """Returns sums over a support, quadrature over an interval, or means of samples.

        Raises:
          ConformanceError: if probabilities do not add up to 1.
        """
        if support is None and interval is None:
            return cls(np.asarray(sample))
        event_shape = list(distribution.event_shape)
        cell = 1.0
        if support is not None:
            points = np.asarray(support)
        else:
            size = math.prod(event_shape)
            require(size in _POINTS_PER_AXIS, "total", f"quadrature over {size} dimensions.")
            axis = np.linspace(*interval, _POINTS_PER_AXIS[size])
            points = np.stack(np.meshgrid(*[axis] * size), axis=-1).reshape(-1, *event_shape)
            cell = (axis[1] - axis[0]) ** size
        log_prob = distribution.log_prob(tf.constant(points, distribution.dtype))
        weights = cell * np.exp(np.asarray(log_prob, np.float64))
        total, allowed = weights.sum(), _QUADRATURE_ERROR
        require(abs(total - 1) < allowed, "total", f"probabilities add up to {total:.8f}.")
        return cls(points.astype(np.float64), weights)

    def of(self, values: TensorLike) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean of values at the points, and how far it may be off."""
        values = np.asarray(values, np.float64)
        if self.weights is not None:
            mean = np.tensordot(self.weights, values, axes=1)
            return mean, _QUADRATURE_ERROR * (1 + np.abs(mean))
        error = values.std(axis=0) / math.sqrt(len(values)) + 1e-9
        return values.mean(axis=0), _STANDARD_ERRORS * error


def check_samples(expectation: Expectation, sample: tf.Tensor) -> None:
    """Raises unless samples have the mean and the second moments of the distribution.

    Args:
      expectation: over a support or by quadrature; from samples nothing is learned.
      sample: `[N, *event_shape]`.

    Raises:
      ConformanceError: naming the moment.
    """
    if expectation.weights is None:
        return
    drawn = Expectation(np.asarray(sample, np.float64))
    for name, transform in {
        "mean": lambda points: points,
        "second moment": lambda points: _products(points.reshape(len(points), -1)),
    }.items():
        expected, _ = expectation.of(transform(expectation.points))
        mean, allowed = drawn.of(transform(drawn.points))
        deviation = np.max(np.abs(mean - expected) / allowed) * _STANDARD_ERRORS
        message = f"the {name} of samples is {deviation:.1f} standard errors off."
        require(deviation < _STANDARD_ERRORS, "sample moments", message)


def check_closed_forms(
    distribution: Distribution,
    other: Distribution | None,
    expectation: Expectation,
) -> None:
    """Raises unless the mean, variance, entropy and others are right where they are implemented.

    Args:
      distribution: without batch shape.
      other: another of the same kind, for the Kullback-Leibler divergence, or None.
      expectation: over the distribution.

    Raises:
      ConformanceError: naming the closed form.
    """
    points = expectation.points
    centred = points - expectation.of(points)[0]
    values = {
        "mean": lambda: points,
        "variance": lambda: centred**2,
        "covariance": lambda: _products(centred),
        "entropy": lambda: -np.asarray(_log_prob(distribution, points)),
    }
    for name, value in values.items():
        _check_one(name, getattr(distribution, name), value, expectation)
    _check_one("stddev", lambda: distribution.stddev() ** 2, values["variance"], expectation)
    if other is not None:
        _check_one(
            "KL divergence",
            lambda: tfp.distributions.kl_divergence(distribution, other),
            lambda: np.subtract(*(_log_prob(one, points) for one in (distribution, other))),
            expectation,
        )
    mode = _implemented(distribution.mode)
    if mode is not None:
        highest = np.max(_log_prob(distribution, points))
        is_highest = float(distribution.log_prob(mode)) > highest - 1e-4
        require(is_highest, "mode", "another point has a higher density than the mode.")


def _log_prob(distribution, points):
    return distribution.log_prob(tf.constant(points, distribution.dtype))


def _products(points):
    return points[..., :, np.newaxis] * points[..., np.newaxis, :]


def _implemented(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except NotImplementedError:
        return None


def _check_one(name, closed_form, value, expectation):
    actual = _implemented(closed_form)
    if actual is None:
        return
    expected, allowed = expectation.of(value())
    shape = tuple(actual.shape)
    require(shape == expected.shape, name, f"it has shape {shape}, expected {expected.shape}.")
    error = np.max(np.abs(np.asarray(actual, np.float64) - expected) / allowed)
    message = f"it is {np.asarray(actual)}, expected {expected} up to {allowed}."
    require(error <= 1, name, message)
