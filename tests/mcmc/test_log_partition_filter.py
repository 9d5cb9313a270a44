"""The filter of log Z against the same formulas in NumPy, and against draws of a known ratio."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.mcmc.jumps import JumpInfo
from tfp_ebm.mcmc.log_partition_filter import LARGEST_VARIANCE, LogPartitionFilter

ONE = tf.constant(1.0, tf.float64)


def known(value, variance):
    return LogPartitionFilter(tf.constant(value, tf.float64), tf.constant(variance, tf.float64))


def test_the_start_is_importance_sampling():
    log_weights = np.array([0.1, -0.4, 0.7, 0.0])
    found = LogPartitionFilter.start(tf.constant(2.0), tf.constant(log_weights))
    weights = np.exp(log_weights)
    assert float(found.value) == pytest.approx(2 + np.log(weights.mean()))
    variance = weights.var() / weights.mean() ** 2 / 3
    assert float(found.variance) == pytest.approx(variance)
    alone = LogPartitionFilter.start(tf.constant(2.0), tf.constant([0.3], tf.float64))
    assert float(alone.variance) == LARGEST_VARIANCE


@pytest.mark.parametrize("inflation", [1.0, 4.0])
def test_parameters_move_it_by_the_mean_increment(inflation):
    log_weights, change = np.array([0.0, 1.0, -1.0]), np.array([0.2, 0.5, -0.3])
    found = known(3.0, 0.01).predict(
        tf.constant(log_weights), tf.constant(change), tf.constant(inflation, tf.float64)
    )
    share = np.exp(log_weights) / np.exp(log_weights).sum()
    step = np.log(np.sum(share * np.exp(change)))
    assert float(found.value) == pytest.approx(3 + step)
    moved = share * np.exp(change) / np.sum(share * np.exp(change))
    spread = np.sum(share**2 * (np.exp(change - step) - 1) ** 2)
    bias = 0.5 * np.log(np.sum(share**2) / np.sum(moved**2))
    assert float(found.variance) == pytest.approx(0.01 + inflation * spread + bias**2)


def test_log_z_is_lost_where_a_move_leaves_one_draw():
    """All others fell by 50 nats: its own increment may be as far from what the machine gained."""
    change, even = np.full([500], -50.0), tf.zeros([500], tf.float64)
    change[7] = 3.0
    alone = known(3.0, 0.01).predict(even, tf.constant(change), ONE)
    assert float(alone.variance) == LARGEST_VARIANCE
    change[8] = 3.0
    two = known(3.0, 0.01).predict(even, tf.constant(change), ONE)
    assert 1 < float(two.variance) < 10
    assert float(two.value) == pytest.approx(3 + 3 + np.log(2 / 500))


def draws(count, seed=0):
    """Log ratios of N(1, 1) to N(0, 1), with ratio of normalisers e^2, at draws of either."""
    rng = np.random.default_rng(seed)
    at_p, at_q = rng.normal(1, 1, size=count), rng.normal(0, 1, size=count)
    ratios = [2 + points - 0.5 for points in (at_p, at_q)]
    return JumpInfo(None, *(tf.constant(ratio) for ratio in ratios))


def test_a_measurement_weighs_by_the_variances():
    info, even = draws(2000), tf.zeros([2000], tf.float64)
    alone = known(9.0, 1e6).measure(info, even, ONE)
    assert float(alone.value) == pytest.approx(2, abs=4 * float(alone.variance) ** 0.5)
    noise = float(alone.variance)
    assert 2e-4 < noise < 5e-3
    both = known(2.5, noise).measure(info, even, ONE)
    assert float(both.value) == pytest.approx((2.5 + float(alone.value)) / 2, abs=1e-4)
    assert float(both.variance) == pytest.approx(noise / 2, rel=1e-3)
    # Chains that mix badly are fewer independent draws.
    slow = known(9.0, 1e6).measure(info, even, 7 * ONE)
    assert float(slow.variance) == pytest.approx(7 * noise, rel=0.02)


@pytest.mark.slow
def test_the_stated_error_is_the_error():
    errors = []
    for seed in range(100):
        found = known(0.0, 1e6).measure(draws(400, seed), tf.zeros([400], tf.float64), ONE)
        errors.append(float(found.value - 2) / float(found.variance) ** 0.5)
    assert 0.75 < np.std(errors) < 1.3 and abs(np.mean(errors)) < 0.4


def test_chains_and_proposals_that_never_meet_measure_nothing():
    """All ratios of either side are equal, so that their spread is none: yet nothing is known."""
    far = JumpInfo(None, tf.fill([500], ONE * 20), tf.fill([500], ONE * -20))
    found = known(3.0, 0.5).measure(far, tf.zeros([500], tf.float64), ONE)
    assert float(found.value) == 3 and float(found.variance) == 0.5
    few = known(3.0, 0.5).measure(draws(10), tf.zeros([10], tf.float64), ONE)
    assert float(few.value) == 3 and float(few.variance) == 0.5
    broken = JumpInfo(None, tf.fill([500], ONE * np.nan), tf.fill([500], ONE))
    kept = known(3.0, 0.5).measure(broken, tf.zeros([500], tf.float64), ONE)
    assert float(kept.value) == 3 and float(kept.variance) == 0.5


def test_mass_that_proposals_find_and_chains_do_not_know_refutes_what_is_known():
    """One proposal in ten weighs e^20; no chain is there, or half of them are."""
    of_proposals = np.where(np.arange(500) % 10 == 0, 20.0, 0.0)
    even = tf.zeros([500], tf.float64)
    for of_chains in (np.zeros(500), np.where(np.arange(500) % 2 == 0, 20.0, 0.0)):
        info = JumpInfo(None, tf.constant(of_chains), tf.constant(of_proposals))
        assert float(known(0.0, 1e-4).measure(info, even, ONE).variance) == LARGEST_VARIANCE
    there = JumpInfo(None, tf.fill([500], ONE * 20), tf.constant(of_proposals))
    found = known(0.0, LARGEST_VARIANCE).measure(there, even, ONE)
    assert float(found.value) == pytest.approx(20 + np.log(0.1), abs=0.1)
    assert float(found.variance) < 0.1
    # Within its own error the excess says nothing: one proposal of 500 carries the mean.
    one = np.where(np.arange(500) == 0, np.log(500) + 2.0, -20.0)
    info = JumpInfo(None, tf.zeros([500], tf.float64), tf.constant(one))
    assert float(known(0.0, 1e-4).measure(info, even, ONE).variance) < 1
