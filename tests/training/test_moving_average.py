import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.training.moving_average import MovingAverage


def test_is_the_recursion_with_a_momentum_that_grows():
    variable = tf.Variable([5.0, -1.0], dtype=tf.float64)
    average = MovingAverage([variable], momentum=0.6)
    expected = variable.numpy()
    for step in range(1, 9):  # From step 5 on the momentum is 0.6.
        variable.assign_add([0.3 * step, 1.0])
        average.update(tf.constant(step))
        momentum = min(0.6, (1 + step) / (10 + step))
        expected = momentum * expected + (1 - momentum) * variable.numpy()
    with average.in_place():
        np.testing.assert_allclose(variable, expected, rtol=1e-6)


def test_in_place_comes_back_whatever_happens():
    variable = tf.Variable(2.0)
    average = MovingAverage([variable], momentum=0.5)
    variable.assign(7.0)
    for _ in range(2):
        with pytest.raises(KeyError), average.in_place():
            assert float(variable) == 2
            raise KeyError
        assert float(variable) == 7


def test_restarts_at_the_present_values():
    variable = tf.Variable(2.0)
    average = MovingAverage([variable], momentum=0.5)
    variable.assign(7.0)
    average.restart()
    variable.assign(8.0)
    with average.in_place():
        assert float(variable) == 7


def test_averages_are_saved_and_not_trained():
    average = MovingAverage([tf.Variable(2.0), tf.Variable([1.0])], momentum=0.5)
    assert len(average.variables) == 4 and len(average.trainable_variables) == 2
