"""Chains that start at a machine, far from its reference or near it."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.first_chains import _annealed, first_chains


def machine(scale, batch=False):
    weights, bias = oracles.random_machine(12, 6, scale=scale)
    if batch:
        weights, bias = np.stack([0 * weights, weights]), np.stack([bias, bias])
    return SpinMachine.from_parameters(tf.constant(weights), tf.constant(bias))


def test_near_the_reference_its_draws_are_weighed():
    near = machine(0.05)
    units, log_weights, log_partition = first_chains(near, 64, (0, 1))
    increments = near.log_marginal_increment(units, np.float64(0), np.float64(1))
    np.testing.assert_allclose(log_weights, increments)
    expected = near.reference_log_partition() + np.log(np.mean(np.exp(increments)))
    np.testing.assert_allclose(log_partition.value, expected)


@pytest.mark.parametrize("batch", [False, True])
def test_far_from_it_they_are_led_there(batch):
    far = machine(1.0, batch)
    units, log_weights, log_partition = first_chains(far, 512, (0, 1))
    share = tf.nn.softmax(log_weights, axis=0).numpy()
    assert np.all(1 / (512 * np.sum(share**2, axis=0)) > 0.4)
    exact = far.enumerate_log_partition().numpy()
    error = np.sqrt(log_partition.variance)
    assert np.all(error < 0.2) and np.all(error >= 0) and np.max(error) > 0.005
    np.testing.assert_array_less(np.abs(log_partition.value - exact), 5 * error + 1e-9)
    of_machine = far.sample_exactly(4000, (0, 2)).numpy().mean(axis=0)
    of_chains = np.sum(share[..., np.newaxis] * units, axis=0)
    np.testing.assert_allclose(of_chains, of_machine, atol=0.25)


def test_the_error_is_the_one_of_many_starts():
    far = machine(1.0)
    exact = float(far.enumerate_log_partition())
    found = [first_chains(far, 64, (seed, 1))[2] for seed in range(30)]
    deviations = [float(one.value) - exact for one in found]
    stated = np.sqrt(np.mean([float(one.variance) for one in found]))
    assert 0.4 < np.std(deviations) / stated < 2.5 and stated > 0.02


def test_every_resampling_adds_its_variance():
    far = machine(3.0)
    units = far.sample_reference(512, (0, 1))
    *_, passed, variance = _annealed(far, units, tf.constant([0, 2]))
    assert float(passed) != 0 and 0.5 / 512 < float(variance) < 0.2
