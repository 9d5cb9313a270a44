"""Operations of whole numbers that can be undone."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import bijectors


def test_rounding_gives_whole_numbers_and_passes_every_gradient():
    x = tf.constant([0.3, 1.5, 2.5, -0.7, 8_388_607.3], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(bijectors.round_straight_through(x) ** 2)
        gradient = inner.gradient(y, x)
    np.testing.assert_array_equal(gradient, 2 * np.round(x))
    np.testing.assert_array_equal(outer.gradient(gradient, x), np.full(5, 2.0))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("num_levels", [None, 17, [17, None, 3]])
def test_addition_is_undone(num_levels, dtype):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.integers(0, 3, [50, 3]), dtype)
    t = tf.constant(rng.normal(scale=40.0, size=[50, 3]), dtype)
    add = bijectors.rounded_addition(num_levels)
    y = add.apply(x, t)
    np.testing.assert_array_equal(add.undo(y, t), x)
    modulus = np.array([1e9 if n is None else n for n in np.atleast_1d(num_levels).tolist()])
    expected = np.where(modulus > 1e8, x + np.round(t), np.mod(x + np.round(t), modulus))
    np.testing.assert_array_equal(y, expected)


def test_addition_of_levels_permutes_them():
    add = bijectors.rounded_addition(5)
    for shift in (-13.0, -0.6, 0.0, 2.0, 99.4):
        moved = add.apply(tf.range(5.0), tf.constant(shift))
        assert sorted(moved.numpy().tolist()) == [0, 1, 2, 3, 4]


def test_a_single_level_is_refused():
    with pytest.raises(ValueError, match="`num_levels` must be an integer of at least 2, got 1"):
        bijectors.rounded_addition([3, 1])
