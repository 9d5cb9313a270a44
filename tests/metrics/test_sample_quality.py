import numpy as np
import pytest
import scipy.linalg

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 3, 40])
def test_frechet_distance_is_the_one_with_a_matrix_root(size):
    first = RNG.normal(size=[3000, size]) @ RNG.normal(size=[size, size])
    second = RNG.normal(size=[2500, size]) @ RNG.normal(size=[size, size]) + 0.3
    c1, c2 = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (first, second))
    root = scipy.linalg.sqrtm(c1 @ c2).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(c1 + c2 - 2 * root)
    result = metrics.frechet_distance(first, second)
    assert result.value == pytest.approx(expected, rel=1e-6)
    assert result.num_samples == (3000, 2500) and result.num_features == size


def test_frechet_distance_of_gaussians_in_closed_form():
    scales = np.array([[1.0, 2.0], [1.5, 0.5]])
    first, second = (scale * RNG.normal(size=[400_000, 2]) for scale in scales)
    expected = 1.0 + np.sum((scales[0] - scales[1]) ** 2)
    actual = metrics.frechet_distance(first + [1.0, 0.0], second).value
    assert actual == pytest.approx(expected, rel=0.01)


def test_kernel_distance_against_brute_force():
    first, second = RNG.normal(size=[60, 3]), RNG.normal(size=[60, 3]) + 0.5

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    def mean_of_others(part):
        return np.mean([k(part[i], part[j]) for i in range(60) for j in range(60) if i != j])

    cross = np.mean([k(a, b) for a in first for b in second])
    expected = mean_of_others(first) + mean_of_others(second) - 2 * cross
    result = metrics.kernel_distance(first, second, num_subsets=2, subset_size=60)
    assert result.value == pytest.approx(expected, rel=1e-10)


def test_kernel_distance_is_unbiased_and_its_error_honest():
    zero = metrics.kernel_distance(
        RNG.normal(size=[3000, 5]), RNG.normal(size=[3000, 5]), 60, subset_size=100
    )
    assert abs(zero.value) < 4 * zero.standard_error
    shifted = metrics.kernel_distance(
        RNG.normal(size=[3000, 5]), RNG.normal(size=[3000, 5]) + 0.5, 60, subset_size=100
    )
    assert shifted.value > 10 * shifted.standard_error


def test_inception_score():
    constant = np.tile([0.2, 0.3, 0.5], [40, 1])
    assert metrics.inception_score(constant).value == pytest.approx(1)
    certain = np.tile(np.eye(4), [10, 1])
    assert metrics.inception_score(certain, 10).value == pytest.approx(4)
    probabilities = RNG.dirichlet(np.ones(3), size=200)
    marginal = probabilities.mean(0)
    divergence = np.sum(probabilities * np.log(probabilities / marginal), axis=1).mean()
    assert metrics.inception_score(probabilities, 1).value == pytest.approx(np.exp(divergence))


def test_extraction_in_batches():
    images = RNG.normal(size=[10, 2, 2, 1])
    features = metrics.extract(lambda x: x.reshape(len(x), -1), images, batch_size=3)
    np.testing.assert_array_equal(features, images.reshape(10, 4))


GOOD = np.zeros([5, 3])


@pytest.mark.filterwarnings("ignore:The Frechet")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.frechet_distance(GOOD[:1], GOOD), "at least 2 samples for a covariance"),
        (lambda: metrics.frechet_distance(GOOD, GOOD[:, :2]), "the same network"),
        (lambda: metrics.frechet_distance(GOOD * np.nan, GOOD), "`first` must be finite"),
        (lambda: metrics.frechet_distance(GOOD[0], GOOD), r"must have shape \[N, F\]"),
        (lambda: metrics.kernel_distance(GOOD, GOOD, subset_size=6), "`subset_size`"),
        (lambda: metrics.kernel_distance(GOOD, GOOD[:, :2]), "the same network"),
        (lambda: metrics.inception_score(GOOD), "rows of probabilities"),
        (lambda: metrics.inception_score(np.eye(3), 10), "at least 10 samples"),
        (lambda: metrics.extract(lambda x: x, np.zeros([2, 3, 3, 1])), r"must return \[N, F\]"),
        (lambda: metrics.extract(lambda x: x, np.zeros([0, 3])), "`images` is empty"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_few_samples_are_warned_about():
    with pytest.warns(UserWarning, match="fewer than 2048 samples"):
        metrics.frechet_distance(RNG.normal(size=[50, 2]), RNG.normal(size=[50, 2]))
