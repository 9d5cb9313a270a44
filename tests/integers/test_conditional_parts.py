"""Parts that are drawn in turn."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.distributions import ConditionalParts, DiscretizedLogistic

tfd = tfp.distributions
test_conformance = registry.conformance("ConditionalParts")


def _first(before):
    return tfd.Independent(DiscretizedLogistic(tf.zeros([2]), 1.0), 1)


def _second(before):
    return tfd.Independent(DiscretizedLogistic(before[..., 1:] + 3.0, 0.5), 1)


def test_the_log_probability_is_that_of_the_chain_rule():
    z = np.array([[0.0, 2.0, 4.0], [-1.0, 0.0, 3.0]], np.float32)
    base = ConditionalParts([2, 1], [_first, _second])
    expected = DiscretizedLogistic(0.0, 1.0).log_prob(z[:, :2]).numpy().sum(axis=1)
    expected += DiscretizedLogistic(z[:, 1] + 3, 0.5).log_prob(z[:, 2])
    np.testing.assert_allclose(base.log_prob(z), expected, rtol=1e-6)
    assert base.part_sizes == (2, 1) and base.conditionals == (_first, _second)


def test_no_jacobian_is_added():
    base = ConditionalParts([2, 1], [_first, _second])
    scaled = tfp.bijectors.Scale(2.0)(base)
    z = tf.constant([[0.0, 2.0, 4.0]])
    np.testing.assert_allclose(scaled.log_prob(2 * z), base.log_prob(z))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="got 1 sizes and 2 conditionals"):
        ConditionalParts([3], [_first, _second])
    with pytest.raises(TypeError, match="must be functions of the parts before, got float"):
        ConditionalParts([1], [1.0])
    wrong = ConditionalParts([3, 1], [_first, _second])
    with pytest.raises(ValueError, match=r"part 0 must return a distribution over \[3\]"):
        wrong.log_prob(tf.zeros([4]))
    with pytest.raises(ValueError, match=r"`before` must have shape \[..., 0\]"):
        wrong.part_distribution(0, tf.zeros([1]))
