"""Where in a flow conditions go: keywords by the names of nested bijectors."""

from typing import Any

import tensorflow_probability as tfp

from tfp_ebm.internal.tfp_private import Chain, Invert, JointMap
from tfp_ebm.internal.types import Bijector, TensorLike

__all__ = ["condition_kwargs", "context_size"]

tfb = tfp.bijectors

_NESTED = "tfb.Chain, tfb.Invert and tfb.JointMap"


def context_size(flow: Bijector) -> int:
    """Returns the size of the condition vectors that the parts of a flow take; 0: none takes any.

    Args:
      flow: the bijector.

    Raises:
      ValueError: if parts take conditions of different sizes, or lie where none reaches them.
    """
    parts = {}
    for path, part in _leaves(flow, ()):
        parts.setdefault(path, []).append(part)
    for path, same in parts.items():
        if len({_takes(part) for part in same}) > 1:
            raise ValueError(
                f"The flow has several parts named {path[-1]!r}, some of which take no condition; "
                "give them different names, by which TensorFlow Probability tells them apart."
            )
    takers = [part for same in parts.values() for part in same if _takes(part)]
    reached = {id(part) for part in takers}
    for part in (flow, *flow.submodules):
        if isinstance(part, tfb.Bijector) and _takes(part) and id(part) not in reached:
            raise ValueError(
                f"No condition reaches the part {part.name!r} of the flow; compose conditional "
                f"bijectors by {_NESTED}."
            )
    sizes = {part.num_context for part in takers}
    if len(sizes) > 1:
        raise ValueError(
            f"The parts of the flow take conditions of sizes {sorted(sizes)}; give all of them the "
            "same `num_context`."
        )
    return max(sizes, default=0)


def condition_kwargs(flow: Bijector, condition: TensorLike) -> dict[str, Any]:
    """Returns the keywords by which every conditional part of a flow gets a condition.

    Chains and joint maps pass keywords on by the names of their parts; parts of the same name get
    the same.

    >>> from tfp_ebm import flows
    >>> flow = flows.vector_flow(2, num_steps=1, hidden_units=[4], num_context=3)
    >>> condition_kwargs(flow, "c")
    {'coupling': {'condition': 'c'}}

    Args:
      flow: the bijector.
      condition: what each of them gets.
    """
    kwargs = {}
    for path, part in _leaves(flow, ()):
        if _takes(part):
            place = kwargs
            for name in path:
                place = place.setdefault(name, {})
            place["condition"] = condition
    return kwargs


def _takes(bijector):
    return getattr(bijector, "num_context", 0) > 0


def _leaves(bijector, path):
    """Yields the innermost bijectors, each with the names by which keywords reach it."""
    if isinstance(bijector, Invert):
        yield from _leaves(bijector.bijector, path)
    elif isinstance(bijector, Chain | JointMap):
        for part in bijector.bijectors:
            yield from _leaves(part, (*path, part.name))
    else:
        yield path, bijector
