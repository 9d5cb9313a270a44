"""Batches of parameters against one set of parameters at a time."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Bijector, Distribution
from tfp_ebm.testing.conformance import (
    ConformanceError,
    assert_close,
    fresh,
    require,
)
from tfp_ebm.testing.log_determinants import forward_log_det, inverse_log_det

__all__ = [
    "changed_copy",
    "check_bijector_batches",
    "check_distribution_batches",
    "constant_parameters",
]

_CHECK = "parameter batch"
_NUM_SAMPLES = 1000
_STANDARD_ERRORS = 5.0


def constant_parameters(instance: Any) -> dict[str, tf.Tensor]:
    """Returns the float parameters that hold no variable, by name."""
    constants = {}
    for name in _parameter_ranks(instance):
        value = instance.parameters[name]
        if isinstance(value, tf.Module | tf.Variable | list | tuple):
            continue
        value = tf.convert_to_tensor(value, dtype_hint=instance.dtype)
        if value.dtype.is_floating:
            constants[name] = value
    return constants


def changed_copy(instance: Any) -> Any:
    """Returns a copy with all tensor parameters changed a little, or None if there are none."""
    names = _parameter_ranks(instance)
    return _copy(instance, {name: _changed(instance, name) for name in names}) if names else None


def check_bijector_batches(bijector: Bijector, x: tf.Tensor, tolerance: float) -> None:
    """Raises unless every subset of the tensor parameters may carry a batch.

    Args:
      bijector: a bijector whose parameters have no batch beyond the event.
      x: `[N, *event_shape]`, points of its domain.
      tolerance: relative error allowed.

    Raises:
      ConformanceError: naming the parameters.
    """
    ndims = x.shape.rank - 1
    least = bijector.forward_min_event_ndims
    ranks = _parameter_ranks(bijector)

    def values(one, points):
        y = one.forward(points)
        image = tf.nest.map_structure(lambda part: part + 0, y)
        forward = forward_log_det(one, points + 0, ndims)
        return y, forward, one.inverse(image), inverse_log_det(one, image, ndims)

    for names in _subsets(list(ranks)):
        other = bijector.copy(**{name: _changed(bijector, name) for name in names})
        # The batch goes to the left of all axes of the event, whatever the rank of a parameter.
        stacks = {name: _pair(bijector, name, ranks[name] + ndims - least) for name in names}
        batched = _copy(bijector, stacks)
        actual = values(batched, tf.stack([x, x], axis=1))
        pairs = zip(*(tf.nest.flatten(values(one, x)) for one in (bijector, other)), strict=True)
        expected = [tf.stack(pair, axis=1) for pair in pairs]
        assert_close(tf.nest.flatten(actual), expected, tolerance, _CHECK, f"{names} batched")
        shape = batched.experimental_batch_shape(
            x_event_ndims=tf.nest.map_structure(lambda _: ndims, least)
        )
        require(shape == [2], _CHECK, f"batch shape {shape} with {names} batched, expected (2,).")
        for index, one in enumerate((bijector, other)):
            sliced = batched[index].forward(fresh(x))
            assert_close(
                sliced, one.forward(x), tolerance, "slice", f"[{index}] of {names} batched"
            )


def check_distribution_batches(
    distribution: Distribution, points: tf.Tensor, tolerance: float
) -> None:
    """Raises unless every subset of the tensor parameters may carry a batch, and slices fit.

    Args:
      distribution: a distribution without batch shape.
      points: `[N, *event_shape]`, points of its support.
      tolerance: relative error allowed.

    Raises:
      ConformanceError: naming the parameters.
    """
    ranks = _parameter_ranks(distribution)
    for names in _subsets(list(ranks)):
        other = distribution.copy(**{name: _changed(distribution, name) for name in names})
        batched = _copy(distribution, {n: _pair(distribution, n, ranks[n]) for n in names})
        members, what = [distribution, other], f"with {names} batched"
        _check_shapes(batched, [2], distribution.event_shape, what)
        _check_values(batched, members, points, tolerance, what)
        _check_samples(batched, members, what)
        if len(names) == len(ranks):
            _check_slices(batched, members, points, tolerance)
    if len(ranks) > 1:
        _check_outer_batch(distribution, ranks, points, tolerance)


def _parameter_ranks(instance):
    """Returns the rank of one event of every tensor parameter."""
    ranks = {}
    for name, properties in instance.parameter_properties(dtype=instance.dtype).items():
        value = instance.parameters.get(name)
        nested = isinstance(value, tfp.distributions.Distribution | tfp.bijectors.Bijector)
        if value is None or nested or properties.event_ndims is None:
            continue
        rank = properties.event_ndims
        rank = properties.instance_event_ndims(instance) if callable(rank) else rank
        if rank is not None:
            ranks[name] = rank
    return ranks


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yields all subsets but the empty one; of many names only single ones and complements."""
    for size in range(1, len(names) + 1):
        if len(names) <= 3 or size in (1, len(names) - 1, len(names)):
            yield from itertools.combinations(names, size)


