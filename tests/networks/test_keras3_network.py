import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, distributions, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.networks import MLP, Keras3Network
from tfp_ebm.training import checkpoint

tfb, tfd = tfp.bijectors, tfp.distributions
POINTS = np.random.default_rng(0).normal(size=[64, 4]).astype(np.float32)


def network(rate=0.0, seed=0):
    keras3.utils.set_random_seed(seed)
    layers = [keras3.layers.Dense(6, "tanh"), keras3.layers.Dropout(rate), keras3.layers.Dense(2)]
    return Keras3Network(keras3.Sequential(layers), [2])


def flow_model(conditioner):
    coupling = bijectors.Coupling(tfb.Split(2), tfb.Shift, conditioner)
    flow = tfb.Invert(tfb.Chain([coupling, tfb.Permute([2, 3, 0, 1])]))
    return tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([4])), flow)


@pytest.mark.slow
def test_against_the_same_network_of_tf_keras():
    wrapped, own = network(), MLP(2, 2, [6], "tanh")
    for variable, value in zip(own.trainable_variables, wrapped.trainable_variables, strict=True):
        variable.assign(value)
    models = [flow_model(conditioner) for conditioner in (wrapped, own)]
    log_probs = []
    for model in models:
        assert len(model.trainable_variables) == 4
        trainer = training.LikelihoodModel(model)
        trainer.compile(optimizer=keras.optimizers.Adam(1e-2))
        trainer.fit(POINTS, epochs=2, batch_size=32, verbose=0, shuffle=False)
        log_probs.append(model.log_prob(POINTS))
    np.testing.assert_allclose(*log_probs, rtol=1e-5)
    untrained = flow_model(network()).log_prob(POINTS)
    assert np.abs(log_probs[0] - untrained).max() > 1e-2


def test_training_is_respected_and_the_states_of_dropout_are_not_trained():
    wrapped = network(rate=0.5)
    assert len(wrapped.trainable_variables) == 4 and len(wrapped.variables) > 4
    x = tf.constant(POINTS[:, :2])
    np.testing.assert_array_equal(wrapped(x), wrapped(x, training=False))
    assert np.abs(wrapped(x, training=True) - wrapped(x)).max() > 0.01
    assert np.abs(wrapped(x, training=True) - wrapped(x, training=True)).max() > 0.01

    class Host(keras.Model):
        def __init__(self):
            super().__init__()
            self.density = flow_model(wrapped)

        def call(self, points, training=None):
            return self.density.log_prob(points)

    host = Host()  # The flag reaches the network from a model of tf_keras, through TFP.
    expected = host.density.log_prob(POINTS)
    np.testing.assert_allclose(host(POINTS, training=False), expected, rtol=1e-6)
    assert np.abs(host(POINTS, training=True) - expected).max() > 0.01


def test_checkpoints_hold_weights_and_states(tmp_path):
    model, again = flow_model(network(0.5, seed=1)), flow_model(network(0.5, seed=2))
    assert np.abs(model.log_prob(POINTS) - again.log_prob(POINTS)).max() > 1e-3
    checkpoint.save(model, tmp_path / "checkpoint")
    checkpoint.restore(again, tmp_path / "checkpoint")
    assert len(model.variables) == len(again.variables) > 4
    for one, other in zip(model.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.log_prob(POINTS), again.log_prob(POINTS))


def test_any_leading_axes_of_images_and_vectors():
    convolution = Keras3Network(keras3.layers.Conv2D(3, 3, padding="same"), [2, 4, 1])
    images = np.random.default_rng(1).normal(size=[2, 3, 2, 4, 1]).astype(np.float32)
    assert convolution(images).shape == [2, 3, 2, 4, 3]
    np.testing.assert_allclose(convolution(images)[1], convolution(images[1]), rtol=1e-6)
    assert network()(tf.zeros([0, 2])).shape == [0, 2]
    assert network()(tf.zeros([2])).shape == [2]


def test_frozen_layers_are_refused_and_moving_averages_are_not_trained():
    layers = [keras3.layers.Dense(6), keras3.layers.BatchNormalization(), keras3.layers.Dense(2)]
    wrapped = Keras3Network(keras3.Sequential(layers), [2])
    assert len(wrapped.trainable_variables) == 6 and len(wrapped.variables) == 8
    layers[0].trainable = False
    with pytest.raises(ValueError, match=r"frozen layer, of the variable .*kernel: thaw it"):
        Keras3Network(keras3.Sequential(layers), [2])


def test_errors():
    with pytest.raises(TypeError, match=r"layer or model of Keras 3, got MLP"):
        Keras3Network(MLP(2, 2), [2])
    with pytest.raises(ValueError, match="`input_shape`"):
        Keras3Network(keras3.layers.Dense(2), [0])
    layers = [keras3.layers.Dense(2, dtype="float64")]
    with pytest.raises(ValueError, match=r"casts its input to float32, but has weights of float64"):
        Keras3Network(keras3.Sequential(layers), [2])


@pytest.mark.slow
def test_a_machine_under_such_a_flow_trains():
    base = distributions.SmoothedRBM.create(2, 2)
    flow = flow_model(network(0.2)).bijector
    trainer = training.LikelihoodModel(tfd.TransformedDistribution(base, flow), seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(1e-2))
    losses = trainer.fit(POINTS, epochs=2, batch_size=32, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
