"""The conformance checks of distributions."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.testing.conformance import (
    assert_close,
    check_checkpoint,
    check_gradients,
    randomize,
    require,
)

__all__ = ["check_distribution"]

tfd = tfp.distributions

_TOLERANCE = {tf.float32: 1e-4, tf.float64: 1e-9}
_STANDARD_ERRORS = 5.0


def check_distribution(
    make_distribution: Callable[[tf.DType], tfd.Distribution],
    *,
    support: Any = None,
    interval: tuple[float, float] | None = None,
    oracle: Callable[[Any, np.ndarray], np.ndarray] | None = None,
    outside: Any = None,
    num_samples: int = 20_000,
    dtypes: Sequence[tf.DType] = (tf.float32, tf.float64),
    check_finite_differences: bool = True,
    check_xla: bool = True,
) -> None:
    """Checks that a distribution does what TensorFlow Probability and its users expect.

    Run on each dtype, for a distribution without batch shape, after noise is added to its
    trainable variables:

    * shapes and dtypes of samples and log-probabilities;
    * probabilities sum or integrate to 1, and the first two moments of samples are theirs;
    * log-probabilities against an oracle of your own;
    * a pair of integers as seed repeats a sample, and another one changes it;
    * the same log-probabilities in eager, graph and XLA mode;
    * every trainable variable gets a finite gradient that is not 0, equal to finite differences;
    * `copy`, a checkpoint into a fresh object, `experimental_sample_and_log_prob`;
    * values outside the support raise under `validate_args`.

    >>> import tensorflow_probability as tfp
    >>> def make(dtype):
    ...     return tfp.distributions.MultivariateNormalDiag(tf.zeros([1], dtype))
    >>> check_distribution(make, interval=(-9.0, 9.0))

    Args:
      make_distribution: returns a fresh distribution for a dtype.
      support: `[K, *event_shape]`, every point of a discrete support, to sum over.
      interval: ends of a range that holds almost all of a density of one or two dimensions.
      oracle: `oracle(distribution, points)` returns log-probabilities in NumPy.
      outside: a value outside the support, which must raise if `validate_args` is on.
      num_samples: number of samples for the moments.
      dtypes: the dtypes to check.
      check_finite_differences: False only where the gradient is not that of the value, as with
        persistent chains.
      check_xla: False only where an operation has no XLA kernel.

    Raises:
      ConformanceError: naming the check that failed, and by how much.
    """
    for dtype in dtypes:
        distribution = make_distribution(dtype)
        randomize(distribution)
        tolerance = _TOLERANCE[dtype]
        sample = distribution.sample(num_samples, seed=(0, 1))
        _check_shapes(distribution, sample, dtype)
        _check_seeds(distribution)
        points = sample[:7]
        log_prob = distribution.log_prob(points)
        if oracle is not None:
            expected = oracle(distribution, np.asarray(points))
            assert_close(log_prob, expected, tolerance, "oracle", "log_prob")
        if support is not None or interval is not None:
            _check_total(distribution, sample, support, interval)
        _check_modes(distribution, points, log_prob, tolerance, check_xla)
        _check_variables(distribution, points, dtype, check_finite_differences)
        copied = distribution.copy()
        if not hasattr(copied, "chains"):  # A copy of a machine estimates its own log Z.
            assert_close(copied.log_prob(points), log_prob, tolerance, "copy", "log_prob of a copy")
        check_checkpoint(
            distribution,
            functools.partial(make_distribution, dtype),
            lambda restored, points=points: restored.log_prob(points),
        )
        drawn, drawn_log_prob = distribution.experimental_sample_and_log_prob(3, seed=(0, 2))
        assert_close(
            drawn_log_prob, distribution.log_prob(drawn), tolerance, "sample and log_prob", "joint"
        )
    if outside is not None:
        _check_outside(make_distribution(dtypes[0]), outside)


def _check_shapes(distribution, sample, dtype):
    event_shape = distribution.event_shape
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
        require(log_prob.dtype == dtype, "dtype", f"log_prob is {log_prob.dtype} for {dtype}.")
        drawn = distribution.sample(batch, seed=(0, 1))
        expected = (*batch, *event_shape)
        require(drawn.shape == expected, "shape", f"sample({batch}) has shape {drawn.shape}.")


def _check_seeds(distribution):
    one, same, other = (distribution.sample(50, seed=(3, i)).numpy() for i in (4, 4, 5))
    require(np.array_equal(one, same), "seed", "the same pair gives another sample.")
    require(not np.array_equal(one, other), "seed", "another pair gives the same sample.")


def _check_total(distribution, sample, support, interval):
    if support is not None:
        points = np.asarray(support)
        cell = 1.0
    else:
        size = math.prod(distribution.event_shape)
        require(size in (1, 2), "total", f"quadrature takes 1 or 2 dimensions, got {size}.")
        axis = np.linspace(*interval, 4001 if size == 1 else 241)
        points = np.stack(np.meshgrid(*[axis] * size), axis=-1).reshape(-1, size)
        cell = (axis[1] - axis[0]) ** size
    values = tf.constant(points, distribution.dtype)
    weights = cell * np.exp(np.asarray(distribution.log_prob(values), np.float64))
    total = weights.sum()
    require(abs(total - 1) < 1e-3, "total", f"probabilities add up to {total:.6f}.")
    points = points.reshape(len(points), -1).astype(np.float64)
    flat = np.asarray(sample, np.float64).reshape(len(sample), -1)
    for name, transform in (("mean", lambda v: v), ("second moment", np.square)):
        expected = weights @ transform(points) / total
        drawn = transform(flat)
        error = drawn.std(axis=0) / math.sqrt(len(drawn)) + 1e-9
        deviation = np.max(np.abs(drawn.mean(axis=0) - expected) / error)
        require(
            deviation < _STANDARD_ERRORS,
            "sample moments",
            f"the {name} of samples is {deviation:.1f} standard errors off.",
        )


def _check_modes(distribution, points, log_prob, tolerance, check_xla):
    modes = {"graph": {}}
    if check_xla:
        modes["XLA"] = {"jit_compile": True}
    for mode, options in modes.items():
        function = tf.function(distribution.log_prob, autograph=False, **options)
        assert_close(function(points), log_prob, tolerance, mode, "log_prob against eager mode")


def _check_variables(distribution, points, dtype, check_finite_differences):
    variables = distribution.trainable_variables

    def value():
        return tf.reduce_sum(distribution.log_prob(points))

    check_gradients(value, variables, "gradient")
    if not check_finite_differences or dtype != tf.float64:
        return
    with tf.GradientTape() as tape:
        total = value()
    for index, (variable, gradient) in enumerate(
        zip(variables, tape.gradient(total, variables), strict=True)
    ):
        direction = tf.random.stateless_normal(variable.shape, (9, index), dtype=variable.dtype)
        original, step = variable.numpy(), 1e-5
        ends = []
        for sign in (1, -1):
            variable.assign(original + sign * step * direction)
            ends.append(float(value()))
        variable.assign(original)
        expected = (ends[0] - ends[1]) / (2 * step)
        actual = float(tf.reduce_sum(gradient * direction))
        assert_close(actual, expected, 1e-5, "finite differences", f"gradient of `{variable.name}`")


def _check_outside(distribution, outside):
    strict = distribution.copy(validate_args=True)
    try:
        strict.log_prob(tf.constant(outside, distribution.dtype))
    except (ValueError, tf.errors.InvalidArgumentError):
        return
    require(False, "validate_args", f"log_prob({outside}) raises nothing.")
