"""Whole numbers as decisions."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.coding.decisions import first_numbers, num_decisions, upper_half
from tfp_ebm.coding.entropy import PRECISION
from tfp_ebm.distributions import DiscretizedLogistic, DiscretizedLogisticMixture


def _path(distribution, value, low, high):
    """Returns the product of the probabilities of the decisions that lead to a value."""
    start, total = float(first_numbers(low)), 1.0
    for bit in reversed(range(num_decisions(low, high))):
        width = 2.0**bit
        up = int(upper_half(distribution, tf.constant(start), tf.constant(width))) / 2**PRECISION
        is_up = value >= start + width
        total *= up if is_up else 1 - up
        start += width * is_up
    assert start == value
    return total


@pytest.mark.parametrize(("low", "high"), [(0, 15), (0, 16), (-3, 9)])
def test_decisions_multiply_to_the_probability(low, high):
    loc, scale = [4.0, 11.0], [2.0, 3.0]
    made = DiscretizedLogisticMixture([0.0, 1.0], loc, scale, low, high)
    for value in range(low, high + 1):
        expected = float(made.prob(float(value)))
        np.testing.assert_allclose(_path(made, value, low, high), expected, rtol=1e-3)


@pytest.mark.parametrize("value", [0, -7, 40, 100])
def test_numbers_without_ends_are_found(value):
    made = DiscretizedLogistic(3.0, 20.0)
    path = _path(made, value, -math.inf, math.inf)
    np.testing.assert_allclose(path, float(made.prob(float(value))), rtol=1e-3)


def test_a_mean_beyond_the_range_costs_nothing_more():
    made = DiscretizedLogistic(300.0, 1.0, 0, 16)
    assert _path(made, 16, 0, 16) > 1 - 1e-4


def test_the_farthest_tail_has_a_probability():
    made = DiscretizedLogistic(0.0, 0.05)
    up = upper_half(made, tf.constant([-4.0e6, 4.0e6]), tf.constant(64.0)).numpy()
    assert up.tolist() == [2**PRECISION - 1, 1]


def test_ranges_of_entries_are_searched_together():
    np.testing.assert_array_equal(first_numbers([0.0, -np.inf, -3.5]), [0, -(2.0**22), -3])
    assert num_decisions([0.0, 0.0], [16.0, 2.0]) == 5
    assert num_decisions([0.0, -np.inf], [16.0, 2.0]) == 23
