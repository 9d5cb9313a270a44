"""The numbers and words that a model was made with and that are no variables."""

import numbers
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["constants", "differing"]

# What says nothing of the values of a model.
_IGNORED = {"name", "validate_args", "allow_nan_stats", "seed", "dtype"}
_MAX_SIZE = 4096


def constants(model: tf.Module) -> dict[str, Any]:
    """Returns the constants of all distributions and bijectors in a model, by the name of each.

    >>> import tensorflow_probability as tfp
    >>> constants(tfp.bijectors.Scale(2.0))
    {'Scale.scale': 2.0}

    Args:
      model: the model.

    Returns:
      JSON-able values; of several parts of a class the second is `Scale[1].scale`.
    """
    found, counts = {}, {}
    for part in (model, *model.submodules):
        parameters = getattr(part, "parameters", None)
        if not isinstance(parameters, dict):
            continue
        kind = type(part).__name__.lstrip("_")
        index = counts[kind] = counts.get(kind, -1) + 1
        prefix = f"{kind}[{index}]" if index else kind
        for name, value in parameters.items():
            if name not in _IGNORED and (plain := _plain(value)) is not None:
                found[f"{prefix}.{name}"] = plain
    return found


def _plain(value):
    """Returns a value as JSON, or None if it is a variable, an object, or large."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Number):
        return float(value)
    if isinstance(value, tf.Tensor) and hasattr(value, "numpy"):  # No variable, nor made of one.
        value = value.numpy()
    elif isinstance(value, np.ndarray | tuple | list) and _is_numeric(value):
        try:
            value = np.asarray(value)
        except ValueError:  # Rows of several lengths, such as colors of spins.
            return list(map(_plain, value))
    else:
        return None
    if value.dtype.kind not in "biuf" or value.size > _MAX_SIZE:
        return None
    return value.astype(np.float64).tolist()


def _is_numeric(value):
    flat = value if isinstance(value, np.ndarray) else tf.nest.flatten(list(value))
    return isinstance(value, np.ndarray) or all(isinstance(x, numbers.Number) for x in flat)


def differing(saved: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Returns in words the constants that both have with different values."""
    return [
        f"{name} ({_short(saved[name])} there, {_short(value)} here)"
        for name, value in own.items()
        if name in saved and not _is_same(saved[name], value)
    ]


def _is_same(one, other):
    if isinstance(one, str | bool) or isinstance(other, str | bool):
        return one == other
    try:
        return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
    except ValueError:
        return one == other


def _short(value):
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "..."
