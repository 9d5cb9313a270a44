import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine
from tfp_ebm.machines.gaussian_machine import GaussianMachine


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


def test_sweeps_are_counted_and_take_their_temperature():
    start = [[1.0], [2.0], [3.0]]
    counter = machines.counter()
    np.testing.assert_array_equal(mcmc.block_gibbs.run(counter, start, 3), np.add(start, 3.0))
    cold = mcmc.block_gibbs.run(counter, start, tf.constant(2), inverse_temperature=0.5)
    np.testing.assert_array_equal(cold, np.add(start, 1.0))
    betas = [[0.0], [0.25], [1.0]]
    each = mcmc.block_gibbs.run(counter, start, 4, inverse_temperature=betas)
    np.testing.assert_array_equal(each, np.add(start, np.multiply(4, betas)))


def test_every_sweep_draws_anew():
    """A hundred steps of a random walk lead ten standard deviations away, not a hundred."""
    walk = mcmc.block_gibbs.run(machines.counter(machines.Walker), np.zeros([2000, 1]), 100, (0, 1))
    assert np.std(walk) == pytest.approx(10, rel=0.08)


@pytest.mark.parametrize("num_chains", [5, 90_000])
def test_runs_that_count_on_draw_as_one_run(num_chains):
    start = np.ones([num_chains, 3], np.float32)
    whole = mcmc.block_gibbs.run(machine(np.float32), start, 5, (0, 1))
    part = mcmc.block_gibbs.run(machine(np.float32), start, 3, (0, 1))
    again = mcmc.block_gibbs.run(machine(np.float32), part, 2, (0, 1))
    rest = mcmc.block_gibbs.run(machine(np.float32), part, 2, (0, 1), first=3)
    np.testing.assert_array_equal(rest, whole)
    assert np.any(again != whole)


def test_the_share_of_units_that_moved():
    counter, state = machines.counter(), mcmc.block_gibbs.init([[1.0], [2.0], [3.0], [4.0]])
    state = mcmc.block_gibbs.BlockGibbsState(tf.cast(state.units, tf.float64))
    betas = [[0.0], [1.0], [0.0], [0.0]]
    after, info = mcmc.block_gibbs.step(counter, state, (0, 1), betas)
    assert info.moved == 0.25
    np.testing.assert_array_equal(after.units, state.units + betas)
    assert mcmc.block_gibbs.step(counter, [[1.0]], (0, 1))[1].moved == 1


def test_no_gradient_runs_through_samples():
    given = [tf.Variable(part) for part in (np.ones([3, 2]), np.zeros(3), np.zeros(2), np.ones(3))]
    start, beta = tf.Variable(np.ones([4, 3])), tf.Variable(np.float64(0.5))
    with tf.GradientTape() as tape:
        gaussian = GaussianMachine.from_parameters(*given)
        units = mcmc.block_gibbs.run(gaussian, start, 2, (0, 1), beta)
    assert tape.gradient(units, [*given, start, beta]) == [None] * 6


def test_arrays_and_lists_are_taken():
    expected = mcmc.block_gibbs.run(machine(np.float32), tf.ones([2, 3]), 2, (0, 1))
    for start in (np.ones([2, 3]), [[1, 1, 1], [1, 1, 1]], np.ones([2, 3], bool)):
        found = mcmc.block_gibbs.run(machine(np.float32), start, np.int64(2), (0, 1))
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == tf.float32
    assert mcmc.block_gibbs.init([[1, -1, 1]]).units.dtype == tf.float32
    assert mcmc.block_gibbs.init(np.ones([2, 3])).units.dtype == tf.float64


run = mcmc.block_gibbs.run
RBM = RestrictedBoltzmannMachine(np.zeros([3, 2]), np.zeros(5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: run(m, tf.ones([2, 3]), 1), "`units` must have dtype float64"),
        (
            lambda m: run(m, np.ones([2, 4]), 1),
            r"`units` must have shape .*\(2, 4\)",
        ),
        (lambda m: run(m, np.ones(3), 1), "`units` must have shape"),
        (lambda m: run(m, [[1.0], [1.0, 2.0]], 1), "`units` must be a tensor, an"),
        (
            lambda m: run(m, "up", 1),
            "`units` must be a tensor, an array or a list",
        ),
        (lambda m: run(m, np.ones([2, 3]), -1), "`num_steps` must be an integer"),
        (lambda m: run(m, np.ones([2, 3]), 1.5), "`num_steps` must be an integer"),
        (
            lambda m: run(m, np.ones([2, 3]), tf.constant(1.5)),
            "`num_steps` must be an integer, got float32",
        ),
        (
            lambda m: run(m, np.ones([3, 3]), 1, (0, 1), [0.1, 0.5, 1.0]),
            r"`inverse_temperature` must be a scalar, or .* \[num_chains, 1\], got shape \(3,\)",
        ),
        (
            lambda m: mcmc.block_gibbs.step(m, mcmc.block_gibbs.init(tf.ones([2, 3])), (0, 1)),
            r"`state` must have dtype float64, got float32; .* `tf.cast\(state, tf.float64\)`",
        ),
        (lambda m: mcmc.block_gibbs.init(tf.ones([2, 3], tf.int32)), "`units` must be floating"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call(RBM.machine())


def test_a_distribution_is_no_machine():
    with pytest.raises(TypeError, match=r"got RestrictedBoltzmannMachine; pass .* `machine\(\)`"):
        mcmc.block_gibbs.run(RBM, np.ones([2, 3]), 1)
    with pytest.raises(TypeError, match=r"`machine` must be a machine, .* got NoneType"):
        mcmc.block_gibbs.step(None, np.ones([2, 3]), (0, 1))


def test_states_of_a_batch_of_machines():
    batch = RestrictedBoltzmannMachine(np.zeros([4, 3, 2]), np.zeros([4, 5])).machine()
    assert mcmc.block_gibbs.run(batch, np.ones([6, 4, 3]), 1, (0, 1)).shape == [6, 4, 3]
    with pytest.raises(ValueError, match=r"\['num_chains', 4, 3\], .* got shape \(6, 3\)"):
        mcmc.block_gibbs.run(batch, np.ones([6, 3]), 1)
