import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine, SmoothedBoltzmannMachine

BETAS = [0.0, 0.3, 0.7, 1.0]


def small():
    return oracles.random_machine(3, 2, scale=0.9)


def tempering(num_chains=20, betas=BETAS):
    machine = RestrictedBoltzmannMachine(*small()).machine()
    chains = mcmc.start_chains("tempering", machine, num_chains, (0, 1), inverse_temperatures=betas)
    return machine, chains


def visible_log_weights(beta):
    weights, bias = small()
    states = oracles.all_states(5)
    return oracles.spin_log_weights(beta * weights, bias, states).reshape(8, 4)


def test_sweeps_one_by_one_are_those_of_one_call():
    (machine, one), (_, other) = tempering(), tempering()
    one.advance(machine, 7, seed=(0, 2))
    for _ in range(7):
        other.advance(machine, 1, seed=(0, 2))
    np.testing.assert_array_equal(one.replicas, other.replicas)
    np.testing.assert_array_equal(one.units, one.replicas[-1])
    np.testing.assert_allclose(one.swap_rates, other.swap_rates)
    assert int(one.num_sweeps) == int(other.num_sweeps) == 7


def test_even_and_odd_pairs_take_turns_and_what_was_not_tried_has_no_rate():
    machine, chains = tempering()
    is_known = []
    for _ in range(2):
        is_known.append(np.isfinite(chains.swap_rates).tolist())
        chains.advance(machine, 1, seed=(0, 2))
    is_known.append(np.isfinite(chains.swap_rates).tolist())
    assert is_known == [[False] * 3, [True, False, True], [True] * 3]
    assert np.all(chains.swap_rates.numpy() > 0)


def test_swaps_sort_states_by_their_log_marginal_pair_by_pair():
    """Units thousands apart leave no doubt: the larger goes to the colder neighbour."""
    betas = [0.25, 0.5, 0.75, 1.0]
    chains = mcmc.ParallelTempering(np.zeros([1, 1]), betas)
    expected = np.array([4000.0, 3000.0, 2000.0, 1000.0])
    chains.replicas.assign(expected.reshape(4, 1, 1))
    for sweep in range(5):
        expected += betas  # What a sweep of this machine adds.
        for pair in range(sweep % 2, 3, 2):
            expected[pair : pair + 2] = np.sort(expected[pair : pair + 2])
        chains.advance(machines.counter(), 1, seed=(0, 2))
        np.testing.assert_allclose(chains.replicas[:, 0, 0], expected)
    np.testing.assert_allclose(chains.swap_rates, [2 / 3, 1, 2 / 3])


def test_rates_are_the_exact_probabilities_of_acceptance():
    machine, chains = tempering(5_000)
    chains.advance(machine, 60, seed=(0, 2))
    expected = []
    for pair in itertools.pairwise(BETAS):
        logs = [np.logaddexp.reduce(visible_log_weights(beta), axis=1) for beta in pair]
        shares = [np.exp(log - np.logaddexp.reduce(log)) for log in logs]
        gain = logs[1] - logs[0]
        accept = np.minimum(1, np.exp(gain[:, None] - gain[None, :]))
        expected.append(shares[0] @ accept @ shares[1])
    np.testing.assert_allclose(chains.swap_rates, expected, atol=0.01)


def test_every_temperature_has_its_own_distribution():
    machine, chains = tempering(10_000)
    chains.advance(machine, 25, seed=(0, 2))
    states = oracles.all_states(5)[:, :3]
    for beta, units in zip(BETAS, chains.replicas.numpy(), strict=True):
        log_weights = visible_log_weights(beta).reshape(-1)
        share = np.exp(log_weights - np.logaddexp.reduce(log_weights))
        mean, pair = share @ states, np.einsum("s,si,sj->ij", share, states, states)
        assert oracles.within_standard_errors(units, mean, pair)


def test_rates_forget_within_a_hundred_attempts():
    machine, chains = tempering(50, betas=[0.0, 1.0])
    chains.advance(machine, 240, seed=(0, 2))
    before = float(chains.swap_rates[0])
    free = RestrictedBoltzmannMachine(np.zeros([3, 2]), np.zeros(5)).machine()
    chains.advance(free, 40, seed=(0, 3))  # All of the 20 swaps are accepted.
    assert before < 0.95
    assert float(chains.swap_rates[0]) == pytest.approx(1 - (1 - before) * 0.99**20)


