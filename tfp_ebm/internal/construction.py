"""What every constructor of a distribution or bijector does, in one place."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.tfp_private import dtype_util, tensor_util

__all__ = ["converted", "distribution_arguments"]


def converted(**parameters: Any) -> tuple[tf.DType, list[Any]]:
    """Returns the common dtype of parameters, float32 by default, and the parameters in it.

    Arrays and numbers become tensors; variables and what is read late stay as they are.
    """
    dtype = dtype_util.common_dtype(list(parameters.values()), dtype_hint=tf.float32)
    convert = tensor_util.convert_nonref_to_tensor
    return dtype, [convert(value, dtype=dtype, name=name) for name, value in parameters.items()]


def distribution_arguments(
    dtype: tf.DType,
    parameters: dict[str, Any],
    name: str,
    reparameterization_type: Any = tfp.distributions.NOT_REPARAMETERIZED,
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
