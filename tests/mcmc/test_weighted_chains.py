import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.distributions import GaussianBernoulliRBM
from tfp_ebm.machines.connected_machine import ConnectedMachine
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc import WeightedChains, start_chains


def machine_of(weights, bias=None, dtype=tf.float32):
    size = weights.shape[-2] + weights.shape[-1]
    bias = np.zeros([*weights.shape[:-2], size]) if bias is None else bias
    return SpinMachine.from_parameters(tf.constant(weights, dtype), tf.constant(bias, dtype))


def follow(chains, machines, num_steps=2, data_units=None, seed=0):
    """Advances through machines; returns log Z's errors in nats and in standard deviations."""
    advance = tf.function(chains.advance, autograph=False)
    errors = []
    for index, machine in enumerate(machines):
        advance(machine, num_steps, tf.constant([seed, index]), data_units)
        exact = tf.cast(machine.enumerate_log_partition(), tf.float64)
        error = (chains.log_partition - exact).numpy()
        errors.append((error, error / np.sqrt(chains.log_partition_variance.numpy())))
    return np.array(errors)


def growing(num_visible=30, num_hidden=6, num_steps=40, scale=0.5, dtype=tf.float32):
    weights, bias = oracles.random_machine(num_visible, num_hidden, scale=scale)
    return [machine_of(t * weights, t * bias, dtype) for t in np.linspace(0, 1, num_steps + 1)[1:]]


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_log_partition_follows_the_parameters(dtype):
    machines = growing(dtype=dtype)
    chains = WeightedChains.start(machine_of(np.zeros([30, 6]), dtype=dtype), 256, seed=(0, 1))
    assert float(chains.log_partition_variance) == 0  # Independent units: log Z is known.
    np.testing.assert_allclose(chains.log_partition, 36 * np.log(2), rtol=1e-6)
    error, deviation = follow(chains, machines).T
    assert np.max(np.abs(error)) < 0.3
    assert np.mean(np.abs(deviation) < 3) > 0.9


def test_weights_alone_follow_a_machine_without_jumps():
    # Its hidden layer has no marginal in closed form, so this is annealing along the way.
    rng = np.random.default_rng(0)
    coupling = rng.normal(size=[8, 8]) * 0.4
    coupling = np.triu(coupling, 1) + np.triu(coupling, 1).T
    colors = tf.constant([[unit] for unit in range(8)])

    def machine(t):
        return ConnectedMachine(
            tf.constant(t * coupling), tf.zeros([8], tf.float64), colors, *tf.split(
                tf.range(8), [1, 7]
            )
        )  # fmt: skip

    chains = WeightedChains.start(machine(0.0), 512, seed=(0, 1))
    error, _ = follow(chains, [machine(t) for t in np.linspace(0, 1, 21)[1:]]).T
    assert np.max(np.abs(error)) < 0.15


def test_weights_are_increments_of_the_log_marginal():
    machines = growing(num_steps=30, scale=0.1)
    chains = WeightedChains.start(machine_of(np.zeros([30, 6])), 64, seed=(0, 1))
    units = tf.identity(chains.units)
    chains.advance(machines[0], 0, seed=(0, 2))
    expected = machines[0].log_marginal(units) - 6 * np.log(2)
    np.testing.assert_allclose(chains.log_weights, expected, atol=1e-4)
    np.testing.assert_allclose(chains.log_marginals, machines[0].log_marginal(chains._followed))
    phase = chains.mean(tf.convert_to_tensor(chains.log_marginals))
    share = np.exp(expected) / np.exp(expected).sum()
    np.testing.assert_allclose(phase, (share * chains.log_marginals).numpy().sum(), rtol=1e-5)


def two_modes(ratio, size=40):
    """A machine with modes at +1 and -1 whose masses have the log ratio given."""
    weights = np.full([size, 1], 1.5)
    bias = np.append(np.zeros(size), ratio / 2)
    return machine_of(weights, bias)


@pytest.mark.slow
def test_mass_moves_between_modes_that_no_sweep_connects():
    start = machine_of(np.zeros([40, 1]))
    growing = [machine_of(np.full([40, 1], w)) for w in np.linspace(0, 1.5, 61)[1:]]
    tilting = [two_modes(r) for r in np.linspace(0, 3, 31)[1:]]
    chains = WeightedChains.start(start, 1024, seed=(0, 1))
    errors = follow(chains, growing + tilting, num_steps=1)[:, 0]
    assert np.max(np.abs(errors)) < 0.3
    draws = chains.draw(1024, seed=(0, 3)).numpy()
    is_up = draws.mean(axis=-1) > 0
    assert is_up.mean() == pytest.approx(1 / (1 + np.exp(-3)), abs=0.06)
    persistent = start_chains("persistent", start, 1024, seed=(0, 1))
    for index, machine in enumerate(growing + tilting):
        persistent.advance(machine, 1, seed=(0, index))
    stuck = (persistent.units.numpy().mean(axis=-1) > 0).mean()
    assert stuck == pytest.approx(0.5, abs=0.06)  # What the weights are for.


