"""The masked and the inverse autoregressive flow."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.entry_maps import EntryMap
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector

__all__ = ["iaf", "maf"]

tfb = tfp.bijectors


def maf(
    num_dims: int,
    num_steps: int = 5,
    hidden_units: Sequence[int] = (128, 128),
    transform: str = "affine",
    num_bins: int = 8,
    num_components: int = 8,
    bound: float = 4.0,
    order: str | Sequence[int] = "reversal",
    num_context: int = 0,
    dtype: tf.DType = tf.float32,
) -> Bijector:
    """Returns a masked autoregressive flow, latent to data: fast densities, slow samples.

    In the order the data meet them: an `ActNorm`, and steps of an autoregressive map and a
    permutation of the entries:

        y_i = g(x_i; theta_i(x_0 ... x_(i-1)))

    One call of a `MaskedMLP` gives theta, and a density takes as many calls as there are steps; a
    sample the products of as many, entry by entry. With `transform="spline"` the map g of an entry
    is a rational-quadratic spline, with `"mixture"` that of Flow++, see `EntryMap`.

    >>> flow = maf(3, num_steps=2, hidden_units=[8])
    >>> flow.forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      hidden_units: sizes of the networks' hidden layers.
      transform: the map of an entry: `"affine"`, `"gated"`, `"spline"` or `"mixture"`.
      num_bins: bins of each spline, at least 2.
      num_components: logistic components of each mixture.
      bound: end of the interval of the splines, in the units of the latents.
      order: how entries are permuted after a step: by a `"reversal"`, at `"random"` (the same in
        every program), or to an order of your own.
      num_context: size of the condition vectors that every step takes, see
        `tfp_ebm.bijectors.Autoregressive`; 0: there are none.
      dtype: dtype of all variables.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range, or an order no permutation.

    Source: Papamakarios, Pavlakou and Murray, "Masked Autoregressive Flow for Density Estimation"
    (2017), section 3; the splines, Durkan et al., "Neural Spline Flows" (2019), section 4.
    """
    steps = [bijectors.ActNorm.create([num_dims], dtype=dtype, event_rank=1)]
    entry_map = EntryMap(transform, num_bins, num_components, bound)
    for step in range(checks.positive_integer("num_steps", num_steps)):
        flow = _autoregressive(num_dims, hidden_units, entry_map, num_context, dtype)
        steps += [tfb.Invert(flow), *_permutation(num_dims, order, step)]
    return tfb.Invert(tfb.Chain(steps[::-1]))


def iaf(
    num_dims: int,
    num_steps: int = 5,
    hidden_units: Sequence[int] = (128, 128),
    transform: str = "gated",
    num_bins: int = 8,
    num_components: int = 8,
    bound: float = 4.0,
    order: str | Sequence[int] = "reversal",
    num_context: int = 0,
    dtype: tf.DType = tf.float32,
) -> Bijector:
    """Returns an inverse autoregressive flow, latent to data: fast samples, slow densities.

    The steps of `maf` the other way round, and an `ActNorm` next to the data:

        x_i = g(z_i; theta_i(z_0 ... z_(i-1)))

    A sample takes one call of each step's network, and so does the density of a sample that this
    flow has made; that of other points takes D steps, one by one. The gated step is

        x = sigma z + (1 - sigma) m,   sigma = sigmoid(s)

    >>> flow = iaf(3, num_steps=2, hidden_units=[8])
    >>> flow.forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      hidden_units: sizes of the networks' hidden layers.
      transform: the map of an entry: `"gated"`, `"affine"`, `"spline"` or `"mixture"`.
      num_bins: bins of each spline, at least 2.
      num_components: logistic components of each mixture.
      bound: end of the interval of the splines, in the units of the latents.
      order: how entries are permuted between steps, see `maf`.
      num_context: size of the condition vectors that every step takes, see
        `tfp_ebm.bijectors.Autoregressive`; 0: there are none.
      dtype: dtype of all variables.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range, or an order no permutation.

    Source: Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow" (2016),
    algorithm 1.
    """
    steps = [bijectors.ActNorm.create([num_dims], dtype=dtype, event_rank=1)]
    entry_map = EntryMap(transform, num_bins, num_components, bound)
    for step in range(checks.positive_integer("num_steps", num_steps)):
        flow = _autoregressive(num_dims, hidden_units, entry_map, num_context, dtype)
        steps += [*_permutation(num_dims, order, step), flow]
    return tfb.Invert(tfb.Chain(steps[::-1]))


def _autoregressive(num_dims, hidden_units, entry_map, num_context, dtype):
    """Returns one autoregressive map, whose inverse is the fast way."""
    network = networks.MaskedMLP(
        num_dims,
        entry_map.num_parameters,
        hidden_units,
        output_bias=entry_map.first_parameters,
        num_context=num_context,
        dtype=dtype,
    )
    return bijectors.Autoregressive(network, entry_map.inverted, num_context)


def _permutation(num_dims, order, step):
    """Returns the permutation between two steps; a single entry has none."""
    if isinstance(order, str):
        checks.choice("order", order, ["reversal", "random"])
        if num_dims == 1:
            return []
        if order == "reversal":
            return [bijectors.Permutation.reversal(num_dims)]
        return [bijectors.Permutation.random(num_dims, seed=step)]
    if len(checks.permutation("order", order)) != num_dims:
        raise ValueError(f"`order` must have {num_dims} entries, got {len(order)}.")
    return [bijectors.Permutation(order)]
