"""Distributions of whole numbers, alone or given what is known from coarser scales."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import networks
from tfp_ebm.distributions import DiscretizedLogisticMixture
from tfp_ebm.flows.integer_flow import image_of_parts
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["LogisticsGivenParts", "MarginalLogistics"]

tfd = tfp.distributions

# Of a level: what is narrower is as good as certain.
_MIN_SCALE = 0.05


class MarginalLogistics(tf.Module):
    """Independent mixtures of discretised logistics, whose parameters are variables.

    >>> base = MarginalLogistics(3, IntegerScaling.of(17), num_components=2)
    >>> base().sample(4).shape
    TensorShape([4, 3])
    """

    def __init__(
        self,
        size: int,
        scaling: IntegerScaling,
        num_components: int = 1,
        dtype: tf.DType = tf.float32,
        name: str = "marginal_logistics",
    ) -> None:
        """Constructs the distribution's variables.

        Args:
          size: number of entries, D.
          scaling: levels, middle and spread of the entries.
          num_components: logistics in the mixture of an entry.
          dtype: dtype of the variables.
          name: name of the module.
        """
        super().__init__(name=name)
        num_components = checks.positive_integer("num_components", num_components)
        self._scaling = scaling
        self._raw = tf.Variable(tf.zeros([size, 3 * num_components], dtype), name="logistics")

    def __call__(self, before: TensorLike | None = None) -> tfd.Distribution:
        """Returns the distribution over `[D]`; it depends on nothing."""
        del before
        return _logistics(tf.convert_to_tensor(self._raw), self._scaling)


class LogisticsGivenParts(tf.Module):
    """Mixtures of discretised logistics whose parameters a network makes of coarser parts.

        P(z_k | z_1 ... z_(k-1)) = prod_i mixture(network(image of z_1 ... z_(k-1)) + position)_i

    The image is what the flow would make of the parts without its couplings.

    >>> shapes = [(4, 4, 1), (4, 4, 1), (4, 4, 2)]
    >>> given = LogisticsGivenParts(shapes, IntegerScaling.of(17), 2, num_filters=4)
    >>> given(tf.zeros([5, 32])).sample().shape
    TensorShape([5, 32])

    Source: Hoogeboom et al., "Integer Discrete Flows and Lossless Compression" (2019), section 4.
    """

    def __init__(
        self,
        part_shapes: Sequence[tuple[int, int, int]],
        scaling: IntegerScaling,
        num_components: int = 5,
        num_filters: int = 32,
        num_blocks: int = 1,
        dropout_rate: float = 0.0,
        dtype: tf.DType = tf.float32,
        name: str = "logistics_given_parts",
    ) -> None:
        """Constructs and builds the network.

        Args:
          part_shapes: `(H, W, C)` of the parts before, and of this one, last.
          scaling: levels, middle and spread of all entries.
          num_components: logistics in the mixture of an entry.
          num_filters: width of the network.
          num_blocks: its residual blocks.
          dropout_rate: dropout in it.
          dtype: dtype of the variables.
          name: name of the module.
        """
        super().__init__(name=name)
        num_components = checks.positive_integer("num_components", num_components)
        self._part_shapes, self._scaling = [tuple(shape) for shape in part_shapes], scaling
        height, width, channels = self._part_shapes[-1]
        num_known = sum(math.prod(shape) for shape in self._part_shapes[:-1])
        seen = image_of_parts(tf.zeros([1, num_known], dtype), self._part_shapes).shape[1:]
        num_outputs = channels * 3 * num_components
        self._network = networks.ResidualNet(
            tuple(seen), num_outputs, num_filters, num_blocks, dropout_rate, True, dtype=dtype
        )
        self._position = tf.Variable(tf.zeros([height, width, num_outputs], dtype), name="position")

    def __call__(self, before: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution over `[H W C]`, of batch shape `[...]`, given `[..., n]`."""
        image = image_of_parts(before, self._part_shapes)
        raw = self._network((image - self._scaling.location) / self._scaling.scale)
        raw += self._position
        size = math.prod(self._part_shapes[-1])
        num_each = raw.shape[-1] // self._part_shapes[-1][-1]
        shape = tf.concat([tf.shape(before)[:-1], [size, num_each]], axis=0)
        raw = tf.ensure_shape(tf.reshape(raw, shape), [*before.shape[:-1], size, num_each])
        return _logistics(raw, self._scaling)


def _logistics(raw, scaling):
    """Returns mixtures from free numbers, `[..., D, 3 K]`; zeros spread them over the levels."""
    dtype, num_components = raw.dtype, raw.shape[-1] // 3
    logits, loc, scale = tf.split(raw, 3, axis=-1)
    middle, spread = (tf.constant(np.asarray(part)[..., np.newaxis], dtype) for part in scaling[1:])
    places = np.linspace(-1.5, 1.5, num_components) if num_components > 1 else np.zeros(1)
    low, high = _ends(scaling.num_levels, dtype)
    mixture = DiscretizedLogisticMixture(
        logits,
        middle + spread * (loc + tf.constant(places, dtype)),
        _MIN_SCALE + spread * tf.nn.softplus(scale) / num_components,
        low,
        high,
    )
    return tfd.Independent(mixture, 1)


def _ends(num_levels, dtype):
    """Returns the lowest and the highest whole number, of all entries or of each."""
    if num_levels is None:
        return -math.inf, math.inf
    if isinstance(num_levels, int):
        return 0, num_levels - 1
    low = [-math.inf if count is None else 0 for count in num_levels]
    high = [math.inf if count is None else count - 1 for count in num_levels]
    return tf.constant(low, dtype), tf.constant(high, dtype)
