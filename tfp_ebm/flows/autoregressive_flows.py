"""The masked and the inverse autoregressive flow."""

from collections.abc import Sequence
from typing import TypedDict

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.entry_maps import EntryMap
from tfp_ebm.internal import checks
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Bijector, Options, Unpack

__all__ = ["iaf", "maf"]

tfb = tfp.bijectors


class _Options(TypedDict, total=False):
    """Arguments that autoregressive flows of both directions share.

    Args:
      hidden_units: sizes of the networks' hidden layers.
      num_bins: bins of each spline, at least 2.
      num_components: logistic components of each mixture.
      bound: end of the interval of the splines, in the units of the latents.
      order: how entries are permuted between steps: by a `"reversal"`, at `"random"` (the same in
        every program), or to an order of your own.
      num_context: size of the condition vectors that every step takes, see
        `tfp_ebm.bijectors.Autoregressive`; 0: there are none.
      dtype: dtype of all variables.
    """

    hidden_units: Sequence[int]
    num_bins: int
    num_components: int
    bound: float
    order: str | Sequence[int]
    num_context: int
    dtype: tf.DType


_DEFAULTS = {
    "hidden_units": (128, 128),
    "num_bins": 8,
    "num_components": 8,
    "bound": 4.0,
    "order": "reversal",
    "num_context": 0,
    "dtype": tf.float32,
}
_with_options = spelled_out(_Options, _DEFAULTS)


@_with_options
def maf(
    num_dims: int, num_steps: int = 5, transform: str = "affine", **options: Unpack[_Options]
) -> Bijector:
    """Returns a masked autoregressive flow, latent to data: fast densities, slow samples.

    In the order the data meet them: an `ActNorm`, and steps of an autoregressive map and a
    permutation of the entries:

        y_i = g(x_i; theta_i(x_0 ... x_(i-1)))

    One call of a `MaskedMLP` gives theta, and a density takes as many calls as there are steps; a
    sample the products of as many, entry by entry. With `transform="spline"` the map g of an entry
    is a rational-quadratic spline, with `"mixture"` that of Flow++, see `EntryMap`.

    >>> maf(3, num_steps=2, hidden_units=[8]).forward_event_shape([3])
    TensorShape([3])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      transform: the map of an entry: `"affine"`, `"gated"`, `"spline"` or `"mixture"`.
      **options: `_Options`.

    Returns:
      A bijector from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range, or an order no permutation.

    Source: Papamakarios, Pavlakou and Murray, "Masked Autoregressive Flow for Density Estimation"
    (2017), section 3; the splines, Durkan et al., "Neural Spline Flows" (2019), section 4.
    """
    steps = _Steps(num_dims, transform, options)
    chain = [steps.norm()]
    for step in range(checks.positive_integer("num_steps", num_steps)):
        chain += [tfb.Invert(steps.autoregressive()), *steps.permutation(step)]
    return tfb.Invert(tfb.Chain(chain[::-1]))


@_with_options
def iaf(
    num_dims: int, num_steps: int = 5, transform: str = "gated", **options: Unpack[_Options]
) -> Bijector:
    """Returns an inverse autoregressive flow, latent to data: fast samples, slow densities.

    The steps of `maf` the other way round, and an `ActNorm` next to the data:

        x_i = g(z_i; theta_i(z_0 ... z_(i-1)))

    A sample takes one call of each step's network, and so does the density of a sample that this
    flow has made; that of other points takes D steps, one by one. The gated step is

        x = sigma z + (1 - sigma) m,   sigma = sigmoid(s)

    >>> flow = iaf(3, num_steps=2, hidden_units=[8])
    >>> flow(tf.zeros([4, 3])).shape
    TensorShape([4, 3])

    Args:
      num_dims: D, the size of the vectors.
      num_steps: number of steps.
      transform: the map of an entry: `"gated"`, `"affine"`, `"spline"` or `"mixture"`.
      **options: `_Options`.

    What is returned, and errors, are those of `maf`.

    Source: Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow" (2016),
    algorithm 1.
    """
    steps = _Steps(num_dims, transform, options)
    chain = [steps.norm()]
    for step in range(checks.positive_integer("num_steps", num_steps)):
        chain += [*steps.permutation(step), steps.autoregressive()]
    return tfb.Invert(tfb.Chain(chain[::-1]))


class _Steps:
    """Makes the parts of a step."""

    def __init__(self, num_dims: int, transform: str, options: Options) -> None:
        if unknown := set(options) - set(_DEFAULTS):
            raise TypeError(
                f"Autoregressive flows have no argument {sorted(unknown)[0]!r}; beside `num_dims`, "
                f"`num_steps` and `transform` they take {', '.join(_DEFAULTS)}."
            )
        given = {**_DEFAULTS, **options}
        self._num_dims, self._order, self._dtype = num_dims, given["order"], given["dtype"]
        self._hidden_units, self._num_context = given["hidden_units"], given["num_context"]
        sizes = (given[name] for name in ("num_bins", "num_components", "bound"))
        self._entry_map = EntryMap(transform, *sizes)

    def norm(self):
        return bijectors.ActNorm.create([self._num_dims], dtype=self._dtype, event_rank=1)

    def autoregressive(self):
        """Returns one autoregressive map, whose inverse is the fast way."""
        network = networks.MaskedMLP(
            self._num_dims,
            self._entry_map.num_parameters,
            self._hidden_units,
            output_bias=self._entry_map.first_parameters,
            num_context=self._num_context,
            dtype=self._dtype,
        )
        return bijectors.Autoregressive(network, self._entry_map.inverted, self._num_context)

    def permutation(self, step):
        """Returns the permutation between two steps; a single entry has none."""
        num_dims, order = self._num_dims, self._order
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
