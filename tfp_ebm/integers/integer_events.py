"""A distribution over whole numbers, with what users of integers expect around it."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import distribution_arguments
from tfp_ebm.internal.tfp_private import DiscreteDistributionMixin, parameter_properties, ps
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.internal.unit_cells import SIGNIFICANT_BITS

__all__ = ["IntegerEvents"]


class IntegerEvents(DiscreteDistributionMixin, tfp.distributions.Distribution):
    """A distribution over whole numbers kept in floats, as one over integers.

        P(x) = P_distribution(x),   x checked to be whole numbers, or levels 0 ... num_levels - 1

    The log-probability is exact: no noise is added and nothing is bounded. Like every discrete
    distribution it makes `tfd.TransformedDistribution` add no Jacobian, also where the distribution
    inside has lost that mark, as inside `tfd.Independent`, `tfd.Sample`, `tfd.Blockwise` or
    `tfd.MixtureSameFamily`. With `num_levels` a single number, events are integers of the smallest
    dtype that holds them; else floats. What the distribution draws outside the levels, which the
    sum of P over the levels lacks, is moved to the nearest one. Where errors cannot be raised,
    under XLA, the log-probability of what is no such number is NaN.

    It is no composite tensor, since the distribution may own networks: a `tf.function` can use it,
    but not return it.

    #### Example

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> from tfp_ebm.distributions import DiscretizedLogistic
    >>> pixels = DiscretizedLogistic(tf.fill([3], 9.0), 2.0, low=0, high=16)
    >>> model = IntegerEvents(tfp.distributions.Independent(pixels, 1), num_levels=17)
    >>> model.log_prob(tf.constant([[0, 7, 16]])).shape, model.sample(2).dtype
    (TensorShape([1]), tf.uint8)

    Source: Hoogeboom et al., "Integer Discrete Flows and Lossless Compression" (2019), section 3.
    """

    def __init__(
        self,
        distribution: tfp.distributions.Distribution,
        num_levels: int | Sequence[int | None] | None = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "IntegerEvents",
    ) -> None:
        """Constructs the distribution.

        Args:
          distribution: over events of any shape whose entries are whole numbers, in a float dtype.
          num_levels: number of levels; values are 0 ... num_levels - 1. A sequence has a number
            for each entry of the last axis, or None: any whole number. None: any, of all entries.
          validate_args: as in TensorFlow Probability; values are checked either way.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if a number of levels is not an integer of at least 2, or more than the dtype
            holds exactly, or there are not as many as entries.
          TypeError: if `distribution` is not a distribution over floats.
        """
        parameters = dict(locals())
        if not isinstance(distribution, tfp.distributions.Distribution):
            raise TypeError(
                "`distribution` must be a tfp.distributions.Distribution over whole numbers, got "
                f"{type(distribution).__name__}."
            )
        if distribution.dtype not in SIGNIFICANT_BITS:
            raise TypeError(
                "`distribution` must keep whole numbers in floats, as DiscretizedLogistic does, "
                f"got dtype {distribution.dtype}."
            )
        with tf.name_scope(name) as name:
            self._distribution = distribution
            self._largest = 2 ** (SIGNIFICANT_BITS[distribution.dtype] - 1)
            self._num_levels = _checked_levels(num_levels, distribution, self._largest)
            super().__init__(
                **distribution_arguments(
                    _dtype(self._num_levels, distribution.dtype), parameters, name
                )
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"distribution": parameter_properties.BatchedComponentProperties()}

    @property
    def distribution(self) -> tfp.distributions.Distribution:
        """The distribution over whole numbers in floats."""
        return self._distribution

    @property
    def num_levels(self) -> int | tuple[int | None, ...] | None:
        """Number of levels, of all entries or of each; None: any whole number."""
        return self._num_levels

    def _event_shape(self):
        return self._distribution.event_shape

    def _event_shape_tensor(self):
        return self._distribution.event_shape_tensor()

    def _batch_shape(self):
        return self._distribution.batch_shape

    def _batch_shape_tensor(self):
        return self._distribution.batch_shape_tensor()

    def _range(self, dtype):
        """Returns the lowest and the highest value of every entry."""
        largest = self._largest
        if isinstance(self._num_levels, int):
            return tf.zeros([], dtype), tf.constant(self._num_levels - 1, dtype)
        levels = [None] if self._num_levels is None else self._num_levels
        lowest = [-largest if count is None else 0 for count in levels]
        highest = [largest if count is None else count - 1 for count in levels]
        return tf.constant(lowest, dtype), tf.constant(highest, dtype)

    def _call_log_prob(self, value, name, **kwargs):
        # Without our dtype as a hint, which would cut 3.5 down to 3.
        return super()._call_log_prob(tf.convert_to_tensor(value), name, **kwargs)

    def whole_numbers(self, value: TensorLike) -> tf.Tensor:
        """Returns events as the distribution inside takes them, checked.

        Args:
          value: `[..., *event_shape]`, of any dtype.

        Raises:
          ValueError: in eager mode, if a value is no whole number or outside its range. Graphs
            raise `tf.errors.InvalidArgumentError`; under XLA the numbers become NaN.
        """
        value = tf.convert_to_tensor(value)
        dtype = self._distribution.dtype
        if value.dtype == tf.uint8 and self._num_levels == 256:
            return tf.cast(value, dtype)
        message = (
            f"`value` of `{self.name}` must hold {self._in_words()}; round or rescale the data "
            "(NaN and infinity are no whole numbers), or change `num_levels`."
        )
        return checks.whole_numbers(value, dtype, self._range, message)

    def _in_words(self):
        if isinstance(self._num_levels, int):
            return f"integers from 0 to {self._num_levels - 1}"
        words = f"whole numbers of at most {self._largest} either side of 0"
        if self._num_levels is None:
            return words
        return f"{words}, and levels below {self._num_levels} where that is no None"

    def _log_prob(self, value, **kwargs):
        numbers = self.whole_numbers(value)
        log_prob = self._distribution.log_prob(numbers, **kwargs)
        axes = ps.range(-self.event_shape.rank, 0)
        unknown = tf.reduce_any(tf.math.is_nan(numbers), axis=axes)
        return tf.where(unknown, tf.constant(math.nan, log_prob.dtype), log_prob)

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        sample = self._distribution.sample(sample_shape, seed=seed, **kwargs)
        low, high = self._range(sample.dtype)
        return tf.cast(tf.clip_by_value(sample, low, high), self.dtype)

    def _sample_and_log_prob(self, sample_shape, seed, **kwargs):
        value = self.sample(sample_shape, seed=seed, **kwargs)
        return value, self.log_prob(value, **kwargs)

    def _default_event_space_bijector(self):
        return None


def _dtype(num_levels, dtype):
    if not isinstance(num_levels, int):
        return dtype
    return tf.uint8 if num_levels <= 2**8 else tf.int32


def _checked_levels(num_levels, distribution, largest):
    """Returns the number of levels, or a tuple of them, or raises."""
    if num_levels is None:
        return None
    is_single = not isinstance(num_levels, Sequence | np.ndarray)
    counts = [num_levels] if is_single else list(num_levels)
    checked = []
    for count in counts:
        if count is not None:
            count = checks.positive_integer("num_levels", count, minimum=2)
            if count > largest:
                raise ValueError(
                    f"`num_levels` must be at most {largest} for whole numbers kept in "
                    f"{distribution.dtype.name}, got {count}; use float64, or fewer levels."
                )
        checked.append(count)
    if is_single:
        return checked[0]
    if distribution.event_shape[-1:] != [len(checked)]:
        raise ValueError(
            "`num_levels` must be one number, or one for each entry of the last axis of events of "
            f"shape {distribution.event_shape}, got {len(checked)}."
        )
    return tuple(checked)
