"""A monotone spline of each entry, from parameters of any value."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, Increasing, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import parameter_properties, ps
from tfp_ebm.internal.types import DType, Parameter, TensorLike

__all__ = ["MonotoneSpline"]

# Of the width of equal bins; of the mean slope; and of the mean slope of the bins beside a knot.
_SMALLEST_WIDTH, _SLOPE_RATIO, _KNOT_RATIO = 0.1, 5.0, 3.0


class MonotoneSpline(Increasing, OnePassBijector, tfp.bijectors.AutoCompositeTensorBijector):
    """A rational-quadratic spline on [-bound, bound], and the identity outside, elementwise.

        forward(x) = spline(x) where |x| < bound, x elsewhere
        forward_log_det_jacobian(x) = log of the slope of the spline, 0 elsewhere

    Each entry has K bins and 3 K - 1 parameters without constraint: K logits of widths, K
    log-slopes of bins up to a constant, K - 1 log-slopes of knots against the geometric mean of the
    bins beside them. 0 is the identity. The widths are at least a tenth of those of equal bins; a
    tanh keeps the slopes of bins within a factor of 5, up and down, before they are scaled so that
    the heights fill the interval, and those of knots within a factor of 3. So the slope stays
    between 1e-3 and 1e2, and both round trips hold whatever the parameters: in float32 within 1e-4
    with the default bound and up to 32 bins, measured. The spline is that of
    `tfb.RationalQuadraticSpline`, in fewer steps: one search for value and slope together, and no
    more than the point needs of the bins beside its own.

    >>> import numpy as np
    >>> import tensorflow as tf
    >>> spline = MonotoneSpline(np.random.default_rng(0).normal(size=[3 * 8 - 1]))
    >>> x = np.array([-9.0, -1.0, 0.5, 9.0])
    >>> y = spline.forward(x)
    >>> y.numpy()[[0, 3]].tolist(), bool(tf.reduce_all(y[1:] > y[:-1]))
    ([-9.0, 9.0], True)
    >>> spline.inverse(tf.identity(y)).numpy().round(6).tolist()
    [-9.0, -1.0, 0.5, 9.0]

    Source: Durkan et al., "Neural Spline Flows" (2019), section 3.1, whose slopes have no bound
    from above.
    """

    def __init__(
        self,
        unconstrained: TensorLike,
        bound: float = 4.0,
        validate_args: bool = False,
        name: str = "monotone_spline",
    ) -> None:
        """Constructs the bijector.

        Args:
          unconstrained: `[..., 3 K - 1]`, K at least 2, whose leading axes broadcast with x.
          bound: end of the interval, a finite number above 0.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the last axis is not of such a size, or the bound no such number.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, (self._unconstrained,) = converted(unconstrained=unconstrained)
            shape = self._unconstrained.shape
            size = None if shape.rank in (None, 0) else shape[-1]
            if size is None or size < 5 or (size + 1) % 3:
                raise ValueError(
                    "`unconstrained` must have a last axis of size 3 K - 1 for K >= 2 bins, such "
                    f"as 23 for 8 of them, got shape {shape}."
                )
            self._bound = checks.positive_number("bound", bound)
            super().__init__(**bijector_arguments(parameters, name, dtype=dtype))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {
            "unconstrained": parameter_properties.ParameterProperties(
                event_ndims=1, shape_fn=parameter_properties.SHAPE_FN_NOT_IMPLEMENTED
            )
        }

    unconstrained = Given[Parameter]("The parameters, as given.")
    bound = Given[float]("The end of the interval.")

    @property
    def num_bins(self) -> int:
        """K, the number of bins."""
        return (self._unconstrained.shape[-1] + 1) // 3

    def _knots(self):
        """Returns widths of bins, up to their sum 1, and log-slopes of bins and of knots."""
        count = self.num_bins
        sizes = [count, count, count - 1]
        width, slope, knot = tf.split(tf.convert_to_tensor(self._unconstrained), sizes, axis=-1)
        share = _SMALLEST_WIDTH / count + (1 - _SMALLEST_WIDTH) * tf.nn.softmax(width)
        return share, _within(slope, _SLOPE_RATIO), knot

    def _bin(self, unit, invert):
        """Returns the bin of each entry, a number between 0 and 1, and by how much it is too high.

        Only what a point needs of a bin is computed for every one.
        """
        width, slope, knot = self._knots()
        # Sums by a product with ones, which is faster than `tf.cumsum`: of what lies before each
        # bin, and of all.
        before = tf.constant(np.triu(np.ones([self.num_bins, self.num_bins + 1]), 1), self.dtype)
        starts = tf.tensordot(width, before, 1)
        heights = tf.tensordot(width * tf.exp(slope), before, 1)
        total, ends = heights[..., -1], heights if invert else starts
        reached = (unit * total if invert else unit)[..., tf.newaxis] >= ends[..., 1:-1]
        index = tf.reduce_sum(tf.cast(reached, tf.int32), axis=-1)
        final = self.num_bins - 1
        own = _picked(slope, index)

        def at_knot(knot_index, neighbour):
            """Returns the slope at a knot between two bins."""
            ratio = _within(_picked(knot, knot_index), _KNOT_RATIO)
            return tf.exp(ratio + (own + _picked(slope, neighbour)) / 2)

        earlier, later = tf.maximum(index - 1, 0), tf.minimum(index + 1, final)
        found = _Bin(
            start=_picked(starts, index),
            bottom=_picked(heights, index),
            width=_picked(width, index),
            log_slope=own,
            # Scaled so that heights fill the interval, the slopes at both ends are 1.
            first=tf.where(index == 0, total, at_knot(earlier, earlier)),
            last=tf.where(index == final, total, at_knot(later - 1, later)),
        )
        return found, total

    def _transform(self, x, invert):
        """Returns the value, and the logarithm of the slope of the spline at x or at the value."""
        inside, size = tf.abs(x) < self._bound, 2 * self._bound
        # Far outside a spline overflows, which would make gradients NaN.
        point = tf.where(inside, x, tf.zeros_like(x))
        unit = (point + self._bound) / size
        found, total = self._bin(unit, invert)
        if invert:
            place = found.inverse(unit * total)
            value = found.start + found.width * place
        else:
            place = (unit - found.start) / found.width
            value = found.forward(place) / total
        log_slope = found.log_slope_at(place) - tf.math.log(total)
        value = size * value - self._bound
        return tf.where(inside, value, x), tf.where(inside, log_slope, tf.zeros_like(log_slope))

    def _forward_and_log_det(self, x):
        return self._transform(x, invert=False)

    def _inverse_and_log_det(self, y):
        return self._transform(y, invert=True)


