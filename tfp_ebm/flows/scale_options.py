"""The arguments that image flows of several scales share."""

import inspect
from collections.abc import Callable
from typing import NamedTuple

from tfp_ebm.flows.flow_options import DEFAULTS, FlowOptions, Shared, shared
from tfp_ebm.internal import checks
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Unpack

__all__ = ["ScaleOptions", "Scales", "scales_of", "with_scale_options"]


class ScaleOptions(FlowOptions, total=False):
    """Arguments of every image flow of several scales.

    Args:
      num_scales: number of scales; H and W are multiples of `2^num_scales`.
      num_steps: steps of each kind at each scale.
      num_filters: width of the networks.
      conditional: whether what stays moves and scales what is factored out: a learned conditional
        base of that part.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.
    """

    num_scales: int
    num_steps: int
    num_filters: int
    conditional: bool
    alpha: float


class Scales(NamedTuple):
    """What a flow of several scales has of its own in `ScaleOptions`."""

    num_scales: int
    num_steps: int
    num_filters: int
    conditional: bool
    alpha: float


def with_scale_options(num_steps: int, num_filters: int) -> Callable:
    """Returns a decorator that spells the options of a flow out, with these defaults."""
    own = Scales(2, num_steps, num_filters, conditional=True, alpha=0.05)
    return spelled_out(ScaleOptions, {**own._asdict(), **DEFAULTS}, FlowOptions)


def scales_of(flow: Callable, **options: Unpack[ScaleOptions]) -> tuple[Scales, Shared]:
    """Returns the options of a flow, with its defaults in place of what is not given.

    Args:
      flow: the function that makes it, decorated by `with_scale_options`.
      **options: what it was given.

    Raises:
      TypeError: if there is no such option.
      ValueError: if a number of scales, steps or channels of a condition is out of its range.
    """
    parameters = inspect.signature(flow).parameters
    given = {name: options.pop(name, parameters[name].default) for name in Scales._fields}
    for name in ("num_scales", "num_steps"):
        checks.positive_integer(name, given[name])
    return Scales(**given), shared(flow.__name__, options)
