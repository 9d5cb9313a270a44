"""Log-likelihoods in every unit, with what they are named."""

import math
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.json_numbers import json_fields
from tfp_ebm.internal.types import TensorLike

__all__ = ["LikelihoodRecord", "likelihood_record"]

# Upper bounds on the negative log-likelihood of the integers.
_BOUNDS = ("one-draw bound", "importance-sampled bound")
_LOG_DETERMINANTS = ("exact", "unbiased estimate", "truncated estimate")
_KINDS = (*_BOUNDS, "density at the raw pixels", *_LOG_DETERMINANTS)


class LikelihoodRecord(NamedTuple):
    """A negative log-likelihood, in nats and bits, with the whole ledger of its units.

    >>> import tensorflow_probability as tfp
    >>> import tfp_ebm
    >>> normal = tfp.distributions.MultivariateNormalDiag(np.zeros([2], np.float32))
    >>> record = tfp_ebm.runs.evaluate_model(normal, np.zeros([5, 2], np.float32))["likelihood"][0]
    >>> record["kind"], round(record["nats"], 3)
    ('exact', 1.838)

    Attributes:
      kind: `"exact"`, of a density whose log-probability is known (up to its log Z, where that is
        estimated); `"unbiased estimate"` or `"truncated estimate"`, of a density whose
        log-determinants are drawn, without bias or with that of a series that is cut off;
        `"one-draw bound"` or `"importance-sampled bound"` on the probability of the
        integers; or `"density at the raw pixels"`, which is none: the density of the continuous
        model at the left edge of the noise cell. The RBM-Flow paper reports the last in bits per
        dimension; it is not comparable with the others.
      is_bound: whether it bounds the negative log-probability of the integers from above.
      nats: mean over events.
      nats_error: standard error of it: over events, and of log Z where that is estimated; NaN,
        unknown, for a single event.
      bits_per_dimension: `nats / (num_dimensions log 2)`.
      bits_per_dimension_error: the same of its error.
      num_events: number of events.
      num_dimensions: number of entries of an event.
      num_levels: None where events are no levels; else integers are 0 ... num_levels - 1, and the
        density is one over [0, num_levels], so no term for the width of the levels is left out or
        to be added.
      num_draws: draws of the dequantisation noise for each event.
      dequantisation: the noise.
      preprocessing: what the pixels pass before the flow, its log-determinant counted.
      split: part of the data set.
      log_determinants: `"exact"`, or what estimates the flow's own log-determinants are. A bound
        with unbiased estimates is one on the average; with truncated ones it is none.
      estimate_error: the part of `nats_error` that is due to their draws (and, of a bound, to those
        of its noise); 0 where they are exact.
    """

    kind: str
    is_bound: bool
    nats: float
    nats_error: float
    bits_per_dimension: float
    bits_per_dimension_error: float
    num_events: int
    num_dimensions: int
    num_levels: int | None
    num_draws: int
    dequantisation: str
    preprocessing: str
    split: str
    log_determinants: str
    estimate_error: float

    to_dict = json_fields


def likelihood_record(
    log_prob: TensorLike,
    num_dimensions: int,
    num_levels: int | None = None,
    kind: str = "one-draw bound",
    num_draws: int = 1,
    log_partition_error: float = 0.0,
    dequantisation: str = "uniform on the unit cell",
    preprocessing: str = "none",
    split: str = "test",
    log_determinants: str = "exact",
    estimate_error: float = 0.0,
) -> LikelihoodRecord:
    """Returns the record of log-probabilities of events.

    >>> uniform = np.full([10], -3 * np.log(256.0))  # A uniform model of three bytes.
    >>> round(likelihood_record(uniform, num_dimensions=3, num_levels=256).bits_per_dimension, 9)
    8.0

    Args:
      log_prob: `[N]`, nats an event.
      num_dimensions: number of entries of an event, H W C for images.
      num_levels: number of levels; None where events are no levels.
      kind: what the figure is, see `LikelihoodRecord`.
      num_draws: draws of the noise for each event.
      log_partition_error: standard error of the log partition function in `log_prob`, nats; NaN
        if it is unknown.
      dequantisation: the noise, in words.
      preprocessing: what the pixels pass before the flow, in words.
      split: part of the data set.
      log_determinants: what the log-determinants are, see `LikelihoodRecord`.
      estimate_error: standard error of the mean of `log_prob` that is due to their draws alone.

    Raises:
      ValueError: if `log_prob` is not finite or no vector, or an argument does not fit; if an
        importance-sampled bound has log-determinants that are estimates: the mean of exponentials
        of estimates is biased upwards, and no bound.
    """
    checks.choice("kind", kind, _KINDS)
    num_dimensions = checks.positive_integer("num_dimensions", num_dimensions)
    nats = -np.asarray(log_prob, np.float64)
    if nats.ndim != 1 or len(nats) == 0:
        raise ValueError(f"`log_prob` must have shape [N] with N above 0, got {nats.shape}.")
    if not np.isfinite(nats).all():
        raise ValueError("`log_prob` must be finite, got NaN or infinite entries.")
    over_events = nats.std(ddof=1) / math.sqrt(len(nats)) if len(nats) > 1 else math.nan
    if not math.isnan(log_partition_error):
        checks.nonnegative_number("log_partition_error", log_partition_error)
    if num_levels is not None:
        checks.positive_integer("num_levels", num_levels, minimum=2)
    checks.choice("log_determinants", log_determinants, _LOG_DETERMINANTS)
    if kind == "importance-sampled bound" and log_determinants != "exact":
        raise ValueError(
            f"`log_determinants` must be exact in an importance-sampled bound, got "
            f"{log_determinants}; evaluate within `bijectors.exact_log_determinants()`."
        )
    error = math.hypot(over_events, log_partition_error)
    to_bits = num_dimensions * math.log(2)
    return LikelihoodRecord(
        kind=kind,
        is_bound=kind in _BOUNDS and log_determinants != "truncated estimate",
        nats=float(nats.mean()),
        nats_error=float(error),
        bits_per_dimension=float(nats.mean() / to_bits),
        bits_per_dimension_error=float(error / to_bits),
        num_events=len(nats),
        num_dimensions=num_dimensions,
        num_levels=num_levels,
        num_draws=checks.positive_integer("num_draws", num_draws, minimum=0),
        dequantisation=dequantisation,
        preprocessing=preprocessing,
        split=split,
        log_determinants=log_determinants,
        estimate_error=checks.nonnegative_number("estimate_error", estimate_error),
    )