def test_resampling_keeps_log_partition_and_mean():
    machines = growing(num_steps=8, scale=0.8)
    chains = WeightedChains.start(machine_of(np.zeros([30, 6])), 512, seed=(0, 1))
    follow(chains, machines, num_steps=1)
    assert int(chains.num_resamplings) > 0
    assert float(chains.effective_share) > 0.3


def test_data_join_the_memory_and_scouts_arrive():
    machine = growing(num_steps=1)[0]
    chains = WeightedChains.start(machine, 32, seed=(0, 1), memory_size=16, num_scouts=6)
    data = tf.sign(tf.random.stateless_normal([5, 30], (3, 4)))
    before = chains._scouts.arrived.numpy()
    chains.advance(machine, 1, seed=(0, 2), data_units=data)
    np.testing.assert_array_equal(chains._memory.states[-5:], data)
    chains.advance(machine, 1, seed=(0, 3), data_units=data[:2])
    np.testing.assert_array_equal(chains._memory.states[-7:-2], data)
    after = chains._scouts.arrived.numpy()
    np.testing.assert_array_equal(after[:-2], before[2:])
    assert not np.array_equal(after[-2:], before[-2:])


@pytest.mark.slow
def test_batch_of_machines_equals_each_alone_in_law():
    weights = np.stack([oracles.random_machine(20, 4, seed=s, scale=0.5)[0] for s in (0, 1, 2)])
    machines = [machine_of(t * weights) for t in np.linspace(0, 1, 16)[1:]]
    chains = WeightedChains.start(machine_of(0 * weights), 256, seed=(0, 1))
    errors = follow(chains, machines)[:, 0]
    assert errors.shape == (15, 3) and np.max(np.abs(errors)) < 0.3
    assert chains.effective_share.shape == [3] and chains.draw(7, seed=(0, 1)).shape == [7, 3, 20]


def test_same_seed_repeats_and_another_does_not():
    machine = growing(num_steps=1, scale=0.1)[0]

    def run(seed):
        chains = WeightedChains.start(machine, 16, seed=(0, 1))
        chains.advance(machine, 1, seed=(0, seed))
        return chains.units.numpy()

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_restart_forgets_the_weights():
    machines = growing(num_steps=4)
    chains = WeightedChains.start(machine_of(np.zeros([30, 6])), 512, seed=(0, 1))
    follow(chains, machines)
    chains.restart(machines[0], seed=(0, 9))
    error = float(chains.log_partition) - float(machines[0].enumerate_log_partition())
    assert abs(error) < 5 * float(chains.log_partition_variance) ** 0.5 + 0.01
    np.testing.assert_allclose(chains.log_marginals, machines[0].log_marginal(chains.units))


def test_one_seed_in_every_call_draws_anew():
    """Of machines without couplings sweeps, jumps and scouts alone move the units."""
    free = machine_of(np.zeros([30, 6]))
    chains = WeightedChains.start(free, 16, seed=(0, 1))
    seen = []
    for _ in range(9):
        chains.advance(free, 0, seed=(0, 2))  # No sweep: what moves are jumps and scouts.
        seen.append((chains.units.numpy(), chains._scouts.arrived.numpy()))
    for first, second in ((0, 4), (4, 8)):  # Jumps are made in one move of four.
        assert np.any(seen[first][0] != seen[second][0])
    np.testing.assert_array_equal(seen[0][0], seen[3][0])
    fresh = [arrived[-1] for _, arrived in seen]
    assert np.any(fresh[0] != fresh[1]) and np.any(fresh[1] != fresh[2])


def test_a_single_chain_does_not_know_its_error():
    machine = growing()[-1]
    one = WeightedChains.start(machine, 1, seed=(0, 1))
    many = WeightedChains.start(machine, 64, seed=(0, 1))
    assert float(one.log_partition_variance) > 1e4 > float(many.log_partition_variance) > 0


def against_the_noise(chains, num_updates=8, size=200, rate=0.1):
    """Moves biases of free spins against the noise of the chains' mean; returns log Z's error."""
    free = tf.zeros([size, 1], tf.float64)
    bias = tf.zeros([size + 1], tf.float64)
    for index in range(num_updates):
        machine = SpinMachine.from_parameters(free, bias)
        noise = tf.reduce_mean(chains.negative_units(machine), axis=0) - tf.tanh(bias[:size])
        bias -= rate * tf.concat([noise, tf.zeros([1], tf.float64)], axis=0)
        machine = SpinMachine.from_parameters(free, bias)
        chains.advance(machine, 2, seed=(0, index))
    error = float(chains.log_partition - machine.enumerate_log_partition())
    return error, float(chains.log_partition_variance) ** 0.5


