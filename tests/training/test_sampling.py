import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.training.sampling import BatchSampler


def test_samples_differ_from_batch_to_batch_and_repeat_with_their_seed():
    draw = BatchSampler(tfp.distributions.Normal([0.0, 10.0], 1.0), batch_size=4)
    samples = draw(10, seed=(0, 1))
    assert samples.shape == (10, 2) and len(np.unique(samples)) == 20
    np.testing.assert_array_equal(draw(10, seed=(0, 1)), samples)
    np.testing.assert_array_equal(draw(3, seed=(0, 1)), samples[:3])
    assert np.all(draw(10, seed=(0, 2)) != samples)


def test_samples_are_those_of_the_variables_as_they_are_now():
    loc = tf.Variable(0.0)
    draw = BatchSampler(tfp.distributions.Normal(loc, 1.0), batch_size=8)
    before = draw(8, seed=(0, 1))
    loc.assign(100.0)
    np.testing.assert_allclose(draw(8, seed=(0, 1)), before + 100, rtol=1e-6)
