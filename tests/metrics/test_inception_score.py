import numpy as np
import pytest
import scipy.stats

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


def test_inception_score():
    constant = np.tile([0.2, 0.3, 0.5], [40, 1])
    score = metrics.inception_score(constant)
    assert score.value == pytest.approx(1, abs=1e-12)
    assert score.standard_deviation == pytest.approx(0, abs=1e-12) and score.num_samples == 40
    certain = np.tile(np.eye(4), [10, 1])
    assert metrics.inception_score(certain, 10).value == pytest.approx(4)
    probabilities = RNG.dirichlet(np.ones(3), size=200)
    marginal = probabilities.mean(0)
    divergence = np.mean([scipy.stats.entropy(row, marginal) for row in probabilities])
    assert metrics.inception_score(probabilities, 1).value == pytest.approx(np.exp(divergence))


def test_inception_score_over_splits():
    probabilities = RNG.dirichlet(np.ones(3), size=90)
    parts = [metrics.inception_score(part, 1).value for part in np.split(probabilities, 3)]
    score = metrics.inception_score(probabilities, 3)
    assert score.value == pytest.approx(np.mean(parts))
    assert score.standard_deviation == pytest.approx(np.std(parts))


def test_ten_parts_of_nearly_equal_size_by_default():
    probabilities = RNG.dirichlet(np.ones(4), size=57)
    parts = [probabilities[i : i + 6] for i in range(0, 42, 6)]
    parts += [probabilities[i : i + 5] for i in range(42, 57, 5)]
    values = [metrics.inception_score(part, 1).value for part in parts]
    score = metrics.inception_score(probabilities)
    assert score.value == pytest.approx(np.mean(values)) and len(values) == 10
    assert score.standard_deviation == pytest.approx(np.std(values))
    assert metrics.inception_score(np.eye(3), 3).value == pytest.approx(1)


def test_the_deviation_of_an_inception_score_is_unknown_from_one_split_or_single_samples():
    probabilities = RNG.dirichlet(np.ones(3), size=19)
    assert np.isnan(metrics.inception_score(probabilities, 1).standard_deviation)
    assert np.isnan(metrics.inception_score(probabilities, 10).standard_deviation)
    assert metrics.inception_score(probabilities, 9).standard_deviation > 0


GOOD = RNG.normal(size=[5, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.inception_score(GOOD), "rows of probabilities"),
        (lambda: metrics.inception_score(np.full([20, 2], 0.4)), "sums from 0.8 to 0.8"),
        (lambda: metrics.inception_score(np.eye(3), 10), "at least 10 samples"),
        (lambda: metrics.inception_score(np.eye(3), 0), "`num_splits` must be an integer"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
