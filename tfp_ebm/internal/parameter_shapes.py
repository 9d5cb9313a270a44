"""What `_parameter_properties` say of shapes and constraints, in one place."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.tfp_private import dtype_util, parameter_properties
from tfp_ebm.internal.types import Bijector, Shape

__all__ = ["positive", "positive_scalar", "undetermined", "vector"]


def undetermined(
    name: str, shape: str, event_ndims: int | Callable[[Any], Any]
) -> parameter_properties.ParameterProperties:
    """Returns the properties of a parameter whose shape samples do not tell, and say so by name.

    Args:
      name: name of the parameter.
      shape: its shape, in words.
      event_ndims: rank of one member of a batch of parameters.
    """

    def shape_fn(sample_shape: Shape) -> Shape:
        raise NotImplementedError(
            f"`{name}` has shape {shape}, which a shape of samples, {sample_shape}, does not "
            f"tell: pass `{name}`, such as a `tf.Variable`, or use the class's `create`."
        )

    return parameter_properties.ParameterProperties(event_ndims=event_ndims, shape_fn=shape_fn)


def vector() -> parameter_properties.ParameterProperties:
    """Returns the properties of a vector, as long as an event."""
    return parameter_properties.ParameterProperties(event_ndims=1)


def positive(dtype: tf.DType) -> Callable[[], Bijector]:
    """Returns a function that makes the constraint to numbers above 0, in this dtype."""
    return lambda: tfp.bijectors.Softplus(low=dtype_util.eps(dtype))


def positive_scalar(dtype: tf.DType) -> parameter_properties.ParameterProperties:
    """Returns the properties of a number above 0, a parameter of a distribution over vectors."""
    return parameter_properties.ParameterProperties(
        event_ndims=0,
        shape_fn=lambda sample_shape: sample_shape[:-1],
        default_constraining_bijector_fn=positive(dtype),
    )
