"""Checks of machines, of the states of their chains, and of what moves them."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedBase, AnnealedMachine
from tfp_ebm.internal.types import TensorLike

__all__ = [
    "as_tensor",
    "check_base",
    "check_machine",
    "floating",
    "inverse_temperature",
    "num_sweeps",
    "points",
    "states",
]

_STATE_SHAPES = {}


def check_machine(machine: Any) -> tf.DType:
    """Returns the dtype of a machine, or raises if it is none."""
    if not hasattr(machine, "sweep"):
        hint = "; pass what its `machine()` returns" if hasattr(machine, "machine") else ""
        raise TypeError(
            "`machine` must be a machine, as `machine()` of a distribution returns it, got "
            f"{type(machine).__name__}{hint}."
        )
    parts = map(tf.convert_to_tensor, tf.nest.flatten(machine))
    return next(part.dtype for part in parts if part.dtype.is_floating)


def check_base(base: AnnealedBase) -> None:
    """Raises if a distribution has no machine whose log Z could be estimated."""
    if not hasattr(base, "machine") or not hasattr(base, "log_partition_offset"):
        raise TypeError(
            "`base` must be an energy-based distribution with a machine, such as `SmoothedRBM`, "
            f"got {type(base).__name__}."
        )


def points(value: TensorLike, base: AnnealedBase) -> tf.Tensor:
    """Returns events of a distribution, `[..., *event_shape]`, as a tensor, or raises."""
    check_base(base)
    value = as_tensor("value", value, base.dtype)
    rank = base.event_shape.rank
    if value.shape.rank is not None and (
        value.shape.rank < rank
        or not value.shape[value.shape.rank - rank :].is_compatible_with(base.event_shape)
    ):
        raise ValueError(
            f"`value` must have shape [..., {', '.join(map(str, base.event_shape))}], events of "
            f"`{base.name}`, got shape {value.shape}."
        )
    return value


def as_tensor(name: str, value: TensorLike, dtype: tf.DType) -> tf.Tensor:
    """Returns a tensor of the dtype: arrays and lists are cast, other tensors refused."""
    if isinstance(getattr(value, "dtype", None), tf.DType):
        if value.dtype != dtype:
            raise ValueError(
                f"`{name}` must have dtype {dtype.name}, got {value.dtype.name}; cast it by "
                f"`tf.cast({name}, tf.{dtype.name})`."
            )
        return tf.convert_to_tensor(value)
    return tf.constant(_array(name, value).astype(dtype.as_numpy_dtype))


def floating(name: str, value: TensorLike) -> tf.Tensor:
    """Returns a tensor of floating numbers; arrays and lists of integers become float32."""
    if not isinstance(getattr(value, "dtype", None), tf.DType):
        array = _array(name, value)
        keeps_dtype = isinstance(value, np.ndarray) and array.dtype.kind == "f"
        value = tf.constant(array if keeps_dtype else array.astype(np.float32))
    value = tf.convert_to_tensor(value)
    if not value.dtype.is_floating:
        raise ValueError(
            f"`{name}` must be floating numbers, got {value.dtype.name}; cast it by "
            f"`tf.cast({name}, tf.float32)`."
        )
    return value


def _array(name, value):
    try:
        array = np.asarray(value)
    except ValueError:  # NumPy says only that a list is ragged.
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` must be a tensor, an array or a list of numbers, got {type(value).__name__}."
        )
    return array


def states(name: str, value: TensorLike, machine: AnnealedMachine) -> tf.Tensor:
    """Returns states of chains as a tensor that fits the machine, or raises.

    Args:
      name: name of the argument.
      value: `[num_chains, *B, n]`, an array or a list too.
      machine: the machine that moves them.

    Raises:
      TypeError: if the machine is none.
      ValueError: if the dtype or shape does not fit.
    """
    value = as_tensor(name, value, check_machine(machine))
    expected = _state_shape(machine)
    fits = value.shape.rank is None or value.shape.rank > 1
    if fits and value.shape.rank is not None:
        fits = value.shape[-1] in (None, expected[-1])
        try:
            leading = tf.broadcast_static_shape(value.shape[:-1], expected[:-1])
            fits = fits and value.shape[:-1].is_compatible_with(leading)
        except ValueError:
            fits = False
    if not fits:
        raise ValueError(
            f"`{name}` must have shape {['num_chains', *expected]}, states of this machine's "
            f"chains, got shape {value.shape}."
        )
    return value


def _state_shape(machine):
    """Returns the shape of a chain's state, `[*B, n]`; drawn once for machines of one shape."""
    parts = map(tf.convert_to_tensor, tf.nest.flatten(machine))
    key = (type(machine), *[part.shape for part in parts])
    if key not in _STATE_SHAPES:
        _STATE_SHAPES[key] = machine.sample_reference(1, (0, 0)).shape[1:]
    return _STATE_SHAPES[key]


def num_sweeps(value: TensorLike) -> tf.Tensor:
    """Returns a number of sweeps, 0 or more, as int32, or raises."""
    if tf.is_tensor(value) or isinstance(value, tf.Variable):
        if not value.dtype.is_integer or value.shape.rank not in (None, 0):
            raise ValueError(
                f"`num_steps` must be an integer, got {value.dtype.name} of shape {value.shape}."
            )
        return tf.cast(value, tf.int32)
    return tf.constant(checks.positive_integer("num_steps", value, minimum=0), tf.int32)


def inverse_temperature(value: TensorLike, dtype: tf.DType) -> TensorLike:
    """Returns an inverse temperature, or one for each chain, that broadcasts with states."""
    if isinstance(value, float):  # A Python number is folded into compiled loops.
        return value
    beta = as_tensor("inverse_temperature", value, dtype)
    if beta.shape.rank and beta.shape[-1] not in (None, 1):
        raise ValueError(
            "`inverse_temperature` must be a scalar, or one for each chain with a last axis of 1, "
            f"as [num_chains, 1], got shape {beta.shape}."
        )
    return beta
