import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from tests import oracles
from tfp_ebm.internal import enumeration


def test_all_bits_are_all_states_once_in_any_blocks():
    bits = enumeration.all_bits(5, tf.float64).numpy()
    assert bits.shape == (32, 5) and len(np.unique(bits, axis=0)) == 32
    assert set(np.unique(bits)) == {0.0, 1.0}
    blocks = [enumeration.all_bits(5, tf.float64, start, 8) for start in (0, 8, 16, 24)]
    np.testing.assert_array_equal(np.concatenate(blocks), bits)
    assert enumeration.all_bits(3, tf.float32, batch_rank=2).shape == (8, 1, 1, 3)


@pytest.mark.parametrize("num_units", [3, 13])
def test_log_sum_over_states_is_that_of_all_blocks(num_units):
    fields = np.random.default_rng(0).normal(size=num_units)
    total = enumeration.log_sum_over_states(
        lambda bits: tf.reduce_sum(bits * fields, axis=-1), num_units, tf.float64, 0
    )
    np.testing.assert_allclose(total, np.sum(np.logaddexp(0, fields)), rtol=1e-12)


def test_a_batch_is_summed_state_by_state():
    fields = np.random.default_rng(0).normal(size=[2, 3, 4])
    total = enumeration.log_sum_over_states(
        lambda bits: tf.reduce_sum(bits * fields, axis=-1), 4, tf.float64, 2
    )
    np.testing.assert_allclose(total, np.sum(np.logaddexp(0, fields), axis=-1), rtol=1e-12)


def test_states_are_drawn_by_their_weights_for_every_member():
    fields = np.array([[0.3, -1.0, 2.0], [-0.7, 0.0, 0.5]])
    drawn = enumeration.sample_states(
        lambda bits: tf.reduce_sum(bits * fields, axis=-1), 3, tf.float64, 1, 40_000, (0, 1)
    ).numpy()
    assert drawn.shape == (40_000, 2, 3)
    odds = 1 / (1 + np.exp(-fields))
    for member in range(2):
        mean = odds[member]
        pair = np.outer(mean, mean) + np.diag(mean * (1 - mean))
        assert oracles.within_standard_errors(drawn[:, member], mean, pair)
    centred = drawn - drawn.mean(0)
    assert np.max(abs(np.mean(centred[:, 0] * centred[:, 1], axis=0))) < 5 * 0.25 / 200


def test_categories_follow_their_logits():
    logits = np.log([[0.2, 0.6], [0.5, 0.1], [0.3, 0.3]])
    index = enumeration.sample_categories(tf.constant(logits), 30_000, (0, 1)).numpy()
    assert index.shape == (30_000, 2)
    expected = np.exp(logits - logsumexp(logits, axis=0))
    for member in range(2):
        shares = np.bincount(index[:, member], minlength=3) / 30_000
        np.testing.assert_allclose(shares, expected[:, member], atol=0.015)


def test_moments_of_a_mixture_of_states():
    rng = np.random.default_rng(0)
    log_weights, means = rng.normal(size=[5, 2]), rng.normal(size=[5, 2, 3])
    variances = rng.uniform(0.5, 2.0, size=[2, 3])
    mixture = enumeration.StateMixture(*map(tf.constant, (log_weights, means, variances)))
    share = np.exp(log_weights - logsumexp(log_weights, axis=0))
    for member in range(2):
        mean = share[:, member] @ means[:, member]
        between = np.cov(means[:, member].T, aweights=share[:, member], ddof=0)
        covariance = between + np.diag(variances[member])
        np.testing.assert_allclose(mixture.mean()[member], mean, rtol=1e-12)
        np.testing.assert_allclose(mixture.covariance()[member], covariance, rtol=1e-12)
        np.testing.assert_allclose(mixture.variance()[member], np.diag(covariance), rtol=1e-12)
