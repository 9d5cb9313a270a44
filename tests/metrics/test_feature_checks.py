import numpy as np
import pytest

from tfp_ebm.metrics.feature_checks import check_features, check_probabilities, check_same_features


def test_features_become_float64():
    features = check_features("x", [[1, 2], [3, 4]])
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features, [[1, 2], [3, 4]])
    one, other = check_same_features([[1, 2]], [[3, 4], [5, 6]])
    assert one.shape == (1, 2) and other.shape == (2, 2)


def test_probabilities_may_miss_one_by_rounding():
    near = np.array([[0.5, 0.4995], [0.0, 1.0005]])
    np.testing.assert_array_equal(check_probabilities("p", near), near)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_features("x", [1.0]), r"`x` must have shape \[N, F\], .* got \(1,\)"),
        (lambda: check_features("x", np.zeros([3, 0])), r"got \(3, 0\)"),
        (lambda: check_features("x", [[np.inf]]), "`x` must be finite"),
        (lambda: check_same_features([[1, 2]], [[3]]), "got 2 and 1 features"),
        (lambda: check_same_features([[1]], [[np.nan]]), "`second` must be finite"),
        (lambda: check_probabilities("p", [[0.5, 0.498]]), "rows of probabilities, got sums"),
        (lambda: check_probabilities("p", [[0.5, 0.502]]), "to 1.002"),
        (lambda: check_probabilities("p", [[1.1, -0.1]]), "smallest entry of -0.1; apply a soft"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
