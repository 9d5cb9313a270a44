import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import SmoothedRBM


def test_contrastive_divergence_starts_from_the_data_and_leaves_values_alone():
    weights, bias = oracles.random_machine(14, 13, scale=0.2)
    variables = tf.Variable(weights), tf.Variable(bias)
    machine = SmoothedRBM(weights, bias, 3.5).machine()
    points = SmoothedRBM(weights, bias, 3.5).sample(2_000, seed=(0, 5))
    gradients = {}
    for kind in ("contrastive", "persistent"):
        chains = mcmc.start_chains(kind, machine, 2_000, (0, 1))
        chains.advance(machine, 100, seed=(0, 2))
        base = SmoothedRBM(*variables, 3.5, chains=chains)
        base.estimate_log_partition()
        with tf.GradientTape() as tape:
            log_prob = base.log_prob(points)
            loss = tf.reduce_mean(log_prob)
        gradients[kind] = tape.gradient(loss, variables[0]).numpy()
        np.testing.assert_allclose(
            log_prob, base.unnormalized_log_prob(points) - base.log_partition(), rtol=1e-12
        )
    # At the model's own samples both gradients vanish up to sampling error; CD-1 stays nearer.
    assert np.abs(gradients["contrastive"]).max() < 0.15
    assert np.abs(gradients["persistent"]).max() < 0.15
    assert gradients["contrastive"].std() < gradients["persistent"].std()


def test_the_negative_phase_is_the_data_after_k_sweeps():
    chains = mcmc.ContrastiveDivergence([[7.0]], num_sweeps=3)
    data = tf.constant([[1.0], [2.0]], tf.float64)
    negative = chains.negative_units(machines.counter(), data, seed=(0, 1))
    np.testing.assert_array_equal(negative, data + 3)
    np.testing.assert_array_equal(chains.negative_units(machines.counter(), data.numpy()), data + 3)
    np.testing.assert_array_equal(chains.negative_units(machines.counter()), [[7.0]])
    np.testing.assert_array_equal(chains.units, [[7.0]])
    one = mcmc.ContrastiveDivergence([[7.0]])
    np.testing.assert_array_equal(one.negative_units(machines.counter(), data), data + 1)
    assert chains.starts_from_data and not mcmc.PersistentChains.starts_from_data


def test_sweeps_draw_by_the_seed():
    chains, walker = mcmc.ContrastiveDivergence([[0.0]], 2), machines.counter(machines.Walker)
    draws = [chains.negative_units(walker, np.zeros([4, 1]), (0, n)).numpy() for n in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.all(draws[0] != draws[2])


def test_data_of_another_shape_are_refused():
    chains = mcmc.ContrastiveDivergence([[0.0]])
    with pytest.raises(ValueError, match="`units` must have shape"):
        chains.negative_units(machines.counter(), np.zeros([4, 2]))
