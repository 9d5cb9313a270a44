"""What `first_nonfinite` names, on models as they are trained: with networks inside."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, models, networks, training
from tfp_ebm.bijectors import Coupling
from tfp_ebm.internal.keras import keras
from tfp_ebm.mcmc import PersistentChains

tfb, tfd = tfp.bijectors, tfp.distributions
POINTS = np.random.default_rng(0).normal(size=[4, 4]).astype(np.float32)


def machine(seed=1, size=2):
    """With chains, so that log Z is an estimate, here an exact one."""
    made = distributions.SmoothedRBM.create(size, size, seed=(0, seed))
    chains = PersistentChains.start(made.machine(), 4, (0, seed))
    base = distributions.SmoothedRBM(made.weights, made.bias, made.delta, chains=chains)
    base.estimate_log_partition()
    return base


def flow_over(base):
    """With a network, so that it is no composite tensor."""
    coupling = Coupling(tfb.Split(2), tfb.Shift, networks.MLP(2, 2, [4]), name="first_coupling")
    scale = tfb.Scale(tf.Variable(tf.ones([4])), name="then_scale")
    return tfd.TransformedDistribution(base, tfb.Invert(tfb.Chain([scale, coupling])))


def test_what_qualifies_log_z_is_not_accused():
    base = machine()
    model = flow_over(base)
    stored = base.stored_log_partition
    assert np.isinf(stored.effective_sample_size)
    stored.standard_error.assign(np.nan)  # As where it is unknown.
    assert training.first_nonfinite(model, POINTS) is None
    model.limit = tf.Variable(np.inf, trainable=False)
    assert training.first_nonfinite(model, POINTS) is None
    model.average = tf.Variable(np.nan, trainable=False, name="average")
    assert "average" in training.first_nonfinite(model)
    stored.value.assign(np.nan)
    assert "value" in training.first_nonfinite(flow_over(base))
    stored.value.assign(np.inf)
    assert training.first_nonfinite(model.distribution, POINTS) == (
        "the log partition function of the base, SmoothedRBM"
    )


def test_infinite_weights_and_gradients_are_named():
    model = flow_over(machine())
    model.bijector.bijector.bijectors[0].scale.assign([1.0, np.inf, 1.0, 1.0])
    assert "Variable" in training.first_nonfinite(model)


def test_layers_of_flows_with_networks_are_named():
    model = flow_over(machine())
    assert training.first_nonfinite(model, POINTS) is None
    assert "bijector 1 of 2 from the data, first_coupling" == training.first_nonfinite(
        model, np.where(np.arange(4) == 1, np.inf, POINTS).astype(np.float32)
    )
    large = np.where(np.arange(4) == 1, 3e38, POINTS).astype(np.float32)
    model.bijector.bijector.bijectors[0].scale.assign([1.0, 3.0, 1.0, 1.0])
    assert "bijector 2 of 2 from the data, then_scale" in training.first_nonfinite(model, large)


def test_the_part_of_a_base_of_several_is_named():
    base = tfd.Blockwise([machine(1), machine(2)])
    assert training.first_nonfinite(base, tf.zeros([2, 8])) is None
    points = np.zeros([2, 8], np.float32)
    points[1, 6] = 1e30
    found = training.first_nonfinite(base, points)
    assert found == "the density of the base, SmoothedRBM, part 2 of 2"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["per_level", "vflow"])
def test_whole_models_are_followed(kind):
    if kind == "vflow":
        model = models.vflow((4, 4, 1), 1, 5, num_filters=4, num_blocks=1, posterior_blocks=1)
    else:
        model = models.eb_and_flow(
            *((4, 4, 1), 5, "glow", kind), num_hidden=2, num_steps=1, num_filters=4
        )
    images = np.random.default_rng(0).integers(0, 5, [3, 4, 4, 1]).astype(np.uint8)
    assert training.first_nonfinite(model, images) is None


def test_training_says_where_it_stopped_in_a_model_with_networks():
    trainer = training.LikelihoodModel(flow_over(tfd.MultivariateNormalDiag(tf.zeros([4]))))
    trainer.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    data = POINTS.copy()
    data[2, 0] = 1e25
    with pytest.raises(training.NonFiniteError, match="first in the density of the base, "):
        trainer.fit(data, verbose=0, callbacks=[training.TerminateOnNonFinite()])
