"""How much means of chains vary, against draws made alike and counted."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.mcmc.mixing import Mixing


def mixing(acceptance, duplicates=0.0):
    return Mixing(tf.constant(acceptance, tf.float64), tf.constant(duplicates, tf.float64))


def test_jumps_that_are_seldom_accepted_inflate_variances():
    """A chain that moves to a fresh draw with probability a: its sums, over many steps."""
    rng = np.random.default_rng(0)
    for acceptance in (1.0, 0.5, 0.2):
        moves = rng.random([400, 2000]) < acceptance
        moves[:, 0] = True
        last = np.maximum.accumulate(np.where(moves, np.arange(2000), 0), axis=1)
        states = np.take_along_axis(rng.normal(size=[400, 2000]), last, axis=1)
        variance = 2000 * states.mean(axis=1).var()
        assert float(mixing(acceptance).inflation) == pytest.approx(variance, rel=0.3)
    assert float(mixing(0.0).inflation) == pytest.approx(199)  # As at a hundredth.


def test_draws_made_again_are_fewer():
    once = mixing(1.0).resampled(tf.constant(0.25, tf.float64), tf.constant(True))
    assert float(once.inflation) == 4
    kept = mixing(1.0).resampled(tf.constant(0.25, tf.float64), tf.constant(False))
    assert float(kept.inflation) == 1
    twice = once.resampled(tf.constant(0.5, tf.float64), tf.constant(True))
    assert float(twice.duplicates) == 4


def test_jumps_part_duplicates():
    found = mixing(0.5, 4.0).jumped(tf.constant(0.75, tf.float64))
    assert float(found.duplicates) == 1
    assert float(found.acceptance) == pytest.approx(0.7 * 0.5 + 0.3 * 0.75)
