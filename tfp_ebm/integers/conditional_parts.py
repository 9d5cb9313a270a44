"""A vector whose parts are drawn one after the other, each given those before it."""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import distribution_arguments
from tfp_ebm.internal.tfp_private import DiscreteDistributionMixin, ps, samplers
from tfp_ebm.internal.types import TensorLike

__all__ = ["ConditionalParts"]


class ConditionalParts(DiscreteDistributionMixin, tfp.distributions.Distribution):
    """Whole numbers in parts, each of a distribution that depends on the parts before it.

        P(z) = prod_k P_k(z_k | z_1, ..., z_(k-1)),   z = [z_1, ..., z_K] side by side

    It is the base of flows that factor out: a part that leaves at a fine scale depends on what is
    known from the coarser ones. Densities of parts take one evaluation of each conditional, all at
    once; a sample takes them in turn. It is discrete, so `tfd.TransformedDistribution` adds no
    Jacobian.

    It is no composite tensor, since conditionals may own networks.

    #### Example

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> from tfp_ebm.distributions import DiscretizedLogistic
    >>> tfd = tfp.distributions
    >>> def first(before):
    ...     return tfd.Independent(DiscretizedLogistic(tf.zeros([2]), 1.0), 1)
    >>> def second(before):
    ...     return tfd.Independent(DiscretizedLogistic(before[..., :1] + before[..., 1:], 0.5), 1)
    >>> base = ConditionalParts([2, 1], [first, second])
    >>> base.sample(5).shape, base.log_prob(tf.zeros([5, 3])).shape
    (TensorShape([5, 3]), TensorShape([5]))

    Source: Dinh et al., "Density estimation using Real NVP" (2017), section 3.6; Hoogeboom et al.,
    "Integer Discrete Flows and Lossless Compression" (2019), section 4, where parts that are
    factored out have a learned prior.
    """

    def __init__(
        self,
        part_sizes: Sequence[int],
        conditionals: Sequence[Callable[[tf.Tensor], tfp.distributions.Distribution]],
        dtype: tf.DType = tf.float32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "ConditionalParts",
    ) -> None:
        """Constructs the distribution.

        Args:
          part_sizes: sizes of the K parts.
          conditionals: for each part a function of the parts before it, side by side, `[..., n]`
            (n is 0 for the first), that returns a distribution over `[size]` of batch shape
            `[...]` or none. `tf.Module`s are tracked and train.
          dtype: dtype of the whole numbers, a float one.
          validate_args: as in TensorFlow Probability.
          allow_nan_stats: as in TensorFlow Probability.
          name: name of the distribution.

        Raises:
          ValueError: if sizes are not positive, or not as many as conditionals; when called, if a
            conditional's distribution has another event shape.
          TypeError: if a conditional is not callable.
        """
        parameters = dict(locals())
        sizes = [checks.positive_integer("part_sizes", size) for size in part_sizes]
        if not sizes or len(sizes) != len(conditionals):
            raise ValueError(
                "`part_sizes` and `conditionals` must have an entry for each part, got "
                f"{len(sizes)} sizes and {len(conditionals)} conditionals."
            )
        for conditional in conditionals:
            if not callable(conditional):
                raise TypeError(
                    "`conditionals` must be functions of the parts before, got "
                    f"{type(conditional).__name__}."
                )
        with tf.name_scope(name) as name:
            self._part_sizes = sizes
            self._conditionals = list(conditionals)
            super().__init__(**distribution_arguments(tf.as_dtype(dtype), parameters, name))

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    @property
    def part_sizes(self) -> tuple[int, ...]:
        """Sizes of the parts."""
        return tuple(self._part_sizes)

    @property
    def conditionals(self) -> tuple[Callable, ...]:
        """The functions from the parts before to the distribution of a part."""
        return tuple(self._conditionals)

    def _event_shape(self):
        return tf.TensorShape([sum(self._part_sizes)])

    def _event_shape_tensor(self):
        return tf.constant([sum(self._part_sizes)], tf.int32)

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def part_distribution(self, index: int, before: TensorLike) -> tfp.distributions.Distribution:
        """Returns the distribution of a part.

        Args:
          index: which part, from 0.
          before: the parts before it, side by side, `[..., sum(part_sizes[:index])]`.

        Raises:
          ValueError: if `before` has another size, or the distribution another event shape.
        """
        before = tf.convert_to_tensor(before, self.dtype)
        size, known = self._part_sizes[index], sum(self._part_sizes[:index])
        if before.shape.rank and before.shape[-1] not in (known, None):
            raise ValueError(
                f"`before` must have shape [..., {known}], the parts before part {index}, got "
                f"{before.shape}."
            )
        made = self._conditionals[index](before)
        if made.event_shape != [size]:
            raise ValueError(
                f"The conditional of part {index} must return a distribution over [{size}], got "
                f"event shape {made.event_shape}."
            )
        return made

    def _log_prob(self, value):
        start, total = 0, tf.zeros([], self.dtype)
        for index, size in enumerate(self._part_sizes):
            made = self.part_distribution(index, value[..., :start])
            total += made.log_prob(value[..., start : start + size])
            start += size
        return total

    def _sample_n(self, n, seed=None):
        seeds = samplers.split_seed(seed, n=len(self._part_sizes), salt="conditional_parts")
        before = tf.zeros(ps.concat([[n], [0]], axis=0), self.dtype)
        for index, own_seed in enumerate(tf.unstack(seeds)):
            made = self.part_distribution(index, before)
            shape = [] if made.batch_shape.rank else [n]
            before = tf.concat([before, made.sample(shape, seed=own_seed)], axis=-1)
        return before

    def _default_event_space_bijector(self):
        return None
