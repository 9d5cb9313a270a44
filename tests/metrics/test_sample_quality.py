import numpy as np
import pytest
import scipy.linalg
import scipy.stats

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


@pytest.mark.parametrize("name", ["frechet", "kernel"])
def test_errors_are_the_spread_over_fresh_samples(name):
    distance, count = {
        "frechet": (metrics.frechet_distance, 2048),
        "kernel": (metrics.kernel_distance, 300),
    }[name]
    rng = np.random.default_rng(1)
    factor = rng.normal(size=[3, 3])
    results = [
        distance(gaussian(count, 3, np.eye(3), 0.0, rng), gaussian(count + 50, 3, factor, 0.5, rng))
        for _ in range(60)
    ]
    spread = np.std([result.value for result in results], ddof=1)
    errors = [result.standard_error for result in results]
    # 60 values give their spread to 9 percent.
    assert np.mean(errors) == pytest.approx(spread, rel=0.3)


def brute_force_kernel_distance(first, second):
    size = first.shape[1]

    def k(a, b):
        return (a @ b / size + 1) ** 3

    def mean_of_others(part):
        pairs = range(len(part))
        return np.mean([k(part[i], part[j]) for i in pairs for j in pairs if i != j])

    cross = np.mean([k(a, b) for a in first for b in second])
    return mean_of_others(first) + mean_of_others(second) - 2 * cross


def test_kernel_distance_against_brute_force():
    first, second = RNG.normal(size=[15, 3]), RNG.normal(size=[20, 3]) + 0.5
    expected = brute_force_kernel_distance(first, second)
    result = metrics.kernel_distance(first, second)
    assert result.value == pytest.approx(expected, rel=1e-10)
    assert result.num_samples == (15, 20)
    leave_one_out = [
        [brute_force_kernel_distance(np.delete(first, i, 0), second) for i in range(15)],
        [brute_force_kernel_distance(first, np.delete(second, i, 0)) for i in range(20)],
    ]
    variance = sum((len(values) - 1) * np.var(values) for values in leave_one_out)
    assert result.standard_error == pytest.approx(np.sqrt(variance), rel=1e-8)


def test_kernel_distance_of_parts_agrees_with_that_of_all():
    first, second = RNG.normal(size=[1200, 4]), RNG.normal(size=[1300, 4]) + 0.1
    whole = metrics.kernel_distance(first, second)
    part = metrics.kernel_distance(first[:60], second[:60])
    expected = brute_force_kernel_distance(first[:60], second[:60])
    assert abs(part.value - whole.value) < 3 * part.standard_error
    assert abs(expected - whole.value) < 3 * part.standard_error
    assert whole.standard_error < part.standard_error


def test_kernel_distance_is_unbiased_and_its_error_safe_where_the_sets_are_alike():
    results = [metrics.kernel_distance(*RNG.normal(size=[2, 100, 5])) for _ in range(100)]
    values = np.array([result.value for result in results])
    assert abs(values.mean()) < 3 * values.std() / 10
    errors = np.mean([result.standard_error for result in results])
    assert values.std() < 1.15 * errors and errors < 1.6 * values.std()


def test_inception_score():
    constant = np.tile([0.2, 0.3, 0.5], [40, 1])
    assert metrics.inception_score(constant).value == pytest.approx(1, abs=1e-12)
    certain = np.tile(np.eye(4), [10, 1])
    assert metrics.inception_score(certain, 10).value == pytest.approx(4)
    probabilities = RNG.dirichlet(np.ones(3), size=200)
    marginal = probabilities.mean(0)
    divergence = np.mean([scipy.stats.entropy(row, marginal) for row in probabilities])
    assert metrics.inception_score(probabilities, 1).value == pytest.approx(np.exp(divergence))


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
        (lambda: metrics.kernel_distance(GOOD[:2], GOOD), "at least 3 samples"),
        (lambda: metrics.kernel_distance(GOOD, GOOD[:, :2]), "the same network"),
        (lambda: metrics.kernel_distance(GOOD, GOOD + np.inf), "`second` must be finite"),
        (lambda: metrics.inception_score(GOOD), "rows of probabilities"),
        (lambda: metrics.inception_score(np.full([20, 2], 0.4)), "sums from 0.8 to 0.8"),
        (lambda: metrics.inception_score(np.eye(3), 10), "at least 10 samples"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_few_samples_are_warned_about():
    with pytest.warns(UserWarning, match="fewer than 2048 samples"):
        metrics.frechet_distance(RNG.normal(size=[50, 2]), RNG.normal(size=[50, 2]))
