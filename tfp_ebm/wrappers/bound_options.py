"""The arguments that the constructors of all bounds share."""

from typing import TypedDict

from tfp_ebm.internal.spelled_options import spelled_out

__all__ = ["DEFAULTS", "BoundOptions", "with_bound_options"]


class BoundOptions(TypedDict, total=False):
    """Arguments of the constructor of every bound.

    Args:
      validate_args: as in TensorFlow Probability; values are checked either way, samples only so.
      allow_nan_stats: as in TensorFlow Probability.
      name: name of the distribution; None: that of its class.
    """

    validate_args: bool
    allow_nan_stats: bool
    name: str | None


DEFAULTS = {"validate_args": False, "allow_nan_stats": True, "name": None}

with_bound_options = spelled_out(BoundOptions, DEFAULTS)
