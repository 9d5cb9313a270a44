"""Logistic masses against differences in many digits, also far out."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.logistic_mass import log_logistic_mass


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("x", [0.0, 3.0, -20.0, 100.0, -30_000.0])
def test_the_logarithm_has_its_digits_in_both_tails(x, dtype):
    loc, scale = 0.3, 0.7
    # sigmoid(b) - sigmoid(a), from the tail in which neither is near 1.
    far = -abs(x - loc)
    a, b = (far - 0.5) / scale, (far + 0.5) / scale
    expected = b + np.log1p(-np.exp(a - b)) - np.logaddexp(0, a) - np.logaddexp(0, b)
    mass = log_logistic_mass(*(tf.constant(v, dtype) for v in (loc, scale, x - 0.5, x + 0.5)))
    np.testing.assert_allclose(mass, expected, rtol=2e-6 if dtype == tf.float32 else 1e-12)


@pytest.mark.parametrize(("lower", "upper"), [(-math.inf, 2.5), (1.5, math.inf), (1.5, 2.5)])
def test_gradients_are_finite_also_at_open_ends(lower, upper):
    loc, scale = tf.constant(0.3), tf.constant(1e-3)
    with tf.GradientTape() as tape:
        tape.watch([loc, scale])
        mass = log_logistic_mass(loc, scale, tf.constant(lower), tf.constant(upper))
    assert np.all(np.isfinite([mass, *tape.gradient(mass, [loc, scale])]))


def test_open_ends_give_the_distribution_function():
    one = log_logistic_mass(0.0, 1.0, tf.constant(-math.inf), tf.constant(0.7))
    np.testing.assert_allclose(tf.exp(one), 1 / (1 + np.exp(-0.7)), rtol=1e-6)
    whole = log_logistic_mass(0.0, 1.0, tf.constant(-math.inf), tf.constant(math.inf))
    assert float(whole) == 0.0
