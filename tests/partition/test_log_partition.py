import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.partition import LogPartition, StoredLogPartition, disagree
from tfp_ebm.partition.log_partition import DIRECTIONS, METHODS

ESTIMATE = LogPartition(
    *(tf.constant([part, part + 1], tf.float64) for part in (10.0, 0.25, 30.0)),
    *("AIS", DIRECTIONS["AIS"], 40, 50),
)


def test_what_is_stored_is_read():
    stored = StoredLogPartition(tf.TensorShape([2]), tf.float32)
    assert not stored.is_known()
    stored.assign(ESTIMATE, tf.constant([1.0, 2.0], tf.float64))
    assert stored.is_known()
    record = stored.read()
    for found, given in zip(record[:3], ESTIMATE[:3], strict=True):
        np.testing.assert_array_equal(found, given)
        assert found.dtype == tf.float32
    assert record[3:7] == ESTIMATE[3:7] and record.is_consistent is None
    np.testing.assert_array_equal(record.interval, [[9.5, 8.5], [10.5, 13.5]])
    np.testing.assert_array_equal(stored.fingerprint, [1, 2])
    assert not stored.trainable_variables and len(stored.variables) == 10


def test_whether_estimates_agree_is_stored():
    stored = StoredLogPartition(tf.TensorShape([2]), tf.float64)
    nats = tf.constant([1.0, 2.0], tf.float64)
    checked = ESTIMATE._replace(is_consistent=tf.constant([True, False]), lower=-nats, upper=nats)
    stored.assign(checked, tf.zeros([2], tf.float64))
    np.testing.assert_array_equal(stored.read().is_consistent, [True, False])
    np.testing.assert_array_equal(stored.read().interval, [-nats, nats])
    shifted = stored.read().mapped(lambda value: value + 1, lambda part: part[:1])
    np.testing.assert_array_equal(shifted.value, ESTIMATE.value + 1)
    np.testing.assert_array_equal(shifted.interval, [-nats + 1, nats + 1])
    np.testing.assert_array_equal(shifted.standard_error, ESTIMATE.standard_error[:1])
    np.testing.assert_array_equal(shifted.is_consistent, [True])


def test_what_was_read_stays_when_another_is_stored():
    stored = StoredLogPartition(tf.TensorShape([2]), tf.float64)
    stored.assign(ESTIMATE, tf.zeros([2], tf.float64))
    record = stored.read()
    stored.assign(ESTIMATE._replace(value=ESTIMATE.value + 1), tf.zeros([2], tf.float64))
    np.testing.assert_array_equal(record.value, ESTIMATE.value)


def test_nothing_is_read_before_it_is_stored():
    with pytest.raises(ValueError, match="has not been estimated"):
        StoredLogPartition(tf.TensorShape([]), tf.float32).read()


def test_checkpoints_know_methods_by_their_place():
    assert METHODS == ("unknown", "exact", "given", "AIS", "RAISE", "running", "BAR")
    assert DIRECTIONS["exact"] == "exact"
    assert DIRECTIONS["AIS"].startswith("lower") and DIRECTIONS["RAISE"].startswith("upper")


def test_an_exact_value_has_no_error_and_infinitely_many_samples():
    exact = LogPartition.exact(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(exact.value, [1, 2])
    np.testing.assert_array_equal(exact.standard_error, [0, 0])
    np.testing.assert_array_equal(exact.effective_sample_size, [np.inf, np.inf])
    assert exact[3:7] == ("exact", "exact", 0, 0) and not exact.has_few_effective_samples
    np.testing.assert_array_equal(exact.is_consistent, [True, True])
    np.testing.assert_array_equal([exact.lower, exact.upper], [[1, 2], [1, 2]])
    assert LogPartition.exact([1, 2]).effective_sample_size.dtype == tf.float32


@pytest.mark.parametrize(("sizes", "is_low"), [([5.1, 30.0], False), ([30.0, 4.9], True)])
def test_a_tenth_of_the_chains_must_carry_the_estimate(sizes, is_low):
    record = ESTIMATE._replace(effective_sample_size=tf.constant(sizes))
    assert record.has_few_effective_samples is is_low


def test_estimates_disagree_beyond_their_errors_and_where_one_is_unknown():
    gap = tf.constant([0.04, 0.44, 0.46, -1.0, np.nan, 0.0])
    variance = tf.constant([0.0, 0.01, 0.01, 0.01, 0.01, np.nan])
    np.testing.assert_array_equal(disagree(gap, variance), [False, False, True, False, True, True])
