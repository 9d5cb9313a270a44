"""A density evaluation, or a sample, runs every conditioner exactly once."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.internal.keras import keras

tfb, tfd = tfp.bijectors, tfp.distributions


class Counting(keras.layers.Layer):
    """A conditioner with dropout that counts its runs, also inside graphs."""

    def __init__(self, size, num_outputs):
        super().__init__()
        self.network = networks.MLP(size, num_outputs, [16], dropout_rate=0.5)
        self.runs = tf.Variable(0, trainable=False)

    def call(self, x, training=None):
        self.runs.assign_add(1)
        return self.network(x, training=training)


class Trainer(keras.Model):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, x, training=None):
        return self.model.log_prob(x)


def make(num_couplings=2):
    counters = [Counting(3, 3 * (2 + 3 * 4)) for _ in range(num_couplings)]
    steps = []
    for counter in counters:
        steps += [
            bijectors.MixLogCDFCoupling(tfb.Split(2), counter, 4),
            tfb.Permute([5, 4, 3, 2, 1, 0]),
        ]
    flow = tfb.Invert(tfb.Chain(steps[::-1]))
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([6])), flow)
    return model, counters


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_log_prob(graph, training):
    model, counters = make()
    trainer = Trainer(model)
    x = tf.random.stateless_normal([5, 6], seed=(0, 1))
    call = tf.function(trainer) if graph else trainer
    call(x, training=training)
    for counter in counters:
        counter.runs.assign(0)
    call(x + 1, training=training)
    assert [int(counter.runs) for counter in counters] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("graph", [False, True])
def test_sample(graph):
    model, counters = make()
    call = tf.function(lambda: model.sample(4, seed=(0, 1))) if graph else lambda: model.sample(4)
    call()
    for counter in counters:
        counter.runs.assign(0)
    call()
    assert [int(counter.runs) for counter in counters] == [1, 1]


def test_sample_and_its_log_prob_share_the_pass():
    model, counters = make()
    model.experimental_sample_and_log_prob(4, seed=(0, 1))
    assert [int(counter.runs) for counter in counters] == [1, 1]


@pytest.mark.slow
def test_under_dropout_value_and_log_det_belong_to_the_same_mask():
    """With a base of constant density, log_prob is the log-determinant of the pass that drew z."""
    counter = Counting(3, 3 * (2 + 3 * 4))
    coupling = bijectors.MixLogCDFCoupling(tfb.Split(2), counter, 4)

    class Both(keras.Model):
        def __init__(self):
            super().__init__()
            self.coupling = coupling

        def call(self, x, training=None):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = self.coupling.forward(x)
            log_det = self.coupling.forward_log_det_jacobian(x, event_ndims=1)
            return tape.batch_jacobian(y, x), log_det

    both, log_dets = Both(), []
    for _ in range(4):
        x = tf.random.stateless_normal([5, 6], seed=(0, 1))
        jacobian, log_det = both(x, training=True)
        np.testing.assert_allclose(np.linalg.slogdet(jacobian)[1], log_det, rtol=1e-3, atol=1e-3)
        log_dets.append(float(log_det[0]))
    assert len(set(log_dets)) > 1


class Doubled(bijectors.one_pass.OnePassBijector):
    def __init__(self):
        super().__init__(forward_min_event_ndims=0, parameters={}, name="doubled")

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward_and_log_det(self, x):
        return 2 * x, tf.fill(tf.shape(x), np.log(2.0))

    def _inverse_and_log_det(self, y):
        return y / 2, tf.fill(tf.shape(y), np.log(2.0))


@pytest.mark.parametrize("first", ["forward", "inverse", None])
def test_log_determinants_with_and_without_the_cache(first):
    bijector, x, y = Doubled(), tf.constant([1.0, 3.0], tf.float64), tf.constant([2.0, 6.0])
    y = tf.cast(y, tf.float64)
    if first == "forward":
        y = bijector.forward(x)
    elif first == "inverse":
        x = bijector.inverse(y)
    found = bijector.forward_log_det_jacobian(x, event_ndims=0)
    np.testing.assert_allclose(found, np.full(2, np.log(2)))
    found = bijector.inverse_log_det_jacobian(y, event_ndims=0)
    np.testing.assert_allclose(found, np.full(2, -np.log(2)))
