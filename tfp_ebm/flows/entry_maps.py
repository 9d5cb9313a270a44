"""Monotone maps of single entries, from parameters that lie on the last axis."""

import dataclasses
import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.bijectors.mix_log_cdf_coupling import scaled_mixture
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector

__all__ = ["EntryMap"]

tfb = tfp.bijectors

# Of a scale or its inverse in one step: far outliers, where networks return large numbers, would
# otherwise give losses that fill Adam's averages for a thousand updates.
_LARGEST_SCALE = 5.0


@dataclasses.dataclass(frozen=True)
class EntryMap:
    """Makes the map of every entry from P parameters of its own, the fast way.

    * `"affine"`: P = 2, `exp(b atan(s / b)) x + t`, the scale between 1/5 and 5;
    * `"gated"`: P = 2, `sigma x + (1 - sigma) m`, sigma = sigmoid(s), of the inverse autoregressive
      flow;
    * `"spline"`: P = 3 num_bins - 1, a `MonotoneSpline`;
    * `"mixture"`: P = 2 + 3 num_components, a scale and shift of a `MixLogCDF`.

    Attributes:
      kind: which of them.
      num_bins: bins of a spline.
      num_components: logistic components of a mixture.
      bound: end of the interval of a spline.
    """

    kind: str = "affine"
    num_bins: int = 8
    num_components: int = 8
    bound: float = 4.0

    def __post_init__(self) -> None:
        """Checks the attributes.

        Raises:
          ValueError: if one is out of its range.
        """
        checks.choice("transform", self.kind, ["affine", "gated", "mixture", "spline"])
        checks.positive_integer("num_bins", self.num_bins, minimum=2)
        checks.positive_integer("num_components", self.num_components)
        checks.positive_number("bound", self.bound)

    @property
    def num_parameters(self) -> int:
        """P."""
        sizes = {"spline": 3 * self.num_bins - 1, "mixture": 2 + 3 * self.num_components}
        return sizes.get(self.kind, 2)

    @property
    def first_parameters(self) -> list[float] | None:
        """Where they start; None: at 0. Of a gate nearly open, as its paper advises."""
        return [0.0, 2.0] if self.kind == "gated" else None

    def __call__(self, parameters: tf.Tensor) -> Bijector:
        """Returns the elementwise bijector.

        Args:
          parameters: `[..., P]`.
        """
        if self.kind == "spline":
            return bijectors.MonotoneSpline(parameters, self.bound)
        if self.kind == "mixture":
            return scaled_mixture(parameters)
        first, second = tf.unstack(parameters, num=2, axis=-1)
        if self.kind == "gated":
            closed = tf.sigmoid(-second)
            return tfb.Shift(closed * first)(tfb.Scale(log_scale=tf.math.log_sigmoid(second)))
        limit = 2 / math.pi * math.log(_LARGEST_SCALE)
        return tfb.Shift(first)(tfb.Scale(log_scale=limit * tf.atan(second / limit)))

    def inverted(self, parameters: tf.Tensor) -> Bijector:
        """Returns the inverse of the elementwise bijector, whose own inverse is the fast way.

        Args:
          parameters: `[..., P]`.
        """
        return tfb.Invert(self(parameters))
