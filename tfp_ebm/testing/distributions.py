"""The conformance checks of distributions."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Distribution, TensorLike
from tfp_ebm.testing import conformance
from tfp_ebm.testing.causes import LITERAL, STATEFUL
from tfp_ebm.testing.conformance import TOLERANCE, assert_close, require, strictest
from tfp_ebm.testing.derivatives import check_derivatives
from tfp_ebm.testing.expectations import Expectation, check_closed_forms, check_samples
from tfp_ebm.testing.modes import check_graphs, check_vectorized_map
from tfp_ebm.testing.parameter_batches import (
    changed_copy,
    check_distribution_batches,
    constant_parameters,
)

__all__ = ["check_distribution"]

tfd = tfp.distributions


def check_distribution(
    make_distribution: Callable[[tf.DType], Distribution],
    *,
    support: TensorLike | None = None,
    interval: tuple[float, float] | None = None,
    oracle: Callable[[Any, np.ndarray], np.ndarray] | None = None,
    outside: TensorLike | None = None,
    num_samples: int = 20_000,
    dtypes: Sequence[tf.DType] = (tf.float32, tf.float64),
    check_finite_differences: bool = True,
    check_batches: bool = True,
    check_xla: bool = True,
) -> None:
    """Checks that a distribution does what TensorFlow Probability and its users expect.

    In float64, for a distribution without batch shape, after noise is added to its trainable
    variables:

    * shapes and dtypes of samples and log-probabilities;
    * probabilities sum or integrate to 1, and the first two moments of samples are theirs;
    * mean, variance, covariance, entropy, mode and Kullback-Leibler divergence, where implemented;
    * log-probabilities against an oracle of your own, and `unnormalized_log_prob` less
      `log_partition` where there are such;
    * a pair of integers as seed repeats a sample, and another one changes it;
    * the same log-probabilities in eager, graph and XLA mode and under `tf.vectorized_map`;
    * every trainable variable gets a finite gradient that is not 0; first and second derivatives
      in variables, tensor parameters and points against differences; first ones of samples that
      are said to be reparameterised;
    * every subset of the tensor parameters batched, of one and of two batch shapes, in
      log-probabilities and samples, and slices, against one at a time;
    * `copy`, composite tensors, a checkpoint into a fresh object,
      `experimental_sample_and_log_prob`;
    * values outside the support raise under `validate_args`.

    In the other dtypes: shapes, gradients, and the log-probabilities of float64.

    >>> import tensorflow_probability as tfp
    >>> def make(dtype):
    ...     return tfp.distributions.MultivariateNormalDiag(tf.zeros([1], dtype))
    >>> check_distribution(make, interval=(-9.0, 9.0))

    Args:
      make_distribution: returns a fresh distribution for a dtype, with the same constants in each.
      support: `[K, *event_shape]`, every point of a discrete support, to sum over.
      interval: ends of a range that holds almost all of a density of one or two dimensions.
      oracle: `oracle(distribution, points)` returns log-probabilities in NumPy.
      outside: a value outside the support, which must raise if `validate_args` is on.
      num_samples: number of samples for the moments.
      dtypes: the dtypes to check.
      check_finite_differences: False only where the gradient is not that of the value, as with
        persistent chains.
      check_batches: False only where a batch of parameters is refused with an error.
      check_xla: False only where an operation has no XLA kernel.

    Raises:
      ConformanceError: naming the check that failed, and by how much.
    """
    first = strictest(dtypes)
    distribution, allowed = make_distribution(first), TOLERANCE[first]
    conformance.randomize(distribution)
    sample = distribution.sample(num_samples, seed=(0, 1))
    points = sample[:5]
    _check_shapes(distribution, sample, first)
    _check_seeds(distribution)
    _check_log_prob(distribution, points, oracle, allowed)
    expectation = Expectation.over(distribution, sample, support, interval)
    check_samples(expectation, sample)
    check_closed_forms(distribution, changed_copy(distribution), expectation)
    conformance.check_gradients(
        _total(distribution, points), distribution.trainable_variables, "gradient"
    )
    if check_finite_differences:
        _check_derivatives(distribution, points, is_discrete=support is not None)
    _check_copies(lambda: make_distribution(first), distribution, points, allowed)
    if check_batches:
        check_distribution_batches(distribution, points, allowed)
    check_graphs(distribution.log_prob, points, allowed, check_xla)
    check_vectorized_map(distribution.log_prob, points, allowed)
    for dtype in (dtype for dtype in dtypes if dtype != first):
        other = make_distribution(dtype)
        conformance.copy_variables(distribution, other)
        cast = tf.cast(points, dtype)
        _check_shapes(other, other.sample(6, seed=(0, 1)), dtype)
        expected = distribution.log_prob(points)
        against = f"log_prob against {first.name}"
        assert_close(other.log_prob(cast), expected, TOLERANCE[dtype], dtype.name, against)
        conformance.check_gradients(_total(other, cast), other.trainable_variables, "gradient")
    if outside is not None:
        _check_outside(distribution, outside)


def _total(distribution, points):
    return lambda: tf.reduce_sum(distribution.log_prob(points))


def _check_shapes(distribution, sample, dtype):
    event_shape = distribution.event_shape
    same = list(event_shape) == list(map(int, distribution.event_shape_tensor()))
    require(same, "shape", "event_shape and event_shape_tensor() differ.")
    require(distribution.batch_shape == [], "shape", f"batch shape {distribution.batch_shape}.")
    require(
        sample.shape[1:] == event_shape, "shape", f"sample {sample.shape}, event {event_shape}."
    )
    require(
        sample.dtype == distribution.dtype, "dtype", f"{sample.dtype} for {distribution.dtype}."
    )
    for batch in ((), (3,), (2, 3)):
        points = tf.reshape(sample[: math.prod(batch)], [*batch, *event_shape])
        log_prob = distribution.log_prob(points)
        require(log_prob.shape == batch, "shape", f"log_prob {log_prob.shape} for batch {batch}.")
        message = f"log_prob is {log_prob.dtype} for {dtype}. {LITERAL}"
        require(log_prob.dtype == dtype, "dtype", message)
        drawn = distribution.sample(batch, seed=(0, 1))
        expected = (*batch, *event_shape)
        require(drawn.shape == expected, "shape", f"sample({batch}) has shape {drawn.shape}.")


def _check_seeds(distribution):
    one, same, other = (distribution.sample(50, seed=(3, i)).numpy() for i in (4, 4, 5))
    message = f"the same pair gives another sample. {STATEFUL}"
    require(np.array_equal(one, same), "seed", message)
    message = f"another pair gives the same sample. {STATEFUL}"
    require(not np.array_equal(one, other), "seed", message)


def _check_log_prob(distribution, points, oracle, tolerance):
    log_prob = distribution.log_prob(points)
    ones = [distribution.log_prob(point) for point in points]
    assert_close(tf.stack(ones), log_prob, tolerance, "batch", "log_prob of one event")
    from_numpy = distribution.log_prob(points.numpy())
    assert_close(from_numpy, log_prob, tolerance, "NumPy", "log_prob of an array")
    if oracle is not None:
        expected = oracle(distribution, np.asarray(points))
        assert_close(log_prob, expected, tolerance, "oracle", "log_prob")
    if hasattr(distribution, "log_partition"):
        difference = distribution.unnormalized_log_prob(points) - distribution.log_partition()
        message = "unnormalized_log_prob less log_partition against log_prob"
        assert_close(difference, log_prob, tolerance, "log partition", message)
    drawn, drawn_log_prob = distribution.experimental_sample_and_log_prob(3, seed=(0, 2))
    expected = distribution.log_prob(drawn)
    assert_close(drawn_log_prob, expected, tolerance, "sample and log_prob", "joint")


def _check_derivatives(distribution, points, is_discrete):
    variables, constants = distribution.trainable_variables, constant_parameters(distribution)

    def log_prob(*inputs):
        values = dict(zip(constants, inputs[len(inputs) - len(constants) :], strict=True))
        other = distribution.copy(**values) if values else distribution
        return other.log_prob(points if is_discrete else inputs[0])

    inputs = [*([] if is_discrete else [points]), *constants.values()]
    if inputs or variables:
        check_derivatives(log_prob, inputs, variables, "derivatives", names=list(constants))
    if distribution.reparameterization_type == tfd.FULLY_REPARAMETERIZED and variables:
        name = "reparameterization"
        check_derivatives(lambda: distribution.sample(3, seed=(0, 3)), [], variables, name, order=1)


def _check_copies(make_distribution, distribution, points, tolerance):
    expected = distribution.log_prob(points)
    copied = distribution.copy()
    if getattr(copied, "chains", None) is None:  # With chains, a copy estimates its own log Z.
        assert_close(copied.log_prob(points), expected, tolerance, "copy", "log_prob of a copy")
    conformance.check_composite(distribution, lambda d: d.log_prob(points))
    conformance.check_checkpoint(distribution, make_distribution, lambda d: d.log_prob(points))


def _check_outside(distribution, outside):
    strict = distribution.copy(validate_args=True)
    try:
        strict.log_prob(tf.constant(outside, distribution.dtype))
    except (ValueError, tf.errors.InvalidArgumentError):
        return
    require(False, "validate_args", f"log_prob({outside}) raises nothing.")