def _tensors(instance, name):
    """Returns a parameter as a list: some are lists of tensors themselves."""
    value = instance.parameters[name]
    values = value if isinstance(value, list | tuple) else [value]
    return [tf.convert_to_tensor(part, dtype_hint=instance.dtype) for part in values]


def _as_given(instance, name, tensors):
    return tensors if isinstance(instance.parameters[name], list | tuple) else tensors[0]


def _changed(instance, name, seed=0):
    """Returns another valid value: floats by a factor near 1, integers in reverse order."""
    changed = []
    for value in _tensors(instance, name):
        if value.dtype.is_floating:
            noise = tf.random.stateless_normal(value.shape, (seed, len(name)), dtype=value.dtype)
            changed.append(value * tf.exp(0.1 * noise))
        else:
            changed.append(tf.reverse(value, [-1]) if value.shape.rank else value)
    return _as_given(instance, name, changed)


def _stack(instance, name, ranks, members, batch):
    """Returns the values of members as one, of shape `[*batch, 1, ..., *shape]`."""
    ranks = ranks if isinstance(ranks, list | tuple) else [ranks] * len(_tensors(instance, name))
    stacks = []
    for *parts, rank in zip(*map(tf.nest.flatten, members), ranks, strict=True):
        shape = parts[0].shape
        axes = [*batch, *[1] * (rank - shape.rank), *shape]
        stacks.append(tf.reshape(tf.stack(parts), axes))
    return _as_given(instance, name, stacks)


def _pair(instance, name, ranks):
    """Returns a batch of the value and the changed one."""
    members = [_as_given(instance, name, _tensors(instance, name)), _changed(instance, name)]
    return _stack(instance, name, ranks, members, [2])


def _copy(instance, overrides):
    try:
        return instance.copy(**overrides)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise ConformanceError(f"{_CHECK}: with {tuple(overrides)} changed: {error}") from error


def _check_shapes(batched, batch, event, what):
    found = {
        "batch_shape": list(batched.batch_shape),
        "batch_shape_tensor()": list(map(int, batched.batch_shape_tensor())),
        "event_shape": list(batched.event_shape),
        "event_shape_tensor()": list(map(int, batched.event_shape_tensor())),
    }
    for name, shape in found.items():
        expected = list(event) if "event" in name else batch
        require(shape == expected, _CHECK, f"{name} is {shape} {what}, expected {expected}.")


def _check_values(batched, members, points, tolerance, what):
    columns = [member.log_prob(points) for member in members]
    actual = batched.log_prob(points[:, tf.newaxis])
    assert_close(actual, tf.stack(columns, axis=1), tolerance, _CHECK, f"log_prob {what}")
    one = batched.log_prob(points[0])
    expected = tf.stack([column[0] for column in columns])
    assert_close(one, expected, tolerance, _CHECK, f"log_prob of one event {what}")
    pair = batched.log_prob(points[: len(members)])
    expected = tf.stack([column[index] for index, column in enumerate(columns)])
    assert_close(pair, expected, tolerance, _CHECK, f"log_prob of one event a member {what}")
    if hasattr(batched, "log_partition"):
        actual = batched.log_partition()
        expected = tf.stack([member.log_partition() for member in members])
        assert_close(actual, expected, tolerance, _CHECK, f"log_partition {what}")


