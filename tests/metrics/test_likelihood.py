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
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