class _Bin(NamedTuple):
    """The bin of each entry, whose places run from 0 to 1.

    Attributes:
      start: where it begins.
      bottom: the height where it begins.
      width: its width.
      log_slope: logarithm of its height over its width.
      first: slope where it begins.
      last: slope where it ends.
    """

    start: tf.Tensor
    bottom: tf.Tensor
    width: tf.Tensor
    log_slope: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor

    def _bend(self, slope):
        return self.first + self.last - 2 * slope

    def forward(self, place):
        """Returns the height at a place, equation 4 of the source."""
        slope, between = tf.exp(self.log_slope), place * (1 - place)
        part = (slope * place**2 + self.first * between) / (slope + self._bend(slope) * between)
        return self.bottom + self.width * slope * part

    def inverse(self, height):
        """Returns the place of a height, appendix A.3, by the root that does not cancel."""
        slope = tf.exp(self.log_slope)
        part = (height - self.bottom) / (self.width * slope)
        linear = self.first - part * self._bend(slope)
        root = tf.sqrt(linear**2 + 4 * (slope - linear) * slope * part)
        return 2 * slope * part / (linear + root)

    def log_slope_at(self, place):
        """Returns the logarithm of the slope at a place, equation 5."""
        slope, rest = tf.exp(self.log_slope), 1 - place
        rate = self.last * place**2 + 2 * slope * place * rest + self.first * rest**2
        divisor = slope + self._bend(slope) * place * rest
        return 2 * self.log_slope + tf.math.log(rate) - 2 * tf.math.log(divisor)


def _picked(values, index):
    """Returns `values[..., index[...]]`, values broadcast against index."""
    if values.shape[:-1] != index.shape:
        shape = ps.concat([ps.shape(index), ps.shape(values)[-1:]], axis=0)
        values = tf.broadcast_to(values, shape)
    return tf.gather(values, index, batch_dims=index.shape.rank)


def _within(log_ratio, largest):
    """Returns the logarithm of a ratio between 1 / largest and largest, with slope 1 at 0."""
    limit = math.log(largest)
    return limit * tf.tanh(log_ratio / limit)
