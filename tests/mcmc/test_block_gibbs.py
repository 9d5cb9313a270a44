import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine


def machine(dtype=np.float64):
    weights, bias = oracles.random_machine(3, 2)
    return RestrictedBoltzmannMachine(weights.astype(dtype), bias.astype(dtype)).machine()


def visible_probabilities():
    weights, bias = oracles.random_machine(3, 2)
    return oracles.spin_probabilities(weights, bias).reshape(8, 4).sum(axis=1)


def index_of(visible):
    return ((visible > 0) @ [4, 2, 1]).astype(int)


def test_a_sweep_leaves_the_distribution_unchanged():
    """Starts from exact samples: their histogram stays the same after one sweep."""
    expected, count = visible_probabilities(), 200_000
    states = oracles.all_states(3)
    start = states[np.random.default_rng(0).choice(8, size=count, p=expected)]
    state, info = mcmc.block_gibbs.step(machine(), mcmc.block_gibbs.init(start), seed=(0, 1))
    found = np.bincount(index_of(state.units.numpy()), minlength=8) / count
    np.testing.assert_array_less(abs(found - expected), 4.5 * np.sqrt(expected / count))
    assert 0 < info.moved < 1


@pytest.mark.parametrize(
    ("dtype", "count"), [(np.float64, 140_000), (np.float32, 140_000), (np.float32, 8_000)]
)
def test_transitions_have_the_exact_probabilities(dtype, count):
    """From each state, one sweep reaches v' with sum_h p(h | v) p(v' | h).

    Many units are drawn by one compiled loop, few by plain operations.
    """
    weights, bias = oracles.random_machine(3, 2)
    states, hidden = oracles.all_states(3), oracles.all_states(2)

    def conditional(values, field):
        return np.exp(values @ field - np.log(2 * np.cosh(field)).sum())

    for visible in states[[0, 5]]:
        expected = np.zeros(8)
        for h in hidden:
            p_hidden = conditional(h, weights.T @ visible + bias[3:])
            expected += p_hidden * np.array(
                [conditional(v, weights @ h + bias[:3]) for v in states]
            )
        start = np.tile(visible.astype(dtype), [count, 1])
        result = mcmc.block_gibbs.run(machine(dtype), start, 1, seed=(0, 7))
        found = np.bincount(index_of(result.numpy()), minlength=8) / count
        np.testing.assert_array_less(abs(found - expected), 4.5 * np.sqrt(expected / count) + 1e-9)


def test_infinite_temperature_forgets_the_coupling():
    result = mcmc.block_gibbs.run(machine(), tf.ones([50_000, 3], tf.float64), 1, (0, 1), 0.0)
    _, bias = oracles.random_machine(3, 2)
    np.testing.assert_allclose(result.numpy().mean(0), np.tanh(bias[:3]), atol=0.02)


def test_units_drawn_in_one_pass_are_independent():
    """Without couplings every pair of units is uncorrelated, and every sweep is new."""
    num_chains, sizes = 12_000, (37, 23)
    free = RestrictedBoltzmannMachine(np.zeros(sizes, np.float32), np.zeros(60, np.float32))
    start = tf.ones([num_chains, 37])
    one, two = (mcmc.block_gibbs.run(free.machine(), start, n, (0, 1)).numpy() for n in (1, 2))
    both = np.concatenate([one, two], axis=1)
    correlation = both.T @ both / num_chains - np.eye(74)
    assert np.max(abs(correlation)) < 5 / np.sqrt(num_chains)
    across_chains = one[:1000] @ one[:1000].T / 37 - np.eye(1000)
    np.testing.assert_allclose(across_chains.std(), 1 / np.sqrt(37), rtol=0.02)


def test_temperatures_by_chain_match_one_temperature():
    """Chains side by side, and chains each at its own temperature, have the same law."""
    betas = tf.fill([40_000, 1], tf.constant(0.5, tf.float64))
    start = tf.ones([40_000, 3], tf.float64)
    means = [
        mcmc.block_gibbs.run(machine(), start, 5, (0, 1), beta).numpy().mean(0)
        for beta in (betas, 0.5)
    ]
    np.testing.assert_allclose(*means, atol=0.025)


def test_zero_steps_return_the_start_and_seeds_repeat():
    start = tf.ones([5, 3])
    np.testing.assert_array_equal(
        mcmc.block_gibbs.run(machine(np.float32), start, 0, (0, 1)), start
    )
    for start in (tf.ones([5, 3]), tf.ones([90_000, 3])):
        one = mcmc.block_gibbs.run(machine(np.float32), start, 3, (0, 1))
        two = mcmc.block_gibbs.run(machine(np.float32), start, 3, (0, 1))
        np.testing.assert_array_equal(one, two)


def test_chains_move_only_when_asked_and_draw_without_repeats():
    chains = mcmc.PersistentChains.start(machine(), 6, seed=(0, 1))
    before = chains.units.numpy()
    drawn = chains.draw(6, seed=(0, 2)).numpy()
    np.testing.assert_array_equal(np.sort(index_of(drawn)), np.sort(index_of(before)))
    assert chains.draw(15, seed=(0, 2)).shape == (15, 3)
    np.testing.assert_array_equal(before, chains.units)
    chains.advance(machine(), 5, seed=(0, 3))
    assert np.any(before != chains.units.numpy())


def test_errors():
    with pytest.raises(ValueError, match="`num_chains` must be an integer of at least 1, got 0"):
        mcmc.PersistentChains.start(machine(), 0)
    with pytest.raises(ValueError, match="add an axis of chains"):
        mcmc.PersistentChains(tf.ones([3]))
