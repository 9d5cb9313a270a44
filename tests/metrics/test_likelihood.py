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
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
