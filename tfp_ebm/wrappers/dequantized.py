"""A distribution over integers from a density: dequantisation."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import (
    DiscreteDistributionMixin,
    parameter_properties,
    ps,
    samplers,
)
from tfp_ebm.internal.types import Distribution, Unpack
from tfp_ebm.internal.unit_cells import SIGNIFICANT_BITS, in_cell
from tfp_ebm.wrappers.bound_options import BoundOptions
from tfp_ebm.wrappers.dequantizing import Dequantizing

__all__ = ["Dequantized"]


class Dequantized(DiscreteDistributionMixin, Dequantizing):
    """Integers 0 ... num_levels - 1, modelled by the density of the integer plus noise.

        P(x) = integral over the unit cell of p(x + u) du
        log P(x) >= log p(x + u) - log r(u | x),   u ~ r(u | x) on [0, 1)^D

    `log_prob(x)` is that lower bound with one draw of u: a *bound*, in nats an event, and
    deterministic given `seed`. With `noise=None` u is uniform on the whole unit cell and
    `log r = 0`. `importance_log_prob` tightens the bound. `sample` returns
    `floor` of a sample of the density; what falls outside the levels, which the bound does not
    count, is moved to the nearest one. Noise is drawn for every value and every member of a batch
    of densities. Where errors cannot be raised, under XLA, the log-probability of what is no level
    is NaN.

    Where the density draws NaN, as after training that went wrong, `validate_args` raises. Without
    it eager mode warns, and the sample is no level: -1, or 255 where levels are bytes; but 0 where
    255 is a level too.

    It is no composite tensor, since the density and the noise may own networks: a `tf.function` can
    use it, but not return it.

    #### Example

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> density = tfp.distributions.Uniform(low=tf.zeros([3]), high=256.0)
    >>> pixels = Dequantized(tfp.distributions.Independent(density, 1), num_levels=256)
    >>> bits = -pixels.log_prob(tf.constant([[0, 7, 255]])) / (3 * tf.math.log(2.0))
    >>> bits.numpy().tolist()
    [8.0]

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", equation
    7 without the augmentation.
    """

    _bound_salt = _point_salt = "dequantized"

    def __init__(
        self,
        distribution: Distribution,
        num_levels: int = 256,
        noise: Callable[[tf.Tensor], Distribution] | None = None,
        **options: Unpack[BoundOptions],
    ) -> None:
        """Constructs the distribution.

        Args:
          distribution: a density over events of any shape, in units of levels.
          num_levels: number of levels; values are 0 ... num_levels - 1.
          noise: `noise(x)`, for `x` of shape `[..., *event_shape]` in the density's dtype, returns
            a distribution over u in [0, 1) with batch shape `[...]` and the same event shape; a
            draw that rounding has moved to 1 counts as the number below. A `tf.Module` or Keras
            model is tracked and trains. None: uniform.
          **options: `BoundOptions`.

        Raises:
          ValueError: if `num_levels` is not an integer of at least 2, or more than the density's
            dtype can add noise to: 2^23 in float32, 2^52 in float64.
          TypeError: if `distribution` is not a distribution over floats or `noise` not callable.
        """
        parameters = dict(locals())
        num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
        if not isinstance(distribution, tfp.distributions.Distribution):
            raise TypeError(
                "`distribution` must be a tfp.distributions.Distribution over continuous events, "
                f"got {type(distribution).__name__}."
            )
        if noise is not None and not callable(noise):
            raise TypeError(
                "`noise` must be None or a callable `noise(x)` that returns a distribution, got "
                f"{type(noise).__name__}."
            )
        _check_levels(distribution.dtype, num_levels)
        with tf.name_scope(options.get("name") or "Dequantized") as name:
            self._distribution = distribution
            self._num_levels = num_levels
            self._noise = noise
            super().__init__(_smallest_integer(num_levels), parameters, name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"distribution": parameter_properties.BatchedComponentProperties()}

    num_levels = Given[int]("Number of levels.")
    noise = Given[Callable | None]("The dequantisation noise, None if uniform.")

    def _event_shape(self):
        return self._distribution.event_shape

    def _event_shape_tensor(self):
        return self._distribution.event_shape_tensor()

    def _checked(self, value):
        """Returns the value in the density's dtype, checked to be one of the levels."""
        dtype, highest = self._distribution.dtype, self._num_levels - 1
        if value.dtype == tf.uint8 and highest == 255:
            return tf.cast(value, dtype)
        message = (
            f"`value` of `{self.name}` must hold integers from 0 to {highest}; rescale the data to "
            "levels (NaN and infinity are none), or change `num_levels`."
        )

        def ends(dtype):
            return tf.zeros([], dtype), tf.constant(highest, dtype)

        return checks.whole_numbers(value, dtype, ends, message)

    def _draw_hidden(self, value, seed):
        """Returns x + u and log r(u | x)."""
        if self._noise is None:
            noise = samplers.uniform(ps.shape(value), seed=seed, dtype=value.dtype)
            return in_cell(value, noise), 0.0
        noise, log_prob = self._draw("noise", value, self.event_shape, seed)
        message = f"`noise` of `{self.name}` must draw from [0, 1), got other numbers or NaN."
        # A number just below 1 may have been rounded to it.
        noise = checks.valid(noise, (noise >= 0) & (noise <= 1), message)
        return in_cell(value, noise), log_prob

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        words = ("which is no level", self._no_level())
        sample, is_number = self._drawn_inside(sample_shape, seed, *words, **kwargs)
        highest = tf.cast(self._num_levels - 1, sample.dtype)
        level = tf.clip_by_value(tf.floor(sample), 0, highest)
        # What a cast makes of NaN differs between machines, and may look like a level.
        level = tf.where(is_number, level, tf.cast(self._no_level(), sample.dtype))
        return tf.cast(level, self.dtype)

    def _no_level(self):
        """Returns what a sample is where the density drew NaN."""
        if self.dtype != tf.uint8:
            return -1
        return 255 if self._num_levels < 256 else 0


def _smallest_integer(num_levels):
    if num_levels <= 2**8:
        return tf.uint8
    return tf.int32 if num_levels <= 2**31 else tf.int64


def _check_levels(dtype, num_levels):
    """Raises unless numbers of the dtype have a fraction at the highest level."""
    bits = SIGNIFICANT_BITS.get(dtype)
    if bits is None:
        raise TypeError(f"`distribution` must be a density over floats, got dtype {dtype}.")
    if num_levels > 2 ** (bits - 1):
        raise ValueError(
            f"`num_levels` must be at most {2 ** (bits - 1)} for a density in {dtype.name}, whose "
            f"numbers have no fraction from there on, got {num_levels}; use float64, or fewer "
            "levels."
        )
