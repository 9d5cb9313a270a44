"""Levels that leave half of their channels."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors

tfb = tfp.bijectors
test_conformance = registry.conformance("FactorOut")


def test_parts_lie_side_by_side_the_coarsest_first():
    x = tf.reshape(tf.range(16.0), [4, 4, 1])
    flow = bijectors.FactorOut([bijectors.Squeeze(), tfb.Identity()], (4, 4, 1))
    assert flow.part_shapes == ((2, 2, 1), (2, 2, 1), (2, 2, 2))
    squeezed = np.arange(16).reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)
    expected = [squeezed[..., :1], squeezed[..., 1:2], squeezed[..., 2:]]
    np.testing.assert_array_equal(
        flow.forward(x), np.concatenate([part.ravel() for part in expected])
    )


def test_an_odd_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"even numbers of channels.*got 1 from"):
        bijectors.FactorOut([tfb.Identity()], (4, 4, 1))


def test_many_levels_take_no_longer_to_look_up():
    levels = [tfb.Chain([bijectors.Squeeze()]) for _ in range(6)]
    flow = tfb.Invert(bijectors.FactorOut(levels, (64, 64, 1)))
    assert flow.inverse(tf.zeros([1, 64, 64, 1])).shape == (1, 4096)
