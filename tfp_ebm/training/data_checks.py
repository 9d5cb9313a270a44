"""Whether arrays can be events of a model, and what to do if not."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.datasets.memory import blocks
from tfp_ebm.distributions import IndependentSpins, RestrictedBoltzmannMachine
from tfp_ebm.internal.types import Distribution, Shape
from tfp_ebm.models.parts import has_columns, num_levels

__all__ = ["check_batched", "check_shape", "check_values"]

# Fewer entries may all be 0 or 1 by chance.
_MIN_BINARY = 64
_MAX_NAMED = 20


def check_batched(model: Distribution, name: str, shape: Shape) -> None:
    """Raises if an element of a data set is no batch of events, as far as its shape is known."""
    shape = tf.TensorShape(shape)
    if shape.rank == model.event_shape.rank and shape.is_compatible_with(model.event_shape):
        raise ValueError(
            f"`{name}` must yield batches [N, ...] of events, got single events of shape {shape}; "
            "make batches by `.batch(batch_size)`."
        )
    if shape.rank is not None:
        check_shape(model, name, shape)


def check_shape(model: Distribution, name: str, shape: Shape, columns: Sequence[str] = ()) -> None:
    """Raises if a shape is not `[N, *event_shape]`.

    Args:
      model: the distribution.
      name: name of the argument, for messages.
      shape: the shape of an array or of a batch.
      columns: names of the columns, if it is a table.

    Raises:
      ValueError: naming the shapes, the columns and the fix.
    """
    shape, event = tf.TensorShape(shape), model.event_shape.as_list()
    if tf.TensorShape([None, *event]).is_compatible_with(shape):
        return
    expected = ", ".join(["N", *map(str, event)])
    got = str(tuple(shape.as_list()))
    if columns:
        got = f"{len(columns)} columns, {', '.join(columns[:_MAX_NAMED])}"
    raise ValueError(
        f"`{name}` must have shape [{expected}] like the events of the model, got "
        f"{got}{_shape_hint(event, shape.as_list())}."
    )


def _shape_hint(event, shape):
    if shape == event:
        return "; a single event becomes a batch by `x[np.newaxis]`"
    if event and event[-1] == 1 and shape[1:] == event[:-1]:
        return "; add the last axis by `x[..., np.newaxis]`"
    if len(shape) == 2 and len(event) == 1 and None not in shape and shape[1] > event[0]:
        return f"; select the {event[0]} of the {shape[1]} that the model is about"
    if np.prod(shape[1:], dtype=object) == np.prod(event, dtype=object) and None not in shape[1:]:
        return f"; put entries in place by `x.reshape([{', '.join(map(str, [-1, *event]))}])`"
    return ""


def check_values(
    model: Distribution,
    name: str,
    data: np.ndarray,
    columns: Sequence[str] = (),
    of_data_set: bool = False,
) -> None:
    """Raises if an array holds values that the model cannot have.

    Args:
      model: the distribution.
      name: name of the argument, for messages.
      data: the array.
      columns: names of the columns, if it is a table.
      of_data_set: whether the array is a batch of a data set, whose floating-point dtype all
        batches share, so that it is no place for levels.

    Raises:
      ValueError: naming the values and the fix.
    """
    if data.dtype.kind == "f" and not all(np.isfinite(rows).all() for _, rows in blocks(data)):
        raise ValueError(_not_finite(name, data, columns))
    if num_levels(model) is not None:
        _check_levels(model, name, data, of_data_set)
    elif data.dtype.kind != "f" and not has_columns(model) and _is_density(model):
        raise ValueError(
            f"`{name}` must hold real numbers, since the model is a density, got {data.dtype}; for "
            "levels wrap the model: `Dequantized(model, num_levels)`; for measurements that happen "
            "to be whole, convert: `x.astype('float32')`."
        )
    elif isinstance(model, RestrictedBoltzmannMachine | IndependentSpins):
        _check_units(name, data, 0 if model.parameters.get("binary") else -1)


def _check_units(name, data, low):
    if np.all((data == low) | (data == 1)):
        return
    fix = "spins become bits by `(1 + x) / 2`" if low == 0 else "bits become spins by `2 * x - 1`"
    raise ValueError(
        f"`{name}` must hold {low} and 1, got values from {data.min()} to {data.max()}; {fix}."
    )


def _not_finite(name, data, columns):
    rows = ~np.isfinite(data).reshape(len(data), -1)
    bad = np.flatnonzero(rows.any(axis=1))
    where = f"{len(bad)} of {len(data)} rows, the first of them row {bad[0]}"
    if columns:
        where += f", in the columns {', '.join(np.asarray(columns)[rows.any(axis=0)])}"
    return f"`{name}` must be finite, got NaN or infinite values in {where}; drop or fill them."


def _is_density(model):
    """Whether events are real numbers: those of discrete distributions have no event space."""
    if not model.dtype.is_floating:
        return False
    try:
        return model.experimental_default_event_space_bijector() is not None
    except (NotImplementedError, TypeError):
        return True


def _check_levels(model, name, data, of_data_set):
    highest, low, high = model.num_levels - 1, data.min(), data.max()
    whole = data.dtype.kind != "f" or not np.any(data % 1)
    if low < 0 or high > highest or not whole:
        raise ValueError(
            f"`{name}` must hold integers from 0 to {highest}, got "
            f"{f'a data set of {data.dtype} with ' if of_data_set else ''}values from {low} to "
            f"{high}{'' if of_data_set else f' of type {data.dtype}'}; "
            f"{_level_fix(low, high, highest, whole)}."
        )
    if of_data_set and data.dtype.kind == "f":
        raise ValueError(
            f"`{name}` must hold integers from 0 to {highest}, got a data set of {data.dtype}; "
            "cast the images: `.map(lambda x: tf.cast(tf.round(x), tf.uint8))`."
        )
    if highest > 1 and high == 1 and data.size >= _MIN_BINARY:
        raise ValueError(
            f"`{name}` must hold integers from 0 to {highest}, got nothing but 0 and 1: make the "
            f"model with `num_levels=2`, or give the images before they were scaled to [0, 1]."
        )


def _level_fix(low, high, highest, whole):
    if not whole and low >= 0 and high <= 1:
        return f"scaled data become levels by `np.round(x * {highest}).astype(np.uint8)`"
    if not whole and low >= 0 and high <= highest:
        return "round them to levels: `np.round(x).astype(np.uint8)`"
    if whole and low >= 0:
        return f"make the model with `num_levels={int(high) + 1}` or more, or rescale the data"
    return "rescale the data to levels, or change `num_levels`"
