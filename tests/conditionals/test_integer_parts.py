"""Distributions of whole numbers, alone or given coarser parts."""

import numpy as np
import tensorflow as tf

from tfp_ebm.conditionals import LogisticsGivenParts, MarginalLogistics
from tfp_ebm.flows import IntegerScaling
from tfp_ebm.testing.conformance import randomize

SHAPES = [(2, 2, 1), (2, 2, 1), (2, 2, 2), (4, 4, 1)]


def _softplus(x):
    return np.log1p(np.exp(x))


def test_marginals_are_the_mixtures_of_their_variables():
    made = MarginalLogistics(3, IntegerScaling.of(17), 2, tf.float64)
    randomize(made, 1.0)
    raw = made.trainable_variables[0].numpy()
    mixture = made().distribution
    np.testing.assert_allclose(mixture.logits, raw[:, :2])
    np.testing.assert_allclose(mixture.loc, 8 + 4.25 * (raw[:, 2:4] + [-1.5, 1.5]))
    np.testing.assert_allclose(mixture.scale, 0.05 + 4.25 * _softplus(raw[:, 4:]) / 2)
    assert float(mixture.low) == 0 and float(mixture.high) == 16


def test_entries_without_levels_have_no_ends():
    made = MarginalLogistics(2, IntegerScaling.of([None, 3], [50.0, 0.0], [9.0, 1.0]))
    mixture = made().distribution
    np.testing.assert_array_equal(mixture.low, [-np.inf, 0])
    np.testing.assert_array_equal(mixture.high, [np.inf, 2])
    np.testing.assert_allclose(mixture.loc[:, 0], [50.0, 1.0])


def test_a_part_depends_on_all_before_it_and_on_its_position():
    given = LogisticsGivenParts(SHAPES, IntegerScaling.of(17), 2, num_filters=4)
    randomize(given, 0.5)
    before = tf.constant(np.random.default_rng(0).integers(0, 17, [1, 16]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(before)
        loc = given(before).distribution.loc
        total = tf.reduce_sum(loc**2)
    assert loc.shape == (1, 16, 2)
    assert np.all(tape.gradient(total, before).numpy() != 0)
    same = given(tf.zeros([1, 16])).distribution.loc.numpy().reshape(4, 4, 2)
    assert len(np.unique(same[1:3, 1:3, 0])) == 4


def test_any_leading_axes():
    given = LogisticsGivenParts(SHAPES[:2], IntegerScaling.of(17), 2, num_filters=4)
    assert given(tf.zeros([3, 2, 4])).sample(seed=(0, 1)).shape == (3, 2, 4)
    assert given(tf.zeros([4])).log_prob(tf.zeros([4])).shape == ()
