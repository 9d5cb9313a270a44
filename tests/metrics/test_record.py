import pytest

from tfp_ebm import metrics


def test_difference_of_runs():
    one = metrics.Record("kernel_distance", 0.5, 0.03, "", 9, 9, "test", "net", "ab", "none")
    value, error = metrics.difference(one, one._replace(value=0.1, error=0.04))
    assert value == pytest.approx(0.4) and error == pytest.approx(0.05)
    changes = {"network": "other", "network_sha256": "cd", "resize": "bilinear", "split": "train"}
    for field, changed in {**changes, "num_samples": 8, "metric": "frechet_distance"}.items():
        with pytest.raises(ValueError, match=f"share their `{field}`.*measure both runs again"):
            metrics.difference(one, one._replace(**{field: changed}))
