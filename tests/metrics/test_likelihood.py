import json
import math

import numpy as np
import pytest

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


def test_ledger_of_a_likelihood():
    nats = RNG.normal(90, 5, size=400)
    record = metrics.likelihood_record(-nats, 64, 17, log_partition_error=0.2)
    assert record.nats == pytest.approx(nats.mean())
    assert record.nats_error == pytest.approx(math.hypot(nats.std(ddof=1) / 20, 0.2))
    assert record.bits_per_dimension == pytest.approx(nats.mean() / 64 / math.log(2))
    assert record.bits_per_dimension_error == pytest.approx(record.nats_error / 64 / math.log(2))
    assert record.is_bound and record.num_events == 400 and record.num_levels == 17
    raw = metrics.likelihood_record(-nats, 64, 17, kind="density at the raw pixels", num_draws=0)
    assert not raw.is_bound and json.dumps(raw.to_dict())


def test_what_is_said_about_a_likelihood_is_kept():
    words = {"dequantisation": "variational", "preprocessing": "logit", "split": "validation"}
    record = metrics.likelihood_record(
        [-3.0, -5.0], 4, 17, "importance-sampled bound", num_draws=8, **words
    )
    assert record.is_bound and record.kind == "importance-sampled bound"
    assert record.num_draws == 8 and record.num_dimensions == 4
    kept = record.to_dict()
    assert {name: kept[name] for name in words} == words
    assert kept["nats"] == 4 and kept["nats_error"] == pytest.approx(1)
    default = metrics.likelihood_record([-3.0, -5.0], 4, 17)
    assert default.kind == "one-draw bound" and default.num_draws == 1
    assert (default.preprocessing, default.split) == ("none", "test")


def test_estimated_log_determinants_are_told_apart():
    nats = RNG.normal(3, 1, size=50)
    options = {"log_determinants": "unbiased estimate", "estimate_error": 0.1}
    density = metrics.likelihood_record(-nats, 2, None, "unbiased estimate", 0, **options)
    assert not density.is_bound and density.kind == density.log_determinants == "unbiased estimate"
    assert density.estimate_error == 0.1 and density.to_dict()["estimate_error"] == 0.1
    # The spread over events holds that of the draws already.
    assert density.nats_error == pytest.approx(nats.std(ddof=1) / 50**0.5)
    assert metrics.likelihood_record(-nats, 2, 17, **options).is_bound
    cut_off = metrics.likelihood_record(-nats, 2, 17, log_determinants="truncated estimate")
    assert not cut_off.is_bound
    exact = metrics.likelihood_record(-nats, 2, None, "exact", 0)
    assert (exact.log_determinants, exact.estimate_error) == ("exact", 0.0)
    with pytest.raises(ValueError, match="must be exact in an importance-sampled bound, got unb"):
        metrics.likelihood_record(-nats, 2, 17, "importance-sampled bound", 4, **options)


@pytest.mark.parametrize("shape", [(1,), (2,)])
def test_a_single_event_does_not_know_its_error(shape):
    record = metrics.likelihood_record(np.full(shape, -3.0), 4, 17)
    assert math.isnan(record.nats_error) == (shape == (1,))
    assert math.isnan(record.bits_per_dimension_error) == (shape == (1,))
    unknown = metrics.likelihood_record([-3.0, -4.0], 4, 17, log_partition_error=math.nan)
    assert math.isnan(unknown.nats_error) and unknown.to_dict()["nats_error"] is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.likelihood_record([np.nan], 4, 17), "`log_prob` must be finite"),
        (lambda: metrics.likelihood_record([], 4, 17), r"must have shape \[N\]"),
        (
            lambda: metrics.likelihood_record([1.0], 4, 17, log_partition_error=-1.0),
            "`log_partition_error`",
        ),
        (lambda: metrics.likelihood_record([1.0], 4, 17, kind="bound"), "Did you mean"),
        (lambda: metrics.likelihood_record([[1.0]], 4, 17), r"must have shape \[N\]"),
        (lambda: metrics.likelihood_record([1.0], 0, 17), "`num_dimensions` must be"),
        (lambda: metrics.likelihood_record([1.0], 4, 1), "`num_levels` must be .* at least 2"),
        (lambda: metrics.likelihood_record([1.0], 4, 17, num_draws=-1), "`num_draws` must be"),
        (
            lambda: metrics.likelihood_record([1.0], 4, 17, log_determinants="drawn"),
            "`log_determinants` must be one of",
        ),
        (
            lambda: metrics.likelihood_record([1.0], 4, 17, estimate_error=-1.0),
            "`estimate_error` must be",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
