import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine


def machine():
    return RestrictedBoltzmannMachine(*oracles.random_machine(3, 2)).machine()


def test_sweeps_one_by_one_are_those_of_one_call():
    one, other = (mcmc.PersistentChains.start(machine(), 20, (0, 1)) for _ in range(2))
    one.advance(machine(), 5, seed=(0, 2))
    for _ in range(5):
        other.advance(machine(), 1, seed=(0, 2))
    np.testing.assert_array_equal(one.units, other.units)
    assert int(one.num_sweeps) == int(other.num_sweeps) == 5


def test_one_seed_in_every_call_still_samples():
    """The noise of a call depends on how many sweeps were made before it."""
    weights, bias = oracles.random_machine(3, 2, scale=1.0)
    strong = RestrictedBoltzmannMachine(weights, bias).machine()
    chains = mcmc.PersistentChains.start(strong, 20_000, (0, 1))
    for _ in range(25):
        chains.advance(strong, 1, seed=(0, 2))
    share, states = oracles.spin_probabilities(weights, bias), oracles.all_states(5)[:, :3]
    mean, pair = share @ states, np.einsum("s,si,sj->ij", share, states, states)
    assert oracles.within_standard_errors(chains.units.numpy(), mean, pair)


def test_chains_move_only_when_asked_by_as_many_sweeps():
    chains = mcmc.PersistentChains([[0.5], [2.0]])
    chains.advance(machines.counter()._replace(log_z=tf.constant(1.0)), 3)
    np.testing.assert_allclose(chains.units, [[3.5], [5.0]])
    assert chains.num_chains == 2 and chains.negative_units(None) is not chains.units
    np.testing.assert_array_equal(chains.negative_units(None), chains.units)


def test_draws_take_every_chain_once_before_any_twice():
    chains = mcmc.PersistentChains(np.arange(6.0)[:, None])
    for seed in range(3):
        drawn = chains.draw(6, seed=(0, seed)).numpy()[:, 0]
        assert sorted(drawn) == list(range(6)) and list(drawn) != list(range(6))
    assert len({tuple(chains.draw(6, seed=(0, seed)).numpy()[:, 0]) for seed in range(5)}) > 2
    many = chains.draw(15, seed=(0, 1)).numpy()[:, 0]
    assert sorted(np.bincount(many.astype(int), minlength=6)) == [2, 2, 2, 3, 3, 3]
    assert chains.draw(2, seed=(0, 1)).shape == [2, 1]
    np.testing.assert_array_equal(chains.units, np.arange(6.0)[:, None])


def test_a_restart_draws_from_the_reference_and_knows_its_machine():
    chains = mcmc.PersistentChains(np.ones([4000, 3]))
    assert not chains.knows_parameters()
    chains.restart(machine(), seed=(0, 1))
    bias = oracles.random_machine(3, 2)[1]
    np.testing.assert_allclose(np.mean(chains.units, 0), np.tanh(bias[:3]), atol=0.07)
    assert chains.knows_parameters()
    before = chains.units.numpy()
    chains.restart(machine(), seed=(0, 2))
    assert np.any(chains.units != before)


def test_starts_differ_by_seed_and_hold_as_many_chains():
    starts = [mcmc.PersistentChains.start(machine(), 50, (0, seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(starts[0].units, starts[1].units)
    assert np.any(starts[0].units != starts[2].units)
    assert starts[0].units.shape == [50, 3] and starts[0].knows_parameters()
    assert not starts[0].units.trainable


def test_a_checkpoint_keeps_states_and_count(tmp_path):
    chains, restored = (mcmc.PersistentChains.start(machine(), 5, (0, n)) for n in (1, 2))
    chains.advance(machine(), 3, seed=(0, 3))
    path = tf.train.Checkpoint(chains=chains).write(str(tmp_path / "chains"))
    tf.train.Checkpoint(chains=restored).read(path).assert_consumed()
    for each in (chains, restored):
        each.advance(machine(), 2, seed=(0, 3))
    np.testing.assert_array_equal(chains.units, restored.units)


def test_numbers_of_sweeps_start_again_at_an_even_one():
    chains = mcmc.PersistentChains.start(machine(), 5, (0, 1))
    chains.num_sweeps.assign(2**40 + 3)
    chains.advance(machine(), 2, seed=(0, 3))
    assert int(chains.num_sweeps) == 2**40 + 5
    units = []
    for count in (2**31 + 4, 4):
        chains.restart(machine(), seed=(0, 1))
        chains.num_sweeps.assign(count)
        chains.advance(machine(), 2, seed=(0, 3))
        units.append(chains.units.numpy())
    np.testing.assert_array_equal(*units)


def test_chains_know_the_machine_by_which_they_moved():
    chains = mcmc.PersistentChains(np.ones([2, 3]))
    chains.advance(machine(), 0)
    assert not chains.knows_parameters()
    chains.advance(machine(), 1)
    assert chains.knows_parameters()


def test_lists_and_arrays_become_floating_numbers():
    assert mcmc.PersistentChains([[1, -1], [1, 1]]).units.dtype == tf.float32
    assert mcmc.PersistentChains(np.ones([2, 3], int)).units.dtype == tf.float32
    assert mcmc.PersistentChains(np.ones([2, 3])).units.dtype == tf.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcmc.PersistentChains.start(machine(), 0), "`num_chains` must be .* 1, got 0"),
        (lambda: mcmc.PersistentChains(tf.ones([3])), "add an axis of chains"),
        (lambda: mcmc.PersistentChains([[1.0], [1.0, 2.0]]), "`units` must be a tensor, an array"),
        (lambda: mcmc.PersistentChains(tf.ones([2, 3], tf.int32)), "`units` must be floating"),
        (
            lambda: mcmc.PersistentChains(np.ones([2, 4])).advance(machine(), 1),
            r"`units` must have shape \['num_chains', 3\]",
        ),
        (
            lambda: mcmc.PersistentChains(np.ones([2, 3])).advance(machine(), -1),
            "`num_steps` must be an integer of at least 0, got -1",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_distribution_is_no_machine():
    base = RestrictedBoltzmannMachine(*oracles.random_machine(3, 2))
    with pytest.raises(TypeError, match="pass what its `machine"):
        mcmc.PersistentChains.start(base, 3)
    with pytest.raises(TypeError, match="pass what its `machine"):
        mcmc.PersistentChains(np.ones([2, 3])).advance(base, 1)
