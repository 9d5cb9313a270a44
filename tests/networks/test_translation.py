"""Networks between whole numbers."""

import numpy as np
import tensorflow as tf

from tfp_ebm.networks import MLP, Translation


def test_the_formula():
    network = MLP(3, 2, [4])
    made = Translation(network, [1.0, 2.0, 3.0], 4.0, [5.0, 6.0], bound=2.0)
    (rezero,) = (v for v in made.trainable_variables if v.shape == ())
    rezero.assign(0.7)
    x = np.random.default_rng(0).normal(scale=9.0, size=[5, 3]).astype(np.float32)
    inner = 0.7 * network((x - [1.0, 2.0, 3.0]) / np.float32(4.0)).numpy()
    expected = np.array([5.0, 6.0]) * 2 * np.tanh(inner / 2)
    np.testing.assert_allclose(made(x), expected, rtol=1e-5)


def test_it_starts_at_zero_and_stays_within_its_bound():
    made = Translation(MLP(3, 2, [4]), 0.0, 1.0, 4.0, bound=4.0)
    x = tf.constant([[1e6, -1e6, 1e6]])
    assert np.all(made(x) == 0)
    (rezero,) = (v for v in made.trainable_variables if v.shape == ())
    rezero.assign(1e3)
    assert np.all(np.abs(made(x)) <= 16)


def test_without_a_factor_it_is_the_network():
    network = MLP(3, 2, [4], dtype=tf.float64)
    made = Translation(network, 0.0, 1.0, 1.0, rezero=False, dtype=tf.float64)
    x = tf.ones([1, 3], tf.float64)
    np.testing.assert_allclose(made(x), network(x))
