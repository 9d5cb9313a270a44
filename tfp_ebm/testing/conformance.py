"""What the conformance checks share."""

import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.types import TensorLike
from tfp_ebm.testing.causes import CONVERTED, HIDDEN, NO_COMPONENT, STOPPED, UNSELECTED

__all__ = [
    "TOLERANCE",
    "ConformanceError",
    "assert_close",
    "check_checkpoint",
    "check_composite",
    "check_gradients",
    "copy_variables",
    "fresh",
    "randomize",
    "require",
    "strictest",
]

TOLERANCE = {tf.float32: 1e-4, tf.float64: 1e-9}


class ConformanceError(AssertionError):
    """A class breaks a rule that TensorFlow Probability or its users rely on.

    >>> from tfp_ebm import testing
    >>> issubclass(testing.ConformanceError, AssertionError)
    True
    """


def require(condition: TensorLike, check: str, message: str) -> None:
    """Raises a `ConformanceError` that names the check, unless the condition holds."""
    if not condition:
        raise ConformanceError(f"{check}: {message}")


def assert_close(
    actual: TensorLike,
    expected: TensorLike,
    tolerance: float,
    check: str,
    message: str,
    cause: str = "",
) -> None:
    """Raises unless two structures of arrays agree to `tolerance (1 + |expected|)`."""
    for one, other in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
        require(
            one.shape == other.shape,
            check,
            f"{message}: got shape {one.shape}, expected {other.shape}. {cause}".rstrip(),
        )
        finite = np.all(np.isfinite(one)) and np.all(np.isfinite(other))
        require(finite, check, f"{message}: got NaN or infinite values.")
        error = np.max(np.abs(one - other) / (1 + np.abs(other)), initial=0.0)
        require(
            error <= tolerance,
            check,
            f"{message}: differs by {error:.3g}, allowed {tolerance:.3g}. {cause}".rstrip(),
        )


def fresh(structure: Any) -> Any:
    """Returns copies that no cache has seen: a bijector's cache would return what it stored."""
    return tf.nest.map_structure(lambda part: tf.constant(part.numpy()), structure)


def randomize(module: tf.Module, scale: float = 0.1, seed: int = 0) -> None:
    """Adds noise to every trainable variable: an identity at the start hides errors."""
    for index, variable in enumerate(module.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (seed, index), dtype=variable.dtype)
        variable.assign_add(scale * noise)


def strictest(dtypes: Sequence[tf.DType]) -> tf.DType:
    """Returns the dtype in which faults stand out most."""
    return max(map(tf.as_dtype, dtypes), key=lambda dtype: dtype.size)


def copy_variables(source: tf.Module, target: tf.Module) -> None:
    """Gives the variables of another dtype the same values."""
    for one, other in zip(source.variables, target.variables, strict=True):
        other.assign(tf.cast(one, other.dtype))


def check_gradients(
    value_fn: Callable[[], tf.Tensor], variables: Sequence[tf.Variable], check: str
) -> None:
    """Raises unless every variable gets a finite gradient that is not all 0."""
    with tf.GradientTape() as tape:
        value = value_fn()
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        require(gradient is not None, check, f"`{variable.name}` gets no gradient. {CONVERTED}")
        gradient = tf.convert_to_tensor(gradient).numpy()
        message = f"`{variable.name}` gets a non-finite gradient. {UNSELECTED}"
        require(np.all(np.isfinite(gradient)), check, message)
        require(np.any(gradient != 0), check, f"`{variable.name}` gets a gradient of 0. {STOPPED}")


def check_checkpoint(
    module: tf.Module, make_other: Callable[[], tf.Module], value_fn: Callable[[Any], Any]
) -> None:
    """Raises unless a checkpoint carries a module's values into a fresh one."""
    expected = value_fn(module)
    other = make_other()
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(pathlib.Path(folder) / "checkpoint")
        tf.train.Checkpoint(module=module).write(prefix)
        tf.train.Checkpoint(module=other).read(prefix).expect_partial()
    message = "a restored object gives other values"
    assert_close(value_fn(other), expected, 1e-6, "checkpoint", message, HIDDEN)


def check_composite(module: tf.Module, value_fn: Callable[[Any], Any]) -> None:
    """Raises unless a composite tensor keeps its values through its components."""
    if not isinstance(module, tf.__internal__.CompositeTensor):
        return
    components = tf.nest.flatten(module, expand_composites=True)
    packed = tf.nest.pack_sequence_as(module, components, expand_composites=True)
    found, count = len(packed.trainable_variables), len(module.trainable_variables)
    message = f"{found} of {count} variables are components. {NO_COMPONENT}"
    require(found == count, "composite tensor", message)
    message = "values after its components are taken apart and put together"
    assert_close(value_fn(packed), value_fn(module), 1e-9, "composite tensor", message)
