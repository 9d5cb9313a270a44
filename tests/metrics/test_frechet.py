import warnings

import numpy as np
import pytest
import scipy.linalg

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


def gaussian(count, size, factor, shift=0.0, rng=RNG):
    return rng.normal(size=[count, size]) @ factor + shift


@pytest.mark.parametrize("size", [1, 3, 40])
def test_frechet_distance_is_the_one_with_a_matrix_root(size):
    first = gaussian(3000, size, RNG.normal(size=[size, size]))
    second = gaussian(2500, size, RNG.normal(size=[size, size]), 0.3)
    c1, c2 = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (first, second))
    root = scipy.linalg.sqrtm(c1 @ c2).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(c1 + c2 - 2 * root)
    result = metrics.frechet_distance(first, second)
    assert result.value == pytest.approx(expected, rel=1e-6)
    assert result.num_samples == (3000, 2500) and result.num_features == size


def with_moments(count, mean, covariance):
    """Samples whose mean and covariance are exactly these."""
    noise = RNG.normal(size=[count, len(mean)])
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_gaussians_in_closed_form():
    # In two dimensions tr (C_1 C_2)^(1/2) = sqrt(tr C_1 C_2 + 2 sqrt(det C_1 C_2)).
    c1, c2 = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 3.0]])
    first = with_moments(3000, np.zeros(2), c1)
    second = with_moments(4000, np.array([1.0, -2.0]), c2)
    root = np.sqrt(np.trace(c1 @ c2) + 2 * np.sqrt(np.linalg.det(c1 @ c2)))
    expected = 5.0 + np.trace(c1 + c2) - 2 * root
    actual = metrics.frechet_distance(first, second).value
    assert actual == pytest.approx(expected, rel=1e-10)


def test_errors_are_the_spread_over_fresh_samples():
    rng = np.random.default_rng(1)
    factor = rng.normal(size=[3, 3])
    results = [
        metrics.frechet_distance(
            gaussian(2048, 3, np.eye(3), 0.0, rng), gaussian(2100, 3, factor, 0.5, rng)
        )
        for _ in range(60)
    ]
    spread = np.std([result.value for result in results], ddof=1)
    errors = [result.standard_error for result in results]
    # 60 values give their spread to 9 percent.
    assert np.mean(errors) == pytest.approx(spread, rel=0.3)


@pytest.mark.filterwarnings("ignore:The Frechet")
def test_the_error_is_that_of_the_jackknife():
    """Each set adds its own part, from shifts of its mean and changes of its covariance."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=[150, 2]), rng.normal(size=[250, 2]) @ [[1, 0.5], [0, 2]] + 1
    result = metrics.frechet_distance(first, second)
    left_out = [
        [metrics.frechet_distance(np.delete(first, i, 0), second).value for i in range(150)],
        [metrics.frechet_distance(first, np.delete(second, i, 0)).value for i in range(250)],
    ]
    variance = sum((len(values) - 1) * np.var(values) for values in left_out)
    assert result.standard_error == pytest.approx(np.sqrt(variance), rel=0.02)
    turned = metrics.frechet_distance(second, first)
    assert turned.value == pytest.approx(result.value)
    assert turned.standard_error == pytest.approx(result.standard_error)


def degenerate(name):
    """Features of rank 6 of 40, and what distances of other sets to them should be."""
    rng = np.random.default_rng(2)
    first = 30 * rng.normal(size=[2100, 6]) @ rng.normal(size=[6, 40]) + 100
    others = {
        "same": first,
        "moved": first + 2.0,
        "projected": first * (np.arange(40) % 2),
        "constant": np.full([2100, 40], 3.0),
    }
    second = others[name]
    covariances = [np.cov(part, rowvar=False) for part in (first, second)]
    factors = [
        vectors * np.sqrt(np.where(values > 1e-9 * values.max(), values, 0))
        for values, vectors in map(np.linalg.eigh, covariances)
    ]
    roots = np.linalg.svd(factors[0].T @ factors[1], compute_uv=False)
    shift = second.mean(0) - first.mean(0)
    return first, second, shift @ shift + np.trace(sum(covariances)) - 2 * roots.sum()


@pytest.mark.parametrize("name", ["same", "moved", "projected", "constant"])
def test_frechet_distance_without_full_rank_is_right_and_never_negative(name):
    first, second, expected = degenerate(name)
    result, scale = metrics.frechet_distance(first, second), np.mean(np.sum(first**2, axis=1))
    assert result.value >= 0
    assert result.value == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)
    if name in ("same", "moved"):
        exact = 0.0 if name == "same" else 40 * 2.0**2
        assert abs(result.value - exact) <= min(result.standard_error, 1e-12 * scale)
    assert name != "same" or result.standard_error < 1e-12 * scale
    assert np.isfinite(result.standard_error)


def test_the_error_of_a_distance_without_full_rank_is_the_spread_over_fresh_samples():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=[3, 5]), rng.normal(size=[2, 5])
    results = [
        metrics.frechet_distance(
            gaussian(2048, 3, first, 0, rng), gaussian(2100, 2, second, 1, rng)
        )
        for _ in range(60)
    ]
    spread = np.std([result.value for result in results], ddof=1)
    errors = [result.standard_error for result in results]
    assert np.mean(errors) == pytest.approx(spread, rel=0.3)


GOOD = RNG.normal(size=[5, 3])


@pytest.mark.filterwarnings("ignore:The Frechet")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: metrics.frechet_distance(GOOD[:3], GOOD),
            "`first` must hold at least 4 samples for a covariance of 3 features, got 3",
        ),
        (
            lambda: metrics.frechet_distance(GOOD, GOOD[:1]),
            "`second` must hold at least 4 samples for a covariance of 3 features, got 1",
        ),
        (lambda: metrics.frechet_distance(GOOD, GOOD[:, :2]), "the same network"),
        (lambda: metrics.frechet_distance(GOOD * np.nan, GOOD), "`first` must be finite"),
        (lambda: metrics.frechet_distance(GOOD[0], GOOD), r"must have shape \[N, F\]"),
        (lambda: metrics.frechet_distance(GOOD[:, :0], GOOD[:, :0]), r"must have shape \[N, F\]"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_few_samples_of_either_set_are_warned_about():
    few, enough = RNG.normal(size=[2047, 2]), RNG.normal(size=[2048, 2])
    for pair in ((few, enough), (enough, few)):
        with pytest.warns(UserWarning, match="fewer than 2048 samples"):
            metrics.frechet_distance(*pair)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.frechet_distance(enough, enough)


@pytest.mark.filterwarnings("ignore:The Frechet")
def test_one_sample_more_than_features_is_enough():
    assert metrics.frechet_distance(GOOD[:4], GOOD[:4]).num_samples == (4, 4)