def test_a_checkpoint_keeps_whose_turn_it_is(tmp_path):
    (machine, chains), (_, restored) = tempering(), tempering()
    chains.advance(machine, 3, seed=(0, 2))
    path = tf.train.Checkpoint(chains=chains).write(str(tmp_path / "chains"))
    tf.train.Checkpoint(chains=restored).read(path).assert_consumed()
    for each in (chains, restored):
        each.advance(machine, 1, seed=(0, 4))
    np.testing.assert_array_equal(chains.replicas, restored.replicas)
    np.testing.assert_array_equal(chains.swap_rates, restored.swap_rates)


@pytest.mark.slow
def test_temperatures_adapt_to_equal_rates():
    """Of a ferromagnet swaps fail near its transition, and nowhere else."""
    base = RestrictedBoltzmannMachine(np.full([30, 10], 0.12), np.zeros(40))
    machine = base.machine()
    rates = {}
    for is_adaptive in (False, True):
        chains = mcmc.ParallelTempering(
            machine.sample_reference(64, (0, 1)), np.linspace(0, 1, 5), is_adaptive
        )
        for index in range(60):
            chains.advance(machine, 25, seed=(0, index))
        rates[is_adaptive] = chains.swap_rates.numpy()
        betas = chains.inverse_temperatures.numpy()
        assert betas[0] == 0 and betas[-1] == 1 and np.all(np.diff(betas) > 0.02)
        assert np.array_equal(betas, np.linspace(0, 1, 5)) != is_adaptive
    assert np.ptp(rates[False]) > 0.15
    assert np.ptp(rates[True]) < 0.4 * np.ptp(rates[False])
    assert np.min(rates[True]) > np.min(rates[False])
    copy = chains.transformed(lambda states: states)
    copy.advance(machine, 25, seed=(0, 99))
    assert np.any(copy.inverse_temperatures.numpy() != betas)


def test_temperatures_that_are_given_stay():
    machine, chains = tempering()
    chains.advance(machine, 50, seed=(0, 2))
    np.testing.assert_allclose(chains.inverse_temperatures, BETAS)


def test_a_restart_reaches_every_temperature():
    machine, chains = tempering(2000)
    chains.replicas.assign(tf.ones_like(chains.replicas))
    chains.restart(machine, seed=(0, 3))
    expected = np.tanh(small()[1][:3])
    for units in (chains.units, *chains.replicas):
        np.testing.assert_allclose(np.mean(units, axis=0), expected, atol=0.1)


def test_temperatures_by_number_are_evenly_spaced():
    chains = mcmc.ParallelTempering(np.ones([2, 3]), 5)
    np.testing.assert_allclose(tf.reshape(chains._betas, [-1]), [0, 0.25, 0.5, 0.75, 1])
    assert mcmc.ParallelTempering(np.ones([2, 3]))._betas.shape == [10, 1, 1]


@pytest.mark.slow
def test_tempered_chains_of_a_connected_machine_hold_whole_states():
    """The first color, summed out in the swaps, must fit the others at every temperature."""
    factor = np.array([[1.2, 0.0, 0.0], [-0.9, 1.1, 0.0], [0.5, -0.7, 1.0]])
    bias = np.array([0.3, -0.2, 0.1])
    machine = SmoothedBoltzmannMachine(factor, bias).machine()
    chains = mcmc.ParallelTempering(machine.sample_reference(40_000, (0, 1)), [0.0, 0.5, 1.0])
    chains.advance(machine, 41, seed=(0, 2))
    coupling, states = machine.coupling.numpy(), oracles.all_states(3)
    for beta, replica in zip([0.0, 0.5, 1.0], chains.replicas.numpy(), strict=True):
        weight = 0.5 * beta * np.einsum("si,ij,sj->s", states, coupling, states) + states @ bias
        share = np.exp(weight - np.logaddexp.reduce(weight))
        pair = np.einsum("s,si,sj->ij", share, states, states)
        assert oracles.within_standard_errors(replica, share @ states, pair)
    np.testing.assert_array_equal(chains.units, chains.replicas[-1])


@pytest.mark.parametrize("betas", [[0.0, 0.5, 0.5, 1.0], [0.5, 0.2, 1.0], [-0.1, 1.0], [1.0]])
def test_temperatures_that_do_not_increase_are_refused(betas):
    with pytest.raises(ValueError, match="two increasing numbers from 0"):
        mcmc.ParallelTempering(np.ones([2, 3]), betas)


@pytest.mark.parametrize("last", [0.9, 1.1])
def test_temperatures_that_do_not_end_at_1_are_refused(last):
    with pytest.raises(ValueError, match=f"must end at 1, the machine itself, got {last}"):
        mcmc.ParallelTempering(np.ones([2, 3]), [0.0, last])
