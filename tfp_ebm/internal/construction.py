"""What every constructor of a distribution or bijector does, in one place."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, overload

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import dtype_util, samplers, tensor_util
from tfp_ebm.internal.types import Parameter, Seed, TensorLike

__all__ = [
    "Given",
    "Increasing",
    "MatrixCouplings",
    "bijector_arguments",
    "converted",
    "distribution_arguments",
    "small_weights",
]

_T = TypeVar("_T")


class Given(Generic[_T]):
    """A property that reads what a constructor kept under the same name with an underscore.

    >>> class Scale:
    ...     factor = Given[float]("The factor.")
    ...     def __init__(self, factor):
    ...         self._factor = factor
    >>> Scale(2.0).factor
    2.0
    """

    def __init__(self, meaning: str) -> None:
        """Constructs the property, with its docstring."""
        self.__doc__ = meaning

    def __set_name__(self, owner: type, name: str) -> None:
        """Learns its name."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Given[_T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> _T: ...

    def __get__(self, instance, owner):
        """Returns what was kept."""
        return self if instance is None else getattr(instance, f"_{self._name}")

    def __set__(self, instance: object, value: TensorLike) -> None:
        """Refuses, as a property without a setter does."""
        raise AttributeError(f"`{self._name}` cannot be set; give it to the constructor.")


class Increasing:
    """Mixin of elementwise bijectors that are increasing whatever their parameters."""

    @classmethod
    def _is_increasing(cls, **kwargs: Any):
        return True


class MatrixCouplings:
    """Mixin of distributions whose couplings are one matrix, which they keep as `_weights`."""

    weights = Given[Parameter]("W, as given.")

    @property
    def couplings(self) -> list[tf.Tensor]:
        """`[W]`, read now."""
        return [tf.convert_to_tensor(self.weights)]


def converted(**parameters: Any) -> tuple[tf.DType, list[Any]]:
    """Returns the common dtype of parameters, float32 by default, and the parameters in it.

    Arrays and numbers become tensors; variables and what is read late stay as they are.
    """
    dtype = dtype_util.common_dtype(list(parameters.values()), dtype_hint=tf.float32)
    convert = tensor_util.convert_nonref_to_tensor
    return dtype, [convert(value, dtype=dtype, name=name) for name, value in parameters.items()]


def small_weights(
    num_visible: int, num_hidden: int, weight_scale: float, dtype: tf.DType, seed: Seed
) -> tf.Variable:
    """Returns the first couplings of two layers, drawn from Normal(0, weight_scale^2)."""
    num_visible = checks.positive_integer("num_visible", num_visible)
    num_hidden = checks.positive_integer("num_hidden", num_hidden)
    noise = samplers.normal([num_visible, num_hidden], seed=seed, dtype=dtype)
    return tf.Variable(weight_scale * noise, name="weights")


def distribution_arguments(
    dtype: tf.DType,
    parameters: dict[str, Any],
    name: str,
    reparameterization_type: object = tfp.distributions.NOT_REPARAMETERIZED,
) -> dict[str, Any]:
    """Returns the arguments of `tfd.Distribution` for a subclass.

    Args:
      dtype: dtype of its samples.
      parameters: the arguments of its constructor, `validate_args` and `allow_nan_stats` among
        them.
      name: name of its scope.
      reparameterization_type: whether samples have gradients with respect to the parameters.
    """
    return {
        "dtype": dtype,
        "reparameterization_type": reparameterization_type,
        "validate_args": parameters["validate_args"],
        "allow_nan_stats": parameters["allow_nan_stats"],
        "parameters": parameters,
        "name": name,
    }


def bijector_arguments(
    parameters: dict[str, Any],
    name: str,
    forward_min_event_ndims: int | Sequence[int] = 0,
    **further: Any,
) -> dict[str, Any]:
    """Returns the arguments of `tfb.Bijector` for a subclass.

    Args:
      parameters: the arguments of its constructor, `validate_args` among them.
      name: name of its scope.
      forward_min_event_ndims: rank of an event.
      **further: other arguments, such as `dtype` of its input.
    """
    return {
        "validate_args": parameters["validate_args"],
        "forward_min_event_ndims": forward_min_event_ndims,
        "parameters": parameters,
        "name": name,
        **further,
    }
