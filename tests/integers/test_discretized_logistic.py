"""Rounded logistics."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.distributions import DiscretizedLogistic

tfd = tfp.distributions
test_conformance = registry.conformance("DiscretizedLogistic")


def test_it_is_the_quantised_logistic_of_tensorflow_probability():
    loc, scale, x = 0.3, 2.0, tf.range(-30.0, 31.0)
    shifted = tfp.bijectors.Shift(tf.constant(-0.5))(tfd.Logistic(loc, scale))
    expected = tfd.QuantizedDistribution(shifted).log_prob(x)
    np.testing.assert_allclose(DiscretizedLogistic(loc, scale).log_prob(x), expected, rtol=1e-5)


def test_the_tail_has_no_floor():
    np.testing.assert_allclose(DiscretizedLogistic(0.0, 0.5).log_prob(100.0), -199.1454, rtol=1e-6)


@pytest.mark.parametrize("loc", [-50.0, 0.0, 7.3, 300.0])
def test_a_range_holds_all_the_mass(loc):
    made = DiscretizedLogistic(loc, 3.0, low=-2, high=9)
    np.testing.assert_allclose(tf.reduce_sum(made.prob(tf.range(-2.0, 10.0))), 1.0, rtol=1e-6)
    samples = made.sample(2000, seed=(0, 1))
    assert samples.numpy().min() >= -2 and samples.numpy().max() <= 9
    assert np.all(np.isneginf(made.log_prob([-3.0, 10.0, 0.5, np.inf, np.nan])))


def test_intervals_add_up_to_their_values():
    made = DiscretizedLogistic(2.2, 1.7, low=0, high=15)
    values = made.prob(tf.range(16.0)).numpy()
    for start, stop in ((0, 16), (3, 4), (0, 8), (8, 16), (12, 16)):
        mass = tf.exp(made.log_interval_prob(float(start), float(stop)))
        np.testing.assert_allclose(mass, values[start:stop].sum(), rtol=1e-5)


def test_it_is_known_as_discrete():
    made = tfp.bijectors.Scale(2.0)(DiscretizedLogistic(0.0, 1.0))
    np.testing.assert_allclose(made.log_prob(4.0), DiscretizedLogistic(0.0, 1.0).log_prob(2.0))


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match="`low` and `high` must have a whole number between"):
        DiscretizedLogistic(0.0, 1.0, low=0.2, high=0.8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`scale` must be above 0"):
        DiscretizedLogistic(0.0, -1.0, validate_args=True)
