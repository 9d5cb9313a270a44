import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_likelihood_model import bernoulli_like_pixels, images
from tfp_ebm import training
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import gradients


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite_finds_one_bad_entry(bad):
    entries = np.ones([3, 4], np.float32)
    assert gradients.all_finite(tf.constant(1.0), [tf.constant(entries), None])
    assert not gradients.all_finite(tf.constant(bad), [tf.constant(entries)])
    entries[1, 2] = bad
    assert not gradients.all_finite(tf.constant(1.0), [None, tf.constant(entries)])


def test_zero_unless_keeps_or_clears_every_gradient():
    sparse = tf.IndexedSlices(tf.constant([[np.nan, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    given = [tf.constant([1.0, np.nan]), None, sparse]

    @tf.function
    def cleared(is_finite):
        first, none, last = gradients.zero_unless(is_finite, given)
        assert none is None
        return first, last

    first, last = cleared(tf.constant(True))
    np.testing.assert_array_equal(first, [1.0, np.nan])
    np.testing.assert_array_equal(last, [[0, 0], [np.nan, 2], [0, 0]])
    for gradient in cleared(tf.constant(False)):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


def test_a_legacy_optimizer_trains_like_the_new_one_and_traces_once():
    weights = []
    for adam in (keras.optimizers.Adam, keras.optimizers.legacy.Adam):
        trainer = training.LikelihoodModel(bernoulli_like_pixels(), seed=(0, 1))
        trainer.compile(optimizer=adam(0.05))
        trainer.fit(images(), epochs=3, batch_size=32, verbose=0)
        weights.append(trainer.distribution.distribution.loc.numpy())
        assert trainer.train_function.experimental_get_tracing_count() == 1
        assert int(trainer.num_updates) == 6
    np.testing.assert_allclose(*weights, rtol=1e-5)
