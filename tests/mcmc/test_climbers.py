"""Climbers against a sum over all states of a small hidden layer."""

import numpy as np
import tensorflow as tf

from tests import oracles
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc import WeightedChains
from tfp_ebm.mcmc.climbers import LARGEST_LAYER, Climbers, flip_one
from tfp_ebm.mcmc.memory import Scouts


def machine_of(weights, bias, dtype=tf.float64):
    return SpinMachine.from_parameters(tf.constant(weights, dtype), tf.constant(bias, dtype))


def test_a_flip_is_drawn_in_proportion_to_where_it_leads():
    machine = machine_of(*oracles.random_machine(6, 3, seed=1, scale=0.5))
    start = np.array([1.0, 0.0, 1.0])
    beta = 0.7
    near = [start] + [np.abs(start - one) for one in np.eye(3)]
    share = np.exp(beta * machine.log_latent_weight(np.stack(near)).numpy())
    share /= share.sum()
    found = flip_one(
        machine, tf.tile(start[np.newaxis], [40_000, 1]), tf.constant([beta], tf.float64), (0, 1)
    )
    counts = [np.all(found == row, axis=-1).mean() for row in near]
    np.testing.assert_allclose(np.sum(counts), 1)
    np.testing.assert_allclose(counts, share, atol=4 * np.sqrt(0.25 / 40_000))


def test_each_machine_of_a_batch_flips_by_its_own_law():
    weights, bias = oracles.random_machine(6, 3, seed=1, scale=3.0)
    both = machine_of(np.stack([weights, -weights]), np.stack([bias, bias]))
    bits = tf.zeros([500, 2, 3], tf.float64)
    found = flip_one(both, bits, tf.ones([1], tf.float64), (0, 1)).numpy()
    for index, sign in enumerate((1, -1)):
        alone = machine_of(sign * weights, bias)
        near = np.concatenate([np.zeros([1, 3]), np.eye(3)])
        share = np.exp(alone.log_latent_weight(near).numpy())
        counts = [np.all(found[:, index] == row, axis=-1).mean() for row in near]
        np.testing.assert_allclose(counts, share / share.sum(), atol=0.1)


def mirrored(size=300):
    """A machine whose mirror image of a stored pattern holds nearly all mass, but no data."""
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], size=[size, 4])
    weights = np.concatenate([patterns, patterns], axis=1) * 0.4
    bias = np.append(-0.05 * patterns[:, 0], np.zeros(8))
    return machine_of(weights, bias)


def test_climbers_find_the_mode_that_holds_the_mass():
    """So that log Z is right within its errors, where data know the other modes alone."""
    machine = mirrored()
    climbers = Climbers.start(machine, num_starts=4, num_steps=16, num_arrived=64, seed=(0, 1))
    for index in range(40):
        climbers.move(machine, (0, index))
    all_bits = (oracles.all_states(8) + 1) / 2
    log_weights = machine.log_latent_weight(all_bits).numpy()
    arrived = tf.cast(machine.latent_log_odds(climbers.arrived) > 0, tf.float64)
    assert log_weights.max() - machine.log_latent_weight(arrived).numpy().max() < 0.1
    # Who is there stays there, and the state that is told has these bits.
    best = all_bits[log_weights.argmax()]
    climbers.units.assign(tf.broadcast_to(best, climbers.units.shape))
    climbers.move(machine, (0, 50))
    arrived = machine.latent_log_odds(climbers.arrived[-4:]) > 0
    np.testing.assert_array_equal(arrived, np.tile(best > 0, [4, 1]))


def test_wide_layers_have_scouts_that_sweep():
    narrow, wide = (
        WeightedChains.start(machine_of(np.zeros([40, size]), np.zeros(40 + size)), 8, (0, 1))
        for size in (LARGEST_LAYER, LARGEST_LAYER + 1)
    )
    assert isinstance(narrow._scouts, Climbers) and narrow._scouts.units.shape[-1] == LARGEST_LAYER
    assert type(wide._scouts) is Scouts and wide._scouts.units.shape[-1] == 40
    assert narrow._scouts.units.shape[:2] == [16, 4] and wide._scouts.units.shape[:2] == [32, 1]
    narrow.restart(machine_of(np.zeros([40, LARGEST_LAYER]), np.zeros(40 + LARGEST_LAYER)), (0, 2))
    assert set(np.unique(narrow._scouts.units)) == {0, 1}
