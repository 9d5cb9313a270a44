import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.fingerprint import fingerprint

WEIGHTS = np.random.default_rng(0).normal(size=[5, 4]).astype(np.float32)
BIAS = np.random.default_rng(1).normal(size=[4])


def of(*arrays):
    return tuple(fingerprint([tf.constant(array) for array in arrays]).numpy())


def changed(index, value):
    weights = WEIGHTS.copy()
    weights[index] = value
    return weights


@pytest.mark.parametrize(
    "other",
    [
        (WEIGHTS[::-1], BIAS),
        (WEIGHTS[:, ::-1], BIAS),
        (-WEIGHTS, BIAS),
        (WEIGHTS, BIAS[::-1]),
        (WEIGHTS.T, BIAS),
        (BIAS, WEIGHTS),
        (changed((2, 3), np.nextafter(WEIGHTS[2, 3], np.float32(9))), BIAS),
        (changed(([0, 4], 1), WEIGHTS[[4, 0], 1]), BIAS),
        (changed(([0, 1], 0), WEIGHTS[[0, 1], 0] + np.float32([1, -1])), BIAS),
        (WEIGHTS, BIAS * np.array([1, 1, 1, -1])),
        (WEIGHTS[:4], BIAS),
        (changed((0, 0), np.nan), BIAS),
    ],
)
def test_whatever_changes_is_noticed(other):
    given = of(WEIGHTS, BIAS)
    assert given == of(WEIGHTS.copy(), BIAS.copy())
    assert given != of(*other)


def test_no_two_orders_of_the_same_entries_agree():
    assert len({of(np.array(order)) for order in itertools.permutations(BIAS)}) == 24
    assert len({of(BIAS[:1] * k) for k in range(50)}) == 50


def test_all_modes_agree_and_minus_0_is_0():
    parts = [tf.constant(WEIGHTS), tf.constant(BIAS), tf.constant([0.0], tf.bfloat16)]
    expected = fingerprint(parts).numpy()
    for options in ({}, {"jit_compile": True}):
        function = tf.function(lambda *p: fingerprint(p), autograph=False, **options)
        np.testing.assert_array_equal(function(*parts), expected)
    assert of(np.array([0.0, 1.0])) == of(np.array([-0.0, 1.0]))
    assert of(np.array([np.nan])) == of(np.array([np.nan]))
