"""The one place that imports private parts of TensorFlow Probability."""

# Compositions with parts that are no composite tensors are instances of these, not of the public
# classes.
from tensorflow_probability.python.bijectors.chain import _Chain as Chain
from tensorflow_probability.python.bijectors.invert import _Invert as Invert
from tensorflow_probability.python.bijectors.joint_map import _JointMap as JointMap
from tensorflow_probability.python.distributions.blockwise import _Blockwise as Blockwise
from tensorflow_probability.python.distributions.distribution import DiscreteDistributionMixin
from tensorflow_probability.python.distributions.transformed_distribution import (
    _TransformedDistribution as TransformedDistribution,
)
from tensorflow_probability.python.internal import (
    assert_util,
    batch_shape_lib,
    cache_util,
    dtype_util,
    parameter_properties,
    samplers,
    slicing,
    tensor_util,
)
from tensorflow_probability.python.internal import prefer_static as ps
from tensorflow_probability.python.internal.implementation_selection import is_xla

__all__ = [
    "Blockwise",
    "Chain",
    "DiscreteDistributionMixin",
    "Invert",
    "JointMap",
    "TransformedDistribution",
    "assert_util",
    "batch_shape_lib",
    "cache_util",
    "dtype_util",
    "is_xla",
    "parameter_properties",
    "ps",
    "samplers",
    "slicing",
    "tensor_util",
]