def test_log_partition_is_not_followed_by_the_states_of_the_gradient():
    """Each of 8 updates would otherwise cost 0.1 * 200 / 64 nats: the noise squared."""
    machine = machine_of(np.zeros([200, 1]), dtype=tf.float64)
    start = WeightedChains.start(machine, 64, seed=(0, 1))
    chains = WeightedChains(  # Without jumps, which would measure log Z anew.
        start.units, start.log_weights, start.log_marginals, start._filter()
    )
    error, stated = against_the_noise(chains)
    assert abs(error) < 4 * stated < 1

    class Twice(WeightedChains):
        """Shows the gradient the states that are followed."""

        def negative_units(self, machine, data_units=None, seed=None):
            return tf.convert_to_tensor(self._followed)

    twice = Twice(start.units, start.log_weights, start.log_marginals, start._filter())
    assert against_the_noise(twice)[0] < -1


def test_slices_follow_their_own_states():
    weights = np.stack([0.3 * oracles.random_machine(20, 4, seed=s)[0] for s in (0, 1)])
    both = WeightedChains.start(machine_of(0 * weights), 32, seed=(0, 1))
    both.advance(machine_of(0.5 * weights), 2, seed=(0, 2))
    second = both.transformed(lambda states: states[..., 1, :])
    np.testing.assert_array_equal(second._followed, both._followed[:, 1])
    expected = machine_of(0.5 * weights[1]).log_marginal(second._followed)
    np.testing.assert_allclose(second.log_marginals, expected, rtol=1e-5)


def test_draws_are_in_proportion_to_the_weights():
    chains = WeightedChains.start(machine_of(np.zeros([30, 6])), 64, seed=(0, 1))
    is_heavy = np.arange(64) == 5
    chains.log_weights.assign(np.where(is_heavy, np.log(63.0), 0.0))  # Half of all.
    draws = chains.draw(64, seed=(0, 2)).numpy()
    share = np.mean(np.all(draws == chains.units.numpy()[5], axis=-1))
    assert share == pytest.approx(0.5, abs=0.02)


def test_chains_that_do_not_jump_are_followed_from_the_states_of_the_gradient():
    machine, after = growing(num_steps=20)[:2]
    chains = WeightedChains.start(machine, 32, seed=(0, 1))
    chains._num_moves.assign(1)  # No jump is due, which would measure log Z.
    chains.advance(machine, 2, seed=(0, 2))
    assert np.any(chains.units.numpy() != chains._followed.numpy())
    chains._acceptance.assign(0.001 * tf.ones([], tf.float64))
    chains.advance(machine, 2, seed=(0, 3))
    np.testing.assert_array_equal(chains.units, chains._followed)
    assert int(chains.num_sweeps_needed()) == 6
    # The noise of their states is in the parameters that come next: log Z is not known from them.
    chains._num_moves.assign(1)
    units = tf.identity(chains.units)
    before = tf.identity(chains.log_weights)
    chains.advance(after, 2, seed=(0, 4))
    assert float(chains.log_partition_variance) == 1e6
    change = after.log_marginal(units) - machine.log_marginal(units)
    np.testing.assert_allclose(chains.log_weights - before, change, atol=1e-4)


def test_chains_that_jumps_carry_need_few_sweeps():
    chains = WeightedChains.start(growing(num_steps=20)[0], 8, seed=(0, 1))
    for acceptance, sweeps in ((0.3, 2), (0.05, 6), (0.0, 6)):
        chains._acceptance.assign(acceptance * tf.ones([], tf.float64))
        assert int(chains.num_sweeps_needed()) == sweeps


def test_states_written_by_hand_are_those_that_go_on():
    machine = growing(num_steps=20)[0]
    chains = WeightedChains.start(machine, 16, seed=(0, 1))
    chains._num_moves.assign(1)  # No jump is due.
    chains.units.assign(tf.ones_like(chains.units))
    chains.advance(machine, 0, seed=(0, 2))
    np.testing.assert_array_equal(chains.units, 1)
    np.testing.assert_array_equal(chains._followed, 1)


def test_chains_of_a_wide_layer_find_a_mode_that_neither_data_nor_cooling_know():
    parameters, log_partition = oracles.far_layer()
    parameters = {name: value.astype(np.float32) for name, value in parameters.items()}
    none = {name: 0 * value for name, value in parameters.items()}
    reference = GaussianBernoulliRBM(**none).machine()
    chains = WeightedChains.start(reference, 128, (0, 1), memory_size=32)
    base = GaussianBernoulliRBM(**parameters)
    machine = base.machine()
    assert np.mean(tf.sigmoid(machine.latent_log_odds(chains.units))) < 0.1
    data_units = machine.sample_reference(64, (0, 2))
    advance = tf.function(chains.advance, autograph=False)
    for index in range(160):
        advance(machine, 2, tf.constant([0, index]), data_units)
    assert np.mean(tf.sigmoid(machine.latent_log_odds(chains.units))) > 0.9
    error = float(chains.log_partition + float(base.log_partition_offset())) - log_partition
    assert abs(error) < 4 * np.sqrt(float(chains.log_partition_variance)) + 1e-3
    assert float(chains.log_partition_variance) < 2
