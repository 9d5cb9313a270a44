"""Glow for vectors: the flow of the toy study of VFlow."""

from collections.abc import Sequence

import tensorflow_probability as tfp

from tfp_ebm import networks
from tfp_ebm.flows.affine_maps import affine
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.spline_flow import single_splines
from tfp_ebm.flows.vector_steps import VectorSteps, check_context, coupling_sizes
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["vector_flow"]

tfb = tfp.bijectors


@with_flow_options
def vector_flow(
    num_dims: int,
    num_steps: int = 4,
    hidden_units: Sequence[int] = (50, 50),
    init: str = "identity",
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns steps of Glow for vectors, latent to data.

    A step is an `ActNorm`, a matrix in LU form and an affine coupling whose network starts at 0; it
    transforms the last floor(D / 2) entries given the others, and the next one these given them. A
    single entry has nothing to depend on: there a step is an `ActNorm` and a `MonotoneSpline` of 8
    bins, which starts as the identity, and no network.

    >>> vector_flow(4, num_steps=2).forward_event_shape([4])
    TensorShape([4])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      hidden_units: sizes of the networks' hidden layers.
      init: where matrices start: near the `"identity"`, which keeps the extra coordinates of
        VFlow apart from x at first, or at a random `"rotation"`.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if a size is not positive or `init` unknown, or there is a condition and D is 1.

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 5.
    """
    num_context, dtype, policy, name = shared("vector_flow", options)
    num_dims = checks.positive_integer("num_dims", num_dims)
    num_context = check_context(num_dims, num_context)
    steps = VectorSteps(num_dims, checks.positive_integer("num_steps", num_steps), init, dtype)
    if num_dims == 1:
        return tfb.Invert(steps.chain(single_splines(num_steps, dtype=dtype)), name=name)
    sizes = [coupling_sizes(num_dims, step) for step in range(num_steps)]
    conditioners = [
        networks.MLP(given + num_context, 2 * moved, hidden_units, zero_output=True, dtype=policy)
        for given, moved in sizes
    ]
    return tfb.Invert(steps.coupled(affine, conditioners, num_context), name=name)
