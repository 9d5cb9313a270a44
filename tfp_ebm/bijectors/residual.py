"""Residual layers: x plus a contraction of x."""

import tensorflow as tf

from tfp_ebm.bijectors.context import with_context
from tfp_ebm.bijectors.contraction_root import FixedPoint, Solver
from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.bijectors.power_series import PowerSeries, exact_log_det
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, bijector_arguments
from tfp_ebm.internal.exact_log_dets import wants_exact
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.types import DType, TensorLike

__all__ = ["Residual"]

# Events of at most so many entries have exact log-determinants unless it is said otherwise.
_FEW = 16
_NUM_TERMS = {"roulette": 2, "series": 10}
_KINDS = {
    "exact": "exact",
    "roulette": "unbiased estimate",
    "series": "truncated estimate",
}


class Residual(OnePassBijector):
    """Adds to an event a network of itself whose Lipschitz constant is below 1.

        forward(x) = x + g(x),   ||g(x) - g(x')|| <= c ||x - x'||,   c < 1
        forward_log_det_jacobian(x) = log det(I + J) = sum_k (-1)^(k + 1) / k tr(J^k),   J = dg/dx
        inverse(y): the limit of x <- y - g(x)

    Every entry may depend on every other one, in both directions. The network is one of
    `tfp_ebm.networks.LipschitzNet` and `LipschitzDenseNet`, or a `tf.Module` with their
    `event_shape`, `coefficient`, `tensors(condition)` and `apply(x, tensors)`; it runs once for the
    value and the log-determinant together.

    The log-determinant is *exact* from the whole Jacobian where events have at most 16 entries:
    D times the cost of the network, in time and memory. Of larger events it is an *unbiased
    estimate*, which differs from draw to draw, by Hutchinson's traces and Russian roulette (see
    `PowerSeries`); `log_det_kind` says which. An estimate is a function of `seed`; it is kept
    beside its tensor, so that one `log_prob` sees one value, and drawn anew for another tensor or
    seed.
    Within `bijectors.exact_log_determinants()` all are exact.

    The inverse is iterated to a residual of 5e-7 in float32 and 1e-13 in float64, relative to the
    event, or where rounding leaves no more to at most ten times that, or absolute if the event is
    small, by Anderson's acceleration of the fixed-point iteration (see `Solver`); `fixed_point`
    returns the residual and the count. An inverse that does not converge is an error, and NaN
    under XLA.

    #### Example

    >>> import tensorflow as tf
    >>> from tfp_ebm.networks import LipschitzNet
    >>> layer = Residual(LipschitzNet((3,), hidden_units=[8]))
    >>> x = tf.constant([[0.5, -1.0, 2.0]])
    >>> y = layer.forward(x)
    >>> bool(tf.reduce_max(tf.abs(layer.inverse(tf.identity(y)) - x)) < 1e-5)
    True
    >>> layer.forward_log_det_jacobian(x).shape
    TensorShape([1])

    With `num_context` in the network every method takes a keyword `condition`, as those of
    `Coupling` do; g stays a contraction of x, whatever the condition.

    Source: Behrmann et al., "Invertible residual networks" (2019); Chen et al., "Residual Flows for
    Invertible Generative Modeling" (2019); "Deep Generative Modeling" (Tomczak), equations 3.23 and
    3.24.
    """

    def __init__(
        self,
        network: tf.Module,
        log_det: str = "auto",
        num_terms: int | None = None,
        tolerance: float | None = None,
        max_evaluations: int = 1_000,
        validate_args: bool = False,
        name: str = "residual",
    ) -> None:
        """Constructs the layer.

        Args:
          network: g.
          log_det: `"exact"`; `"roulette"`, unbiased; `"series"`, cut off, whose bias `PowerSeries`
            bounds; or `"auto"`: exact for at most 16 entries, else by roulette.
          num_terms: terms of the series that are always there; None: 2 of roulette, and 10 of a
            series that is cut off.
          tolerance: residual at which the inverse ends, relative to the event; None: by the dtype.
          max_evaluations: evaluations of the network after which the inverse gives up.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          TypeError: if the network is none of the kind described above; when called, if the data
            have another dtype.
          ValueError: if its coefficient is not between 0 and 1, or an argument out of its range;
            when called, if events have another shape, a condition does not fit, or an inverse does
            not converge.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            _check_network(network)
            checks.choice("log_det", log_det, ("auto", *_KINDS))
            if num_terms is not None:
                num_terms = checks.positive_integer("num_terms", num_terms)
            if tolerance is not None:
                tolerance = checks.positive_number("tolerance", tolerance)
            max_evaluations = checks.positive_integer("max_evaluations", max_evaluations)
            self._network = network
            self._num_terms = num_terms
            self._log_det = log_det
            self._solver = Solver(
                len(network.event_shape),
                network.coefficient,
                parameters["name"],
                tolerance,
                max_evaluations,
            )
            super().__init__(**bijector_arguments(parameters, name, len(network.event_shape)))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {}

    network = Given[tf.Module]("The network g.")

    @property
    def num_context(self) -> int:
        """The size of the condition vectors; 0: there are none."""
        return getattr(self._network, "num_context", 0)

    @property
    def log_det_kind(self) -> str:
        """What log-determinants are: "exact", "unbiased estimate" or "truncated estimate"."""
        return _KINDS[self._method()]

    def _method(self):
        if wants_exact():
            return "exact"
        if self._log_det != "auto":
            return self._log_det
        size = tf.TensorShape(self._network.event_shape).num_elements()
        return "exact" if size <= _FEW else "roulette"

    def _tensors(self, x, condition):
        """Returns what the network applies, with the biases that a condition moves."""
        shape, event_ndims = self._network.event_shape, len(self._network.event_shape)
        rank = -1 if x.shape.rank is None else x.shape.rank - event_ndims
        if rank < 0 or not x.shape[rank:].is_compatible_with(shape):
            raise ValueError(
                f"`{self.name}` needs events of shape {list(shape)}, that of its network, got "
                f"shape {x.shape}."
            )
        # Checked, and broadcast, like those of couplings.
        seen = with_context(x[..., :0], condition, self.num_context, event_ndims, self.name)
        for _ in range(event_ndims - 1):
            seen = seen[..., 0, :]
        tensors = self._network.tensors(seen) if self.num_context else self._network.tensors()
        if tensors and tensors[0].dtype != x.dtype:
            raise TypeError(
                f"`network` has variables of {tensors[0].dtype.name} for data of {x.dtype.name}: "
                "make the network with the dtype of the data, or cast the data."
            )
        return tensors

    def _value_and_log_det(self, x, tensors, seed):
        def function(x, *tensors):
            return self._network.apply(x, tensors)

        event_ndims, method = len(self._network.event_shape), self._method()
        x = tf.ensure_shape(x, x.shape[:-event_ndims].concatenate(self._network.event_shape))
        if method == "exact":
            value, log_det = exact_log_det(function, x, tensors, event_ndims)
        else:
            series = PowerSeries(
                event_ndims, self._num_terms or _NUM_TERMS[method], method == "roulette"
            )
            seed = sanitize_seed(seed, salt="residual")
            value, log_det = series.log_det(function, x, tensors, seed)
        return x + value, log_det

    def _forward_and_log_det(self, x, condition=None, seed=None):
        return self._value_and_log_det(x, self._tensors(x, condition), seed)

    def _inverse_and_log_det(self, y, condition=None, seed=None):
        tensors = self._tensors(y, condition)
        x = self._solver.solve(lambda x, *parts: self._network.apply(x, parts), y, tensors)
        return x, self._value_and_log_det(x, tensors, seed)[1]

    def fixed_point(self, y: TensorLike, condition: TensorLike | None = None) -> FixedPoint:
        """Returns what the inverse iterates to, with its residual and count, converged or not.

        Args:
          y: `[..., *event_shape]`.
          condition: as of `inverse`.
        """
        y = tf.convert_to_tensor(y, dtype_hint=self.dtype)
        tensors = self._tensors(y, condition)
        return self._solver.iterate(lambda x: self._network.apply(x, tensors), y)


def _check_network(network):
    needed = ("event_shape", "coefficient", "tensors", "apply")
    missing = [name for name in needed if not hasattr(network, name)]
    if not isinstance(network, tf.Module) or missing:
        raise TypeError(
            "`network` must be a contraction such as networks.LipschitzNet((D,)), a tf.Module with "
            f"{', '.join(needed)}, got {type(network).__name__}."
        )
    coefficient = network.coefficient
    if not 0 < coefficient < 1:
        raise ValueError(
            "`network` must have a Lipschitz `coefficient` between 0 and 1, or x + g(x) may have "
            f"no inverse, got {coefficient}."
        )
