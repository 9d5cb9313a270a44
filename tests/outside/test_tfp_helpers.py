"""TensorFlow Probability's own test helpers, pointed at the distributions of this package."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import test_util

from tests import oracles
from tfp_ebm import bijectors, distributions, networks
from tfp_ebm.internal.keras import keras

tfb, tfd = tfp.bijectors, tfp.distributions


def affine_coupling(seed):
    keras.utils.set_random_seed(seed)

    def bijector_fn(parameters):
        shift, log_scale = tf.split(parameters, 2, axis=-1)
        return tfb.Shift(shift)(tfb.Scale(log_scale=0.3 * tf.tanh(log_scale)))

    return bijectors.Coupling(tfb.Split(2), bijector_fn, networks.MLP(1, 2, [8], "tanh"))


def smoothed_rbm():
    weights, bias = oracles.random_machine(1, 1)
    return distributions.SmoothedRBM(weights.astype(np.float32), bias.astype(np.float32), 2.0)


def flow_of_smoothed_rbm():
    return tfd.TransformedDistribution(
        smoothed_rbm(), tfb.Chain([affine_coupling(0), tfb.Permute([1, 0]), affine_coupling(1)])
    )


class VectorDistributions(test_util.VectorDistributionTestHelpers, test_util.TestCase):
    """Samples and densities of two-dimensional distributions agree, on two discs each."""

    def check(self, distribution, with_moments=True):
        for center, radius in (([0.0, 0.0], 1.0), ([0.8, -0.6], 1.5)):
            self.run_test_sample_consistent_log_prob(
                self.evaluate,
                distribution,
                num_samples=200_000,
                radius=radius,
                center=np.array(center, np.float32),
                seed=17,
                rtol=0.03,
            )
        if with_moments:
            self.run_test_sample_consistent_mean_covariance(
                self.evaluate, distribution, num_samples=200_000, seed=18, rtol=0.02, atol=0.02
            )

    def test_smoothed_rbm(self):
        self.check(smoothed_rbm(), with_moments=False)

    def test_discrete_mixture(self):
        self.check(distributions.DiscreteMixture(tf.constant([0.3, -0.5]), 1.7))

    def test_bipartite_normal(self):
        self.check(distributions.BipartiteNormal(tf.constant([[0.7]]), 2.0))

    def test_flow_of_smoothed_rbm(self):
        self.check(flow_of_smoothed_rbm(), with_moments=False)

    def test_a_wrong_density_is_noticed(self):
        class Wrong(distributions.BipartiteNormal):
            def _log_prob(self, value):
                return super()._log_prob(value) + 0.1

        with self.assertRaises(AssertionError):
            self.check(Wrong(tf.constant([[0.7]]), 2.0))
