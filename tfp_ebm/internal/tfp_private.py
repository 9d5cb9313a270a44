"""The one place that imports private parts of TensorFlow Probability."""

from collections.abc import Sequence

# Compositions with parts that are no composite tensors are instances of these, not of the public
# classes.
from tensorflow_probability.python.bijectors.chain import _Chain as Chain
from tensorflow_probability.python.bijectors.invert import _Invert as Invert
from tensorflow_probability.python.bijectors.joint_map import _JointMap as JointMap
from tensorflow_probability.python.distributions.blockwise import _Blockwise as Blockwise
from tensorflow_probability.python.distributions.distribution import (
    DiscreteDistributionMixin,
    Distribution,
)
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
    "blockwise",
    "cache_util",
    "dtype_util",
    "is_xla",
    "parameter_properties",
    "ps",
    "samplers",
    "slicing",
    "tensor_util",
]


def blockwise(parts: Sequence[Distribution]) -> Distribution:
    """Returns `tfd.Blockwise` of distributions that can be saved.

    A joint distribution keeps its parts once more, by the number of a graph, which no checkpoint
    can name: it is told not to track that.

    Args:
      parts: distributions of vectors.
    """
    blocks = joint = Blockwise(parts)
    while hasattr(joint, "_distribution"):  # Inside of a cast.
        joint = joint._distribution
    del joint._single_sample_distributions  # Assignment alone leaves what is tracked as it is.
    joint._single_sample_distributions = joint._no_dependency({})
    return blocks
