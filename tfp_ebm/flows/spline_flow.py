"""The neural spline flow, for vectors."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.vector_steps import VectorSteps, check_context, coupling_sizes
from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import ps
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["single_splines", "spline_flow"]

tfb = tfp.bijectors

_BOUND = 4.0


@dataclasses.dataclass(frozen=True)
class _Splines:
    """Makes the splines of a coupling from what its network returns."""

    num_bins: int
    bound: float

    def __call__(self, parameters):
        each = 3 * self.num_bins - 1
        shape = ps.concat([ps.shape(parameters)[:-1], [parameters.shape[-1] // each, each]], axis=0)
        return bijectors.MonotoneSpline(tf.reshape(parameters, shape), self.bound)


def single_splines(
    count: int, num_bins: int = 8, bound: float = _BOUND, dtype: tf.DType = tf.float32
) -> list[Bijector]:
    """Returns trainable splines on `[..., 1]`, which start as the identity.

    Args:
      count: how many.
      num_bins: bins of each.
      bound: end of the interval of each.
      dtype: dtype of the variables.
    """
    shape = [1, 3 * num_bins - 1]
    return [
        bijectors.MonotoneSpline(tf.Variable(tf.zeros(shape, dtype), name="unconstrained"), bound)
        for _ in range(count)
    ]


@with_flow_options
def spline_flow(
    num_dims: int,
    num_steps: int = 4,
    num_bins: int = 8,
    hidden_units: Sequence[int] = (50, 50),
    bound: float = _BOUND,
    init: str = "rotation",
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns a neural spline flow for vectors, latent to data.

    A step is an `ActNorm`, a matrix in LU form and a coupling by a `MonotoneSpline` of each entry,
    whose network starts at 0, where splines are the identity; it transforms the last floor(D / 2)
    entries given the others, and the next one these given them. A single entry has nothing to
    depend on: there a step is an `ActNorm` and a trainable spline, without a network. Outside their
    interval splines are the identity, so let `initialize_from_data` bring the data into it first.

    >>> flow = spline_flow(3, num_steps=2, hidden_units=[8])
    >>> flow.forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      num_bins: bins of each spline, at least 2.
      hidden_units: sizes of the networks' hidden layers.
      bound: end of the interval of the splines, in the units of the latents.
      init: where matrices start: near the `"identity"` or at a random `"rotation"`.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if a size is not positive or `init` unknown, or there is a condition and D is 1.

    Source: Durkan et al., "Neural Spline Flows" (2019), sections 3 and 5.1.
    """
    num_context, dtype, policy, name = shared("spline_flow", options)
    num_dims = checks.positive_integer("num_dims", num_dims)
    num_steps = checks.positive_integer("num_steps", num_steps)
    num_bins = checks.positive_integer("num_bins", num_bins, minimum=2)
    bound = checks.positive_number("bound", bound)
    num_context = check_context(num_dims, num_context)
    steps = VectorSteps(num_dims, num_steps, init, dtype)
    if num_dims == 1:
        return tfb.Invert(steps.chain(single_splines(num_steps, num_bins, bound, dtype)), name=name)
    sizes = [coupling_sizes(num_dims, step) for step in range(num_steps)]
    conditioners = [
        networks.MLP(
            given + num_context,
            moved * (3 * num_bins - 1),
            hidden_units,
            zero_output=True,
            dtype=policy,
        )
        for given, moved in sizes
    ]
    flow = steps.coupled(_Splines(num_bins, bound), conditioners, num_context)
    return tfb.Invert(flow, name=name)
