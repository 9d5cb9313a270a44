"""What proposes: recent states, first in, first out, and scouts that cool step by step."""

import numpy as np
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm.distributions import GaussianBernoulliRBM
from tfp_ebm.mcmc.memory import RecentStates, Scouts


def column(*values):
    return tf.constant(values, tf.float64)[:, tf.newaxis]


def test_the_last_states_stay():
    memory = RecentStates(column(1, 2, 3, 4))
    memory.add(column(5))
    np.testing.assert_array_equal(memory.states[:, 0], [2, 3, 4, 5])
    memory.add(column(6, 7, 8, 9, 10, 11))
    np.testing.assert_array_equal(memory.states[:, 0], [8, 9, 10, 11])
    other = memory.transformed(lambda states: 2 * states)
    other.add(column(0))
    np.testing.assert_array_equal(other.states[:, 0], [18, 20, 22, 0])
    np.testing.assert_array_equal(memory.states[:, 0], [8, 9, 10, 11])


def test_scouts_cool_by_a_step_and_arrive_at_one():
    """A counter's sweep adds its inverse temperature: 1/4, 2/4, 3/4 and 1 on the way."""
    counter = machines.counter()
    scouts = Scouts.start(counter, num_starts=1, num_steps=4, num_arrived=3, seed=(0, 1))
    np.testing.assert_allclose(scouts.units[:, 0, 0], np.linspace(0, 1, 4))
    scouts.units.assign(tf.zeros_like(scouts.units))
    for _ in range(4):
        scouts.move(counter, (0, 2))
    # Those that started afresh stand at 0; the oldest has passed all temperatures.
    np.testing.assert_allclose(scouts.units[:, 0, 0], [0, 0.25, 0.75, 1.5])
    np.testing.assert_allclose(scouts.arrived[:, 0], [1.75, 2.25, 2.5])
    scouts.move(counter, (0, 2))
    np.testing.assert_allclose(scouts.arrived[-1, 0], 2.5)


def test_scouts_of_each_move_are_others():
    class Random(machines.Counter):
        def sample_reference(self, num_samples, seed):
            return tf.random.stateless_normal([num_samples, 1], seed, dtype=tf.float64)

    machine = machines.counter(Random)
    scouts = Scouts.start(machine, num_starts=2, num_steps=2, num_arrived=2, seed=(0, 1))
    assert len(np.unique(scouts.units)) == 4 and len(np.unique(scouts.arrived)) == 2
    before = scouts.units.numpy()
    scouts.move(machine, (0, 2))
    first = scouts.units[0].numpy()
    scouts.move(machine, (0, 3))
    assert np.all(scouts.units[0].numpy() != first)
    np.testing.assert_allclose(scouts.units[1].numpy(), first + 0.5)
    scouts.restart(machine, (0, 4))
    assert not np.isin(scouts.units.numpy(), before).any()
    copy = scouts.transformed(lambda states: states + 1)
    np.testing.assert_allclose(copy.units, scouts.units + 1)
    np.testing.assert_allclose(copy.arrived, scouts.arrived + 1)


def test_random_hidden_layers_lead_where_cooling_does_not():
    parameters, _ = oracles.far_layer()
    machine = GaussianBernoulliRBM(**parameters).machine()
    scouts = Scouts.start(machine, num_starts=2, num_steps=4, num_arrived=20, seed=(0, 1))
    for index in range(36):
        scouts.move(machine, (0, index))
    share_up = tf.reduce_mean(tf.sigmoid(machine.latent_log_odds(scouts.arrived)), axis=-1)
    assert np.max(share_up) < 0.1
    proposing = scouts.proposing(machine, (0, 50))
    np.testing.assert_array_equal(proposing[:20], scouts.arrived)
    found = tf.reduce_mean(tf.sigmoid(machine.latent_log_odds(proposing[20:])), axis=-1).numpy()
    # They end where all bits are up or all are down, no longer in between.
    assert found.shape == (16,) and 0.3 < np.mean(found > 0.99) < 0.95
    assert np.mean((found > 0.1) & (found < 0.9)) < 0.2
    assert np.any(scouts.proposing(machine, (0, 51)) != proposing)
