import math

import pytest

from tfp_ebm import metrics


def test_difference_of_runs():
    one = metrics.Record("kernel_distance", 0.5, 0.03, "", 9, 9, "test", "net", "ab", "none")
    value, error = metrics.difference(one, one._replace(value=0.1, error=0.04))
    assert value == pytest.approx(0.4) and error == pytest.approx(0.05)
    assert metrics.difference(one, one)[0] == 0
    changes = {"network": "other", "network_sha256": "cd", "resize": "bilinear", "split": "train"}
    changes |= {"num_samples": 8, "num_reference": 8, "metric": "frechet_distance"}
    for field, changed in changes.items():
        with pytest.raises(ValueError, match=f"share their `{field}`.*measure both runs again"):
            metrics.difference(one, one._replace(**{field: changed}))


def test_for_json_all_fields_are_kept_and_an_unknown_error_is_none():
    one = metrics.Record("kernel_distance", 0.5, 0.03, "kind", 9, 8, "test", "net", "ab", "none")
    assert list(one.to_dict().values()) == list(one)
    unknown = one._replace(error=math.nan)
    assert unknown.to_dict() == {**one.to_dict(), "error": None}
    assert math.isnan(metrics.difference(one, unknown)[1])
