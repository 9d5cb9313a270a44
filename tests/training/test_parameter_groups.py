import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, networks, training
from tfp_ebm.bijectors import Coupling

tfb, tfd = tfp.bijectors, tfp.distributions


class Noise(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.scale = tf.Variable(0.5)

    def __call__(self, x):
        return tfd.Independent(tfd.Uniform(0 * x, 0.1 + tf.nn.sigmoid(self.scale) + 0 * x), 1)


def refs(variables):
    return {variable.ref() for variable in variables}


def make(base):
    flow, noise = tfb.Scale(tf.Variable([2.0, 3.0, 4.0])), Noise()
    density = tfd.TransformedDistribution(base, flow)
    return distributions.Dequantized(density, num_levels=4, noise=noise), flow, noise


def test_every_variable_is_in_its_group():
    for base in (
        distributions.SmoothedRBM.create(2, 1),
        tfd.MultivariateNormalDiag(tf.Variable(tf.zeros([3]))),
    ):
        model, flow, noise = make(base)
        groups = training.parameter_groups(model)
        assert refs(groups["base"]) == refs(base.trainable_variables)
        assert refs(groups["flow"]) == refs(flow.trainable_variables)
        assert refs(groups["noise"]) == {noise.scale.ref()}


def test_a_classical_base_behind_networks_is_the_base():
    """A flow with a network is no composite tensor, nor an instance of the public class."""
    network = networks.MLP(1, 2, [4])
    flow = Coupling(tfb.Split([1, 2]), tfb.Shift, network)
    base = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros([3])))
    groups = training.parameter_groups(tfd.TransformedDistribution(base, flow))
    assert refs(groups["base"]) == {base.loc.ref()}
    assert refs(groups["flow"]) == refs(network.trainable_variables)


def test_frozen_variables_are_in_none():
    base = distributions.SmoothedRBM.create(2, 1)
    model, flow, _ = make(base)
    groups = training.parameter_groups(model, frozen=[base.weights, flow.scale])
    assert refs(groups["base"]) == {base.bias.ref()} and groups["flow"] == []


def test_a_posterior_belongs_to_the_noise():
    class Posterior(Noise):
        def __call__(self, x):
            return tfd.MultivariateNormalDiag(0 * x[..., :1], self.scale + 0 * x[..., :1])

    joint = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros([3])))
    posterior = Posterior()
    groups = training.parameter_groups(distributions.Augmented(joint, posterior, 1))
    assert refs(groups["noise"]) == {posterior.scale.ref()}
    assert refs(groups["flow"]) == {joint.loc.ref()}
