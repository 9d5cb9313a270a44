"""The bases inside TensorFlow Probability's own wrappers, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles, registry
from tfp_ebm import mcmc

tfd = tfp.distributions
NAMES = [name for name, entry in registry.DISTRIBUTIONS.items() if entry]


@pytest.mark.parametrize("name", NAMES)
def test_sample_wrapper(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float32)
    wrapped = tfd.Sample(base, 3)
    value = wrapped.sample(5, seed=(0, 1))
    assert value.shape == (5, 3, *base.event_shape)
    np.testing.assert_allclose(
        wrapped.log_prob(value), tf.reduce_sum(base.log_prob(value), axis=-1), rtol=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_independent_of_a_batch(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float32)
    batched = tfd.BatchBroadcast(base, [2])
    wrapped = tfd.Independent(batched, 1)
    value = wrapped.sample(4, seed=(0, 1))
    assert value.shape == (4, 2, *base.event_shape)
    np.testing.assert_allclose(
        wrapped.log_prob(value), tf.reduce_sum(base.log_prob(value), axis=-1), rtol=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_joint_distribution(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float32)
    rank = len(base.event_shape)
    joint = tfd.JointDistributionSequential(
        [base, lambda z: tfd.Independent(tfd.Normal(z, 0.5), rank)]
    )
    value = joint.sample(6, seed=(0, 1))
    expected = base.log_prob(value[0]) + tf.reduce_sum(
        tfd.Normal(value[0], 0.5).log_prob(value[1]), axis=[*range(-rank, 0)]
    )
    np.testing.assert_allclose(joint.log_prob(value), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SmoothedRBM larger", "GaussianBernoulliRBM"])
def test_hamiltonian_monte_carlo_on_the_density(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float64)
    start = base.sample(2_000, seed=(0, 1))
    kernel = tfp.mcmc.HamiltonianMonteCarlo(base.log_prob, step_size=0.2, num_leapfrog_steps=4)
    end, accepted = tfp.mcmc.sample_chain(
        30,
        start + 0.0,
        kernel=kernel,
        trace_fn=lambda _, results: results.is_accepted,
        seed=(0, 2),
    )
    assert np.mean(accepted) > 0.8
    samples = base.sample(20_000, seed=(0, 3)).numpy()
    np.testing.assert_allclose(end[-1].numpy().mean(0), samples.mean(0), atol=0.1)
    np.testing.assert_allclose(end[-1].numpy().std(0), samples.std(0), atol=0.1)


@pytest.mark.parametrize("name", ["RestrictedBoltzmannMachine", "GaussianBernoulliRBM"])
def test_block_gibbs_in_sample_chain(name):
    machine = registry.DISTRIBUTIONS[name][0](tf.float64).machine()
    states = tfp.mcmc.sample_chain(
        5,
        machine.sample_reference(7, (0, 1)),
        kernel=mcmc.BlockGibbs(machine),
        trace_fn=None,
        seed=(0, 2),
    )
    assert states.shape[:2] == (5, 7) and np.all(np.isfinite(states))


def test_discrete_machines_are_refused_by_gradient_samplers():
    weights, bias = oracles.random_machine(3, 2)
    base = registry.distributions.RestrictedBoltzmannMachine(weights, bias)
    assert base.experimental_default_event_space_bijector() is None
    transformed = tfd.TransformedDistribution(base, tfp.bijectors.Scale(np.float64(2.0)))
    value = 2 * base.sample(4, seed=(0, 1))
    # A discrete base moves its atoms: no Jacobian.
    np.testing.assert_allclose(transformed.log_prob(value), base.log_prob(value / 2), rtol=1e-10)
