"""Annealing from an aggregated posterior, against sums over all states."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.machines.gaussian_machine import GaussianMachine
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.jumps import ProposalMixture
from tfp_ebm.partition.posterior_annealing import anneal_from_posterior, anneal_to_posterior

BETAS = np.array([0.0, 0.3, 0.5, 1.0])
NUM_CHAINS = 40_000


def spins(batch=False):
    weights, bias = oracles.random_machine(4, 3, seed=3, scale=0.7)
    if batch:
        weights = np.stack([weights, -0.5 * weights])
        bias = np.stack([bias, bias])
    return SpinMachine.from_parameters(tf.constant(weights), tf.constant(bias))


def gaussian():
    rng = np.random.default_rng(0)
    parameters = [rng.normal(size=shape) for shape in ([2, 3], [2], [3])]
    return GaussianMachine.from_parameters(
        *map(tf.constant, parameters), tf.constant([0.8, 1.2], tf.float64)
    )


def mixture(machine):
    """Three states that say little of the machine."""
    return ProposalMixture.of_states(machine, machine.sample_reference(3, (0, 5)))


def mean_and_error(log_values):
    values = np.exp(log_values - np.max(log_values))
    error = values.std(axis=0) / np.sqrt(len(values)) / values.mean(axis=0)
    return np.log(values.mean(axis=0)) + np.max(log_values), error


@pytest.mark.parametrize("make", [spins, lambda: spins(batch=True), gaussian])
def test_mean_weights_of_both_directions_are_the_normaliser(make):
    machine = make()
    exact = machine.enumerate_log_partition().numpy()
    q, betas = mixture(machine), tf.constant(BETAS)
    bits, forward = anneal_from_posterior(machine, q, NUM_CHAINS, betas, (0, 1))
    value, error = mean_and_error(forward.numpy())
    assert bits.shape[:-1] == forward.shape and np.all(error < 0.03)
    np.testing.assert_array_less(np.abs(value - exact), 4 * error)
    # Draws of the machine, by enumeration, on the way back.
    drawn = machine.sample_exactly(NUM_CHAINS, (0, 2))
    log_odds = machine.latent_log_odds(drawn)
    uniform = tf.random.stateless_uniform(log_odds.shape, (0, 3), dtype=log_odds.dtype)
    bits = tf.cast(uniform < tf.sigmoid(log_odds), log_odds.dtype)
    backward = anneal_to_posterior(machine, q, bits, betas, (0, 4))
    value, error = mean_and_error(-backward.numpy())
    assert np.all(error < 0.03)
    np.testing.assert_array_less(np.abs(-value - exact), 4 * error)


def test_one_step_is_importance_sampling():
    machine = spins()
    q = mixture(machine)
    bits, log_weights = anneal_from_posterior(
        machine, q, 500, tf.constant([0.0, 1.0], tf.float64), 1
    )
    del bits  # They have moved since.
    all_bits = np.array(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij")).reshape(3, -1).T
    ratios = machine.log_latent_weight(all_bits) - q.log_prob(tf.constant(all_bits))
    assert np.all(np.isclose(log_weights.numpy()[:, None], ratios, atol=1e-9).any(axis=1))


@pytest.mark.slow
def test_the_chains_end_in_the_machine():
    machine = spins()
    betas = tf.constant(np.linspace(0, 1, 61))
    bits, _ = anneal_from_posterior(machine, mixture(machine), 20_000, betas, (0, 1))
    drawn = machine.sample_exactly(20_000, (0, 2))
    expected = tf.reduce_mean(tf.sigmoid(machine.latent_log_odds(drawn)), axis=0)
    np.testing.assert_allclose(tf.reduce_mean(bits, axis=0), expected, atol=0.02)
