import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


def three_clusters(count, spread):
    labels = RNG.integers(0, 3, size=count)
    centres = np.array([[0.0, 0, 5], [4, 0, 5], [0, 4, 5]])
    return centres[labels] * [1, 100, 1] + spread * RNG.normal(size=[count, 3]) * [
        1,
        100,
        0,
    ], labels


def test_accuracy_on_fresh_samples():
    # The third feature never changes; the second has another unit.
    parts = [three_clusters(400, 0.3) for _ in range(3)]
    result = metrics.linear_probe(*parts[0], parts[1], parts[2])
    assert result.value > 0.99 and result.num_features == 3 and result.num_samples == (400, 400)
    noise = [(RNG.normal(size=[900, 3]), RNG.integers(0, 3, size=900)) for _ in range(3)]
    chance = metrics.linear_probe(*noise[0], noise[1], noise[2])
    assert abs(chance.value - 1 / 3) < 4 * chance.standard_error
    expected = math.sqrt(chance.value * (1 - chance.value) / 900)
    assert chance.standard_error == pytest.approx(expected)


def test_the_penalty_is_chosen_on_the_held_out_part():
    """Labels turned round there make the weakest fit the best one."""
    train, test = three_clusters(300, 1.5), three_clusters(300, 1.5)
    features, labels = three_clusters(300, 1.5)
    best = metrics.linear_probe(*train, (features, labels), test)
    scores = {}
    for strength in (0.003, 0.03, 0.3, 3.0):
        model = LogisticRegression(C=strength, max_iter=2000)
        mean, scale = train[0].mean(0), np.array([*train[0].std(0)[:2], 1.0])
        model.fit((train[0] - mean) / scale, train[1])
        scores[strength] = [
            np.mean(model.predict((part - mean) / scale) == answers)
            for part, answers in ((features, labels), test)
        ]
    chosen = max(scores, key=lambda each: scores[each][0])
    assert best.strength == chosen and best.value == pytest.approx(scores[chosen][1])
    wrong = (features, (labels + 1) % 3)
    assert metrics.linear_probe(*train, wrong, test).strength != best.strength


def test_the_error_is_not_zero_where_every_label_or_none_is_right():
    parts = [three_clusters(100, 0.1) for _ in range(3)]
    result = metrics.linear_probe(*parts[0], parts[1], parts[2])
    assert result.value == 1
    # Laplace's rule of succession: 101 of 102.
    assert result.standard_error == pytest.approx(math.sqrt(101 / 102 * 1 / 102 / 100))
    features, labels = parts[2]
    wrong = metrics.linear_probe(*parts[0], parts[1], (features, (labels + 1) % 3))
    assert wrong.value == 0 and wrong.standard_error == pytest.approx(result.standard_error)


def test_errors():
    features, labels = three_clusters(20, 0.3)
    good = (features, labels)
    with pytest.raises(ValueError, match="`features` must be finite"):
        metrics.linear_probe(features * np.nan, labels, good, good)
    with pytest.raises(ValueError, match="`test` must have 3 features like the training part, got"):
        metrics.linear_probe(features, labels, good, (features[:, :2], labels))
