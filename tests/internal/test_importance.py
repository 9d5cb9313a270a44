import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize
from scipy.special import expit, logsumexp

from tfp_ebm.internal.importance import (
    bennett_log_ratio,
    effective_share,
    log_mean_exp,
    systematic_resampling,
)


def test_mean_and_effective_share_against_numpy():
    log_weights = np.random.default_rng(0).normal(2.0, 3.0, size=[9, 2, 3])
    weights = np.exp(log_weights)
    share = weights.sum(0) ** 2 / (9 * (weights**2).sum(0))
    np.testing.assert_allclose(log_mean_exp(tf.constant(log_weights)), np.log(weights.mean(0)))
    np.testing.assert_allclose(effective_share(tf.constant(log_weights)), share)
    np.testing.assert_allclose(effective_share(tf.constant([-1e4, -1e4])), 1.0)


def test_systematic_resampling_keeps_the_expected_counts():
    rng = np.random.default_rng(1)
    log_weights = rng.normal(size=[7, 2])
    expected = 7 * np.exp(log_weights) / np.exp(log_weights).sum(0)
    draw = tf.function(systematic_resampling, autograph=False)
    counts = []
    for index in range(600):
        drawn = draw(tf.constant(log_weights), tf.constant([3, index])).numpy()
        counts.append([np.bincount(column, minlength=7) for column in drawn.T])
    counts = np.array(counts, float)
    assert np.all(np.abs(counts - expected.T) < 1)
    error = counts.std(0) / np.sqrt(len(counts)) + 1e-9
    assert np.max(np.abs(counts.mean(0) - expected.T) / error) < 5


def test_systematic_resampling_of_one_heavy_entry():
    log_weights = tf.constant([[-900.0], [0.0], [-900.0], [-900.0]])
    assert systematic_resampling(log_weights, (0, 1)).numpy().ravel().tolist() == [1, 1, 1, 1]


def gaussian_draws(num, loc, scale, rng):
    """p* = exp(-x^2 / 2), q* = exp(-(x - loc)^2 / (2 scale^2)): log Z_p - log Z_q = -log scale."""
    p, q = rng.normal(size=num), rng.normal(loc, scale, size=num)

    def ratio(x):
        return -(x**2) / 2 + (x - loc) ** 2 / (2 * scale**2)

    return ratio(p), ratio(q), -np.log(scale)


def test_bennett_solves_its_equation():
    rng = np.random.default_rng(2)
    ratio_p, ratio_q, _ = gaussian_draws(50, 0.8, 1.3, rng)
    log_weights = rng.normal(size=50)
    weights = np.exp(log_weights) / np.exp(log_weights).sum()
    shift = -np.log(50 * (weights**2).sum())

    def gap(level):
        of_q = np.mean(np.exp(ratio_q - level) * expit(level - shift - ratio_q))
        return np.log(of_q) - np.log(np.sum(weights * expit(level - shift - ratio_p)))

    expected = optimize.brentq(gap, -10, 10)
    for start in (-30.0, 0.0, 40.0):
        given = (tf.constant(part) for part in (ratio_p, log_weights, ratio_q))
        estimate = bennett_log_ratio(*given, tf.constant(start, tf.float64))
        np.testing.assert_allclose(estimate.log_ratio, expected, atol=1e-9)


def test_bennett_errors_are_honest():
    rng = np.random.default_rng(3)
    ratio_p, ratio_q, expected = map(
        np.array, zip(*(gaussian_draws(200, 1.0, 1.5, rng) for _ in range(400)), strict=True)
    )
    estimate = bennett_log_ratio(
        *(tf.constant(part) for part in (ratio_p.T, np.zeros([200, 400]), ratio_q.T)),
        tf.zeros([400], tf.float64),
    )
    deviation = (estimate.log_ratio.numpy() - expected) / np.sqrt(estimate.variance.numpy())
    assert abs(deviation.mean()) < 0.2
    assert deviation.std() == pytest.approx(1.0, abs=0.12)


def test_bennett_corrects_a_proposal_that_misses_a_mode():
    # p has two modes of equal mass, q proposes one; importance sampling would be log 2 too low.
    rng = np.random.default_rng(4)
    modes = rng.choice([-10.0, 10.0], size=4000)
    p, q = modes + rng.normal(size=4000), 10 + rng.normal(size=4000)

    def ratio(x):
        return logsumexp([-((x - 10) ** 2) / 2, -((x + 10) ** 2) / 2], axis=0) + (x - 10) ** 2 / 2

    estimate = bennett_log_ratio(
        tf.constant(ratio(p)), tf.zeros([4000], tf.float64), tf.constant(ratio(q)),
        tf.constant(0.0, tf.float64),
    )  # fmt: skip
    assert logsumexp(ratio(q)) - np.log(4000) == pytest.approx(0.0, abs=0.1)
    assert estimate.log_ratio.numpy() == pytest.approx(np.log(2), abs=0.1)


def test_bennett_without_overlap_says_so():
    rng = np.random.default_rng(5)
    ratio_p, ratio_q, _ = gaussian_draws(500, 30.0, 1.0, rng)
    given = (tf.constant(part) for part in (ratio_p, np.zeros(500), ratio_q))
    assert bennett_log_ratio(*given, tf.constant(0.0, tf.float64)).effective_size < 10
