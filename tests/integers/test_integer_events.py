"""Whole numbers with what users of integers expect."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.distributions import DiscretizedLogistic, IntegerEvents

tfd = tfp.distributions
test_conformance = registry.conformance("IntegerEvents")


def _model(num_levels=17, **options):
    high = num_levels - 1 if isinstance(num_levels, int) else np.inf
    pixels = DiscretizedLogistic(tf.fill([3], 9.0), 2.0, low=0, high=high)
    return IntegerEvents(tfd.Independent(pixels, 1), num_levels, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_levels_of_any_dtype_are_taken(dtype):
    x = np.array([[0, 7, 16], [1, 2, 3]], dtype)
    expected = DiscretizedLogistic(9.0, 2.0, 0, 16).log_prob(x.astype(np.float32))
    np.testing.assert_allclose(_model().log_prob(x), tf.reduce_sum(expected, -1), rtol=1e-6)


@pytest.mark.parametrize("bad", [3.5, -1.0, 17.0, np.nan, np.inf])
def test_what_is_no_level_is_refused(bad):
    with pytest.raises(ValueError, match="must hold integers from 0 to 16"):
        _model().log_prob(np.array([[0.0, bad, 1.0]]))
    compiled = tf.function(_model().log_prob, jit_compile=True)
    assert np.isnan(compiled(tf.constant([[0.0, bad, 1.0]])))


def test_entries_may_have_levels_of_their_own():
    model = _model([17, None, 3])
    assert model.dtype == tf.float32 and model.log_prob([[16.0, -99.0, 2.0]]).shape == (1,)
    for row in ([17.0, 0.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.5, 0.0]):
        with pytest.raises(ValueError, match="must hold whole numbers"):
            model.log_prob([row])


def test_samples_are_integers_of_the_smallest_dtype():
    assert _model().sample(5).dtype == tf.uint8
    assert _model(300).sample(5).dtype == tf.int32
    assert _model(None).sample(5).dtype == tf.float32


@pytest.mark.parametrize(
    "wrapped",
    [
        tfd.Independent(DiscretizedLogistic([0.0, 1.0], 1.0), 1),
        tfd.Sample(DiscretizedLogistic(0.0, 1.0), [2]),
        tfd.Blockwise([tfd.Sample(DiscretizedLogistic(0.0, 1.0), [1])] * 2),
    ],
    ids=["Independent", "Sample", "Blockwise"],
)
def test_the_mark_of_the_discrete_is_put_back(wrapped):
    scaled = tfp.bijectors.Scale(2.0)
    x = tf.constant([2.0, 4.0])
    kept = tfd.TransformedDistribution(IntegerEvents(wrapped), scaled).log_prob(2 * x)
    np.testing.assert_allclose(kept, wrapped.log_prob(x), rtol=1e-6)
    lost = tfd.TransformedDistribution(wrapped, scaled).log_prob(2 * x)
    np.testing.assert_allclose(kept - lost, 2 * np.log(2), rtol=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match=r"`distribution` must be a tfp.distributions.Distribution"):
        IntegerEvents(3)
    with pytest.raises(TypeError, match=r"must keep whole numbers in floats.*int32"):
        IntegerEvents(tfd.Categorical([0.0, 1.0]))
    with pytest.raises(ValueError, match="`num_levels` must be at most 8388608"):
        _model(2**23 + 1)
    with pytest.raises(ValueError, match=r"one for each entry of the last axis.*got 2"):
        _model([3, 3])
