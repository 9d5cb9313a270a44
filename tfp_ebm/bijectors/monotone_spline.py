"""A monotone spline of each entry, from parameters of any value."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import parameter_properties
from tfp_ebm.internal.types import DType, Parameter, TensorLike

__all__ = ["MonotoneSpline"]

# Of the width of equal bins; of the mean slope; and of the mean slope of the bins beside a knot.
_SMALLEST_WIDTH, _SLOPE_RATIO, _KNOT_RATIO = 0.1, 5.0, 3.0


class MonotoneSpline(OnePassBijector, tfp.bijectors.AutoCompositeTensorBijector):
    """A rational-quadratic spline on [-bound, bound], and the identity outside, elementwise.

        forward(x) = spline(x) where |x| < bound, x elsewhere
        forward_log_det_jacobian(x) = log of the slope of the spline, 0 elsewhere

    Each entry has K bins and 3 K - 1 parameters without constraint: K logits of widths, K
    log-slopes of bins up to a constant, K - 1 log-slopes of knots against the geometric mean of the
    bins beside them. 0 is the identity. The widths are at least a tenth of those of equal bins; a
    tanh keeps the slopes of bins within a factor of 5, up and down, before they are scaled so that
    the heights fill the interval, and those of knots within a factor of 3. So the slope stays
    between 1e-3 and 1e2, and both round trips hold whatever the parameters: in float32 within 1e-4
    with the default bound and up to 32 bins, measured. The spline itself is
    `tfb.RationalQuadraticSpline`.

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
            self._bound = checks.positive_number("bound", bound)
            shape = self._unconstrained.shape
            size = None if shape.rank in (None, 0) else shape[-1]
            if size is None or size < 5 or (size + 1) % 3:
                raise ValueError(
                    "`unconstrained` must have a last axis of size 3 K - 1 for K >= 2 bins, such "
                    f"as 23 for 8 of them, got shape {shape}."
                )
            super().__init__(**bijector_arguments(parameters, name, dtype=dtype))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {
            "unconstrained": parameter_properties.ParameterProperties(
                event_ndims=1, shape_fn=parameter_properties.SHAPE_FN_NOT_IMPLEMENTED
            )
        }

    @classmethod
    def _is_increasing(cls, **kwargs: Any):
        return True

    unconstrained = Given[Parameter]("The parameters, as given.")
    bound = Given[float]("The end of the interval.")

    @property
    def num_bins(self) -> int:
        """K, the number of bins."""
        return (self._unconstrained.shape[-1] + 1) // 3

    def _spline(self):
        """Returns the spline on the interval."""
        count = self.num_bins
        sizes = [count, count, count - 1]
        width, slope, knot = tf.split(tf.convert_to_tensor(self._unconstrained), sizes, axis=-1)
        share = _SMALLEST_WIDTH / count + (1 - _SMALLEST_WIDTH) * tf.nn.softmax(width)
        rise = share * tf.exp(_within(slope, _SLOPE_RATIO))
        rise = rise / tf.reduce_sum(rise, axis=-1, keepdims=True)
        log_slope = tf.math.log(rise / share)
        beside = (log_slope[..., 1:] + log_slope[..., :-1]) / 2
        return tfp.bijectors.RationalQuadraticSpline(
            bin_widths=2 * self._bound * share,
            bin_heights=2 * self._bound * rise,
            knot_slopes=tf.exp(_within(knot, _KNOT_RATIO) + beside),
            range_min=tf.constant(-self._bound, self.dtype),
        )

    def _transform(self, x, method):
        spline, inside = self._spline(), tf.abs(x) < self._bound
        # Far outside a spline overflows, which would make gradients NaN.
        point = tf.where(inside, x, tf.zeros_like(x))
        value = getattr(spline, method)(point)
        log_det = getattr(spline, f"{method}_log_det_jacobian")(point, event_ndims=0)
        return tf.where(inside, value, x), tf.where(inside, log_det, tf.zeros_like(log_det))

    def _forward_and_log_det(self, x):
        return self._transform(x, "forward")

    def _inverse_and_log_det(self, y):
        x, log_det = self._transform(y, "inverse")
        return x, -log_det


def _within(log_ratio, largest):
    """Returns the logarithm of a ratio between 1 / largest and largest, with slope 1 at 0."""
    limit = math.log(largest)
    return limit * tf.tanh(log_ratio / limit)
