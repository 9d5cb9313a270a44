"""The arguments that all flows with networks share."""

from typing import NamedTuple, TypedDict

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Policy

__all__ = ["DEFAULTS", "FlowOptions", "Shared", "shared", "with_flow_options"]


class FlowOptions(TypedDict, total=False):
    """Arguments of every flow with networks.

    Args:
      num_context: size of the condition vectors that every coupling takes, see
        `tfp_ebm.bijectors.Coupling`; 0: there are none.
      dtype: dtype of all variables; couplings, matrices and densities are computed in it.
      network_policy: Keras policy of the networks, such as `"mixed_bfloat16"`; by default `dtype`.
      name: name of the bijector; None: that of the function.
    """

    num_context: int
    dtype: tf.DType
    network_policy: Policy
    name: str | None


DEFAULTS = {"num_context": 0, "dtype": tf.float32, "network_policy": None, "name": None}

with_flow_options = spelled_out(FlowOptions, DEFAULTS)


class Shared(NamedTuple):
    """Options of a flow, with defaults in place of what is not given."""

    num_context: int
    dtype: tf.DType
    policy: Policy
    name: str


def shared(function_name: str, options: FlowOptions) -> Shared:
    """Returns the options of a flow.

    Args:
      function_name: name of the function that makes it.
      options: what it was given.

    Raises:
      TypeError: if there is no such option.
      ValueError: if the size of the condition is no count.
    """
    if unknown := set(options) - set(DEFAULTS):
        raise TypeError(
            f"`{function_name}` has no argument {sorted(unknown)[0]!r}; all flows take "
            f"{', '.join(DEFAULTS)}, and `help({function_name})` shows the others."
        )
    given = {**DEFAULTS, **options}
    num_context = checks.positive_integer("num_context", given["num_context"], minimum=0)
    policy = given["dtype"] if given["network_policy"] is None else given["network_policy"]
    return Shared(num_context, given["dtype"], policy, given["name"] or function_name)
