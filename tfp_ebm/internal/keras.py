"""The one place that imports Keras.

Keras 3 layers are no `tf.Module`s, so TensorFlow Probability cannot see their variables; tf_keras
(Keras 2) layers are, and train through bijectors and distributions.
"""

import tensorflow as tf
import tf_keras as keras

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Policy

__all__ = ["dtype_policy", "is_keras_3", "keras"]

_POLICIES = ("float32", "float64", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")


def dtype_policy(dtype: Policy) -> keras.mixed_precision.Policy:
    """Returns the Keras policy of a dtype, of the name of a policy, or of a policy.

    Raises:
      ValueError: if there is no such policy; the nearest one is suggested.
    """
    if isinstance(dtype, keras.mixed_precision.Policy):
        return dtype
    name = dtype if isinstance(dtype, str) else tf.as_dtype(dtype).name
    return keras.mixed_precision.Policy(checks.choice("dtype", name, _POLICIES))


def is_keras_3(value: object) -> bool:
    """Whether a value is of a class of Keras 3, or of one derived from it."""
    return any(base.__module__.split(".")[0] == "keras" for base in type(value).__mro__)
