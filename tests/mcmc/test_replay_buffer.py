import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine


def test_a_replay_buffer_keeps_what_it_does_not_move():
    machine = RestrictedBoltzmannMachine(*oracles.random_machine(20, 4)).machine()
    buffer = mcmc.ReplayBuffer.start(machine, 10, (0, 1), size=50, reinitialization_rate=0.0)
    before = buffer.states.numpy()
    buffer.advance(machine, 5, seed=(0, 2))
    moved = np.any(buffer.states.numpy() != before, axis=1)
    assert moved.sum() == 10
    put_back = {tuple(row) for row in buffer.states.numpy()[moved]}
    assert put_back == {tuple(row) for row in buffer.units.numpy()}


def numbered(size, num_chains, rate=0.0):
    """A buffer whose states are their own numbers, from 1000 on."""
    return mcmc.ReplayBuffer(1000.0 + np.arange(float(size))[:, None], num_chains, rate)


def test_a_batch_moves_by_as_many_sweeps_and_is_put_back_in_its_place():
    buffer = numbered(30, 10)
    buffer.advance(machines.counter(), 3, seed=(0, 1))
    moved = buffer.states.numpy()[:, 0] - (1000 + np.arange(30))
    assert sorted(np.unique(moved)) == [0, 3] and np.sum(moved == 3) == 10
    np.testing.assert_array_equal(
        np.sort(buffer.units[:, 0]), np.sort(buffer.states.numpy()[moved == 3, 0])
    )
    assert int(buffer.num_sweeps) == 3


def test_one_seed_in_every_call_reaches_the_whole_buffer():
    buffer = numbered(30, 10)
    for _ in range(25):
        buffer.advance(machines.counter(), 1, seed=(0, 1))
    moved = buffer.states.numpy()[:, 0] - (1000 + np.arange(30))
    assert moved.min() > 0 and moved.sum() == 250 and moved.max() < 25


def test_a_share_of_the_moving_states_starts_afresh():
    """Fresh states of this machine lie between 0 and 1, far from those of the buffer."""
    buffer = numbered(5000, 4000, rate=0.2)
    buffer.advance(machines.counter(), 0, seed=(0, 1))
    fresh = np.mean(buffer.units.numpy() < 2)
    assert fresh == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / 4000))
    assert np.mean(buffer.states.numpy() < 2) == pytest.approx(fresh * 4000 / 5000)
    kept = numbered(5000, 4000)
    kept.advance(machines.counter(), 0, seed=(0, 1))
    assert np.all(kept.units.numpy() >= 1000)
    default = mcmc.ReplayBuffer(1000.0 + np.zeros([5000, 1]), 4000)
    default.advance(machines.counter(), 0, seed=(0, 1))
    assert np.mean(default.units.numpy() < 2) == pytest.approx(0.05, abs=0.015)


def test_fresh_states_are_whole_and_from_the_reference():
    """A state is fresh in all of its units or in none, and the reference is another every time."""
    bias = np.zeros(42)
    bias[:40] = 1.0
    machine = RestrictedBoltzmannMachine(np.zeros([40, 2]), bias).machine()
    buffer = mcmc.ReplayBuffer(-np.ones([300, 40]), 200, 0.5)
    found = []
    for _ in range(2):
        buffer.states.assign(-tf.ones_like(buffer.states))
        buffer.advance(machine, 0, seed=(0, 1))
        buffer.num_sweeps.assign_add(1)
        units = buffer.units.numpy()
        is_old = np.all(units == -1, axis=1)
        assert 60 < is_old.sum() < 140
        assert units[~is_old].mean() == pytest.approx(np.tanh(1.0), abs=0.06)
        found.append(units)
    fresh = np.all([np.any(units != -1, axis=1) for units in found], axis=0)
    assert fresh.sum() > 20 and np.any(found[0][fresh] != found[1][fresh])


def test_a_restart_fills_the_whole_buffer():
    buffer = numbered(30, 10)
    buffer.restart(machines.counter(), seed=(0, 1))
    np.testing.assert_allclose(buffer.states[:, 0], np.linspace(0, 1, 30))
    np.testing.assert_allclose(buffer.units, buffer.states[:10])


def test_a_start_has_the_size_asked_for():
    machine = RestrictedBoltzmannMachine(*oracles.random_machine(3, 2)).machine()
    buffer = mcmc.ReplayBuffer.start(machine, 7, (0, 1), size=20)
    assert buffer.states.shape == [20, 3] and buffer.units.shape == [7, 3]
    np.testing.assert_array_equal(buffer.units, buffer.states[:7])
    assert buffer.knows_parameters() and buffer.num_chains == 7
    assert mcmc.ReplayBuffer.start(machine, 7, (0, 1)).states.shape == [10_000, 3]
    other = mcmc.ReplayBuffer.start(machine, 7, (0, 2), size=20)
    assert np.any(other.states != buffer.states)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcmc.ReplayBuffer(np.ones([8]), 4), r"\[size, ..., n\], got shape \(8,\)"),
        (lambda: mcmc.ReplayBuffer(np.ones([3, 2]), 4), "at least `num_chains` = 4 states"),
        (lambda: mcmc.ReplayBuffer("up", 4), "`states` must be a tensor, an array or a list"),
        (lambda: mcmc.ReplayBuffer(np.ones([8, 2]), 4, 1.0), "`reinitialization_rate` must be"),
        (lambda: mcmc.ReplayBuffer.start(machines.counter(), 3, size=0), "`size` must be"),
        (lambda: numbered(9, 3).advance(machines.counter(), -1), "`num_steps` must be"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_distribution_is_no_machine():
    base = RestrictedBoltzmannMachine(*oracles.random_machine(3, 2))
    with pytest.raises(TypeError, match="pass what its `machine"):
        mcmc.ReplayBuffer.start(base, 3)
    with pytest.raises(TypeError, match="pass what its `machine"):
        mcmc.ReplayBuffer(np.ones([8, 3]), 4).advance(base, 1)