def _check_samples(batched, members, what):
    drawn = batched.sample(_NUM_SAMPLES, seed=(0, 3)).numpy().astype(np.float64)
    shape = (_NUM_SAMPLES, *batched.batch_shape, *batched.event_shape)
    require(drawn.shape == shape, _CHECK, f"samples of shape {drawn.shape}, expected {shape}.")
    drawn = drawn.reshape(_NUM_SAMPLES, len(members), -1)
    for index, member in enumerate(members):
        alone = member.sample(_NUM_SAMPLES, seed=(0, 4 + index)).numpy().astype(np.float64)
        alone = alone.reshape(_NUM_SAMPLES, -1)
        for transform in (lambda v: v, np.square):
            one, other = transform(drawn[:, index]), transform(alone)
            error = np.sqrt((one.var(0) + other.var(0)) / _NUM_SAMPLES) + 1e-9
            deviation = np.max(np.abs(one.mean(0) - other.mean(0)) / error)
            message = f"samples of member {index} {what} are {deviation:.1f} standard errors off."
            require(deviation < _STANDARD_ERRORS, _CHECK, message)
    centred = (drawn - drawn.mean(0)) / (drawn.std(0) + 1e-9)
    correlation = np.max(np.abs(np.mean(centred[:, 0] * centred[:, 1], axis=0)))
    limit = _STANDARD_ERRORS / math.sqrt(_NUM_SAMPLES)
    message = f"samples of two members {what} correlate by {correlation:.2f}."
    require(correlation < limit, _CHECK, message)


def _check_slices(batched, members, points, tolerance):
    values = batched.log_prob(points[:, tf.newaxis])
    for name, sliced, expected in (
        ("0", batched[0], values[:, 0]),
        ("-1", batched[-1], values[:, -1]),
        ("1:", batched[1:], values[:, 1:]),
        ("..., 0", batched[..., 0], values[:, 0]),
        ("newaxis", batched[tf.newaxis], values[:, tf.newaxis]),
        (":, newaxis", batched[:, tf.newaxis], values[:, :, tf.newaxis]),
    ):
        shape = list(expected.shape[1:])
        _check_shapes(sliced, shape, batched.event_shape, f"of slice [{name}]")
        value = points[(slice(None), *[tf.newaxis] * len(shape))]
        assert_close(sliced.log_prob(value), expected, tolerance, "slice", f"log_prob of [{name}]")


def _check_outer_batch(distribution, ranks, points, tolerance):
    """Parameters of batch shape [3, 1] and others of [2] must make a batch of [3, 2]."""
    names = list(ranks)
    rows, columns = names[::2], names[1::2]
    choices = {name: [_changed(distribution, name, seed=s) for s in range(3)] for name in names}

    overrides = {}
    for name in names:
        count, batch = (3, [3, 1]) if name in rows else (2, [2])
        overrides[name] = _stack(distribution, name, ranks[name], choices[name][:count], batch)
    batched = _copy(distribution, overrides)
    what = f"with {rows} of batch shape (3, 1) and {columns} of (2,)"
    _check_shapes(batched, [3, 2], distribution.event_shape, what)
    members = [
        distribution.copy(
            **{name: choices[name][i] for name in rows},
            **{name: choices[name][j] for name in columns},
        )
        for i, j in itertools.product(range(3), range(2))
    ]
    expected = tf.stack([member.log_prob(points) for member in members], axis=1)
    expected = tf.reshape(expected, [-1, 3, 2])
    actual = batched.log_prob(points[:, tf.newaxis, tf.newaxis])
    assert_close(actual, expected, tolerance, _CHECK, f"log_prob {what}")
