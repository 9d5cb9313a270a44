"""The one place that imports private parts of TensorFlow Probability."""

from tensorflow_probability.python.distributions.distribution import DiscreteDistributionMixin
from tensorflow_probability.python.internal import (
    assert_util,
    cache_util,
    dtype_util,
    parameter_properties,
    samplers,
    tensor_util,
)
from tensorflow_probability.python.internal import prefer_static as ps

__all__ = [
    "DiscreteDistributionMixin",
    "assert_util",
    "cache_util",
    "dtype_util",
    "parameter_properties",
    "ps",
    "samplers",
    "tensor_util",
]
