"""Log-determinants by power series against the whole Jacobian."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfp_ebm.bijectors.power_series import PowerSeries, exact_log_det

NUM_DRAWS = 10_000


def bent(x, matrix):
    return tf.linalg.matvec(matrix, tf.tanh(x))


def contraction(size, coefficient, seed=0):
    matrix = np.random.default_rng(seed).normal(size=[size, size])
    return tf.constant(coefficient * matrix / np.linalg.norm(matrix, 2))


def jacobian_of(x, matrix):
    return np.asarray(matrix) * (1 - np.tanh(np.asarray(x)) ** 2)[..., np.newaxis, :]


def with_gradients(log_det, x, matrix):
    """Returns log-determinants, and their gradients in x and, summed, in the matrix."""
    with tf.GradientTape() as tape:
        tape.watch([x, matrix])
        value = log_det(x, matrix)
    return value, *tape.gradient(value, [x, matrix])


def test_exact_log_determinants_against_numpy():
    matrix, x = contraction(3, 0.9), tf.constant(np.random.default_rng(1).normal(size=[2, 4, 3]))
    value, log_det = exact_log_det(bent, x, [matrix], 1)
    np.testing.assert_allclose(value, bent(x, matrix), rtol=1e-12)
    expected = np.linalg.slogdet(np.eye(3) + jacobian_of(x, matrix))[1]
    np.testing.assert_allclose(log_det, expected, rtol=1e-10)


def test_what_is_not_finite_has_a_log_determinant_of_nan_and_no_error():
    matrix, x = contraction(2, 0.5), tf.constant([[0.1, 0.2], [np.nan, 0.0]], tf.float64)
    log_det, x_bar, _ = with_gradients(lambda x, m: exact_log_det(bent, x, [m], 1)[1], x, matrix)
    assert np.isnan(log_det).tolist() == [False, True]
    assert np.all(np.isfinite(x_bar[0]))


def chance(draws, expected):
    """Returns the chance of means so far from what is expected, all components taken together."""
    gap = draws.mean(axis=0) - expected
    covariance = np.atleast_2d(np.cov(draws, rowvar=False)) / len(draws)
    distance = gap @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ gap
    return stats.chi2.sf(distance, np.linalg.matrix_rank(covariance, tol=1e-9 * covariance.max()))


@pytest.mark.parametrize("coefficient", [0.5, 0.95])
def test_roulette_is_unbiased_and_so_is_its_gradient(coefficient):
    matrix = contraction(4, coefficient)
    one = np.random.default_rng(2).normal(scale=0.3, size=[4])
    x = tf.constant(np.tile(one, [NUM_DRAWS, 1]))
    # A matrix for each draw, so that each has a gradient of its own.
    many = tf.constant(np.tile(matrix, [NUM_DRAWS, 1, 1]))

    def drawn(series):
        """Returns draws of the log-determinant and of its gradients, side by side."""
        estimate = lambda x, m: series.log_det(bent, x, [m], tf.constant([1, 2]))[1]  # noqa: E731
        value, x_bar, matrix_bar = with_gradients(estimate, x, many)
        return np.hstack([value[:, np.newaxis], x_bar, tf.reshape(matrix_bar, [-1, 16])])

    point = tf.constant(one[np.newaxis])
    exact = with_gradients(lambda x, m: exact_log_det(bent, x, [m], 1)[1], point, matrix)
    assert float(exact[0][0]) == pytest.approx(
        np.linalg.slogdet(np.eye(4) + jacobian_of(one, matrix))[1]
    )
    expected = np.concatenate([np.ravel(part) for part in exact])
    draws = drawn(PowerSeries(1, 2, True))
    three_deviations = 0.0027
    assert chance(draws[:, :1], expected[:1]) > three_deviations
    assert chance(draws[:, 1:], expected[1:]) > three_deviations
    # A tenth of a deviation in one entry, and a series cut off after its first term, are found.
    biased = draws[:, 1:] + 0.1 * np.eye(20)[7] * draws[:, 8].std()
    assert chance(biased, expected[1:]) < 1e-6
    assert chance(drawn(PowerSeries(1, 1, False))[:, 1:], expected[1:]) < 1e-6


@pytest.mark.slow
def test_no_draw_of_the_roulette_is_large():
    # A multiple of the identity, of norm 0.98: fixed probabilities of 1 / 2 would give terms of
    # any size here.
    x, matrix = tf.zeros([NUM_DRAWS, 2], tf.float64), -0.98 * tf.eye(2, dtype=tf.float64)
    log_det = PowerSeries(1, 2, True).log_det(bent, x, [matrix], tf.constant([3, 4]))[1]
    expected = 2 * np.log(0.02)
    error = np.std(log_det) / NUM_DRAWS**0.5
    assert abs(np.mean(log_det) - expected) < 3 * error < 0.2
    # -sum_k |v|^2 0.98^2 / k: each term at most the second one.
    terms = 2 * 0.98**2 * np.cumsum(1 / np.arange(1, 2_000))
    assert -np.min(log_det) < 2 * 0.98 + terms[-1]


def test_a_series_that_is_cut_off_is_the_sum_of_its_terms():
    # In one dimension v^2 = 1 and every trace is exact.
    matrix = tf.constant([[-0.8]], tf.float64)
    x = tf.constant([[0.0], [0.4], [-2.0]], tf.float64)
    slopes = jacobian_of(x, matrix)[:, 0, 0]
    for num_terms in (1, 2, 7):
        series = PowerSeries(1, num_terms, False)

        def estimate(x, matrix, series=series):
            return series.log_det(bent, x, [matrix], tf.constant([0, 1]))[1]

        value, x_bar, matrix_bar = with_gradients(estimate, x, matrix)
        k = np.arange(1, num_terms + 1)[:, np.newaxis]
        np.testing.assert_allclose(value, np.sum(-((-slopes) ** k) / k, axis=0), rtol=1e-12)
        # The derivative of these terms, by hand.
        factor = np.sum((-slopes) ** (k - 1), axis=0)
        tanh = np.tanh(x[:, 0])
        second = -0.8 * -2 * tanh * (1 - tanh**2)
        np.testing.assert_allclose(x_bar[:, 0], factor * second, atol=1e-12)
        np.testing.assert_allclose(matrix_bar, [[np.sum(factor * slopes / -0.8)]], rtol=1e-12)
        bound = 0.8 ** (num_terms + 1) / ((num_terms + 1) * 0.2)
        assert np.all(np.abs(value - np.log1p(slopes)) <= bound)


def test_nothing_is_added_where_there_is_no_slope():
    matrix, x = tf.zeros([3, 3], tf.float64), tf.ones([2, 3], tf.float64)
    series = PowerSeries(1, 2, True)
    value, x_bar, matrix_bar = with_gradients(
        lambda x, m: series.log_det(bent, x, [m], tf.constant([0, 1]))[1], x, matrix
    )
    np.testing.assert_array_equal(value, [0, 0])
    np.testing.assert_array_equal(x_bar, np.zeros([2, 3]))
    assert np.all(np.isfinite(matrix_bar)) and np.any(matrix_bar)


def test_one_function_call_and_the_same_values_in_graphs():
    matrix, x = contraction(3, 0.7), tf.constant(np.random.default_rng(5).normal(size=[6, 3]))
    calls = []

    def counted(x, matrix):
        calls.append(None)
        return bent(x, matrix)

    def both(x):
        series = PowerSeries(1, 2, True)
        estimate = lambda x, m: series.log_det(counted, x, [m], tf.constant([0, 1]))[1]  # noqa: E731
        return with_gradients(estimate, x, matrix)

    PowerSeries(1, 2, True).log_det(counted, x, [matrix], tf.constant([0, 1]))
    assert len(calls) == 1
    expected = both(x)
    for actual, value in zip(tf.function(both, autograph=False)(x), expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-10)


def test_second_derivatives_are_refused():
    matrix, x = contraction(2, 0.5), tf.ones([1, 2], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = PowerSeries(1, 2, True).log_det(bent, x, [matrix], tf.constant([0, 1]))[1]
        slope = tape.gradient(value, x)
    with pytest.raises(ValueError, match=r'first derivatives alone.*log_det="exact"'):
        outer.gradient(slope, x)
