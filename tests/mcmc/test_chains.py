"""Replay buffer, tempering, contrastive divergence, the TFP kernel, diagnostics."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import gammaln

from tests import oracles
from tfp_ebm import mcmc, partition
from tfp_ebm.distributions import RestrictedBoltzmannMachine, SmoothedBoltzmannMachine, SmoothedRBM

SIZE = 10


def two_modes(coupling=0.24, field=0.02):
    """All spins up or all down, with a barrier of 12 nats between them."""
    weights = np.full([SIZE, SIZE], coupling)
    return RestrictedBoltzmannMachine(weights, np.full(2 * SIZE, field))


def share_up(units):
    return float(np.mean(np.mean(units, axis=-1) > 0))


def exact_share_up(base):
    visible = oracles.all_states(SIZE)
    log_weights = base.machine().log_marginal(tf.constant(visible)).numpy()
    share = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    return share[visible.mean(-1) > 0].sum()


def test_the_hard_case_has_a_barrier_of_twelve_nats():
    """Between all up and half up, counting the states of each magnetisation."""
    down = np.arange(SIZE + 1)
    visible = np.where(np.arange(SIZE) < down[:, None], -1.0, 1.0)
    profile = two_modes(field=0.0).machine().log_marginal(tf.constant(visible)).numpy()
    profile += gammaln(SIZE + 1) - gammaln(down + 1) - gammaln(SIZE - down + 1)
    assert 11 < profile.max() - profile[SIZE // 2] < 13


@pytest.mark.slow
def test_tempering_reaches_both_modes_where_plain_chains_do_not():
    base = two_modes()
    machine, start = base.machine(), tf.ones([200, SIZE], tf.float64)
    plain = mcmc.PersistentChains(start)
    plain.advance(machine, 500, seed=(0, 1))
    assert share_up(plain.units.numpy()) > 0.9
    tempered = mcmc.ParallelTempering(start, 8)
    tempered.advance(machine, 500, seed=(0, 1))
    assert share_up(tempered.units.numpy()) == pytest.approx(exact_share_up(base), abs=0.12)
    assert np.all(tempered.swap_rates.numpy() > 0.2)


@pytest.mark.slow
def test_annealing_covers_the_truth_between_two_modes():
    base = two_modes()
    exact = partition.enumerate_log_partition(base)
    estimate = partition.annealed_importance_sampling(base, 512, 2000, seed=(0, 1))
    assert abs(estimate.value - exact.value) < 3 * estimate.standard_error
    assert not estimate.has_few_effective_samples


@pytest.mark.parametrize("kind", ["replay", "tempering", "contrastive", "persistent"])
def test_every_kind_of_chain_reaches_the_enumerated_moments(kind):
    weights, bias = oracles.random_machine(5, 4)
    base = RestrictedBoltzmannMachine(weights, bias)
    machine = base.machine()
    options = {"replay": {"size": 20_000}, "tempering": {"inverse_temperatures": 4}}
    chains = mcmc.start_chains(kind, machine, 20_000, (0, 1), **options.get(kind, {}))
    for index in range(2):
        chains.advance(machine, 40, seed=(1, index))
    share = oracles.spin_probabilities(weights, bias)
    states = oracles.all_states(9)[:, :5]
    mean, pair = share @ states, np.einsum("s,si,sj->ij", share, states, states)
    assert oracles.within_standard_errors(chains.units.numpy(), mean, pair)
    assert chains.draw(5, seed=(0, 1)).shape == (5, 5)


def test_a_replay_buffer_keeps_what_it_does_not_move():
    machine = RestrictedBoltzmannMachine(*oracles.random_machine(20, 4)).machine()
    buffer = mcmc.ReplayBuffer.start(machine, 10, (0, 1), size=50, reinitialization_rate=0.0)
    before = buffer.states.numpy()
    buffer.advance(machine, 5, seed=(0, 2))
    moved = np.any(buffer.states.numpy() != before, axis=1)
    assert moved.sum() == 10
    put_back = {tuple(row) for row in buffer.states.numpy()[moved]}
    assert put_back == {tuple(row) for row in buffer.units.numpy()}


def test_contrastive_divergence_starts_from_the_data_and_leaves_values_alone():
    weights, bias = oracles.random_machine(14, 13, scale=0.2)
    variables = tf.Variable(weights), tf.Variable(bias)
    machine = SmoothedRBM(weights, bias, 3.5).machine()
    points = SmoothedRBM(weights, bias, 3.5).sample(2_000, seed=(0, 5))
    gradients = {}
    for kind in ("contrastive", "persistent"):
        chains = mcmc.start_chains(kind, machine, 2_000, (0, 1))
        chains.advance(machine, 100, seed=(0, 2))
        base = SmoothedRBM(*variables, 3.5, chains=chains)
        base.estimate_log_partition()
        with tf.GradientTape() as tape:
            log_prob = base.log_prob(points)
            loss = tf.reduce_mean(log_prob)
        gradients[kind] = tape.gradient(loss, variables[0]).numpy()
        np.testing.assert_allclose(
            log_prob, base.unnormalized_log_prob(points) - base.log_partition(), rtol=1e-12
        )
    # At the model's own samples both gradients vanish up to sampling error; CD-1 stays nearer.
    assert np.abs(gradients["contrastive"]).max() < 0.15
    assert np.abs(gradients["persistent"]).max() < 0.15
    assert gradients["contrastive"].std() < gradients["persistent"].std()


def test_kernel_runs_in_sample_chain():
    weights, bias = oracles.random_machine(5, 4)
    machine = RestrictedBoltzmannMachine(weights, bias).machine()
    states = tfp.mcmc.sample_chain(
        20,
        machine.sample_reference(5_000, (0, 1)),
        kernel=mcmc.BlockGibbs(machine, num_sweeps=3),
        num_burnin_steps=10,
        trace_fn=None,
        seed=(0, 2),
    ).numpy()
    share = oracles.spin_probabilities(weights, bias)
    expected = share @ oracles.all_states(9)[:, :5]
    np.testing.assert_allclose(states.mean((0, 1)), expected, atol=0.02)


def test_diagnostics_tell_slow_from_fast_chains():
    fast = RestrictedBoltzmannMachine(*oracles.random_machine(10, 10, scale=0.1)).machine()
    slow = two_modes(coupling=0.11, field=0.0).machine()
    results = [
        mcmc.diagnose(machine, machine.sample_reference(50, (0, 1)), 300, seed=(0, 2))
        for machine in (fast, slow)
    ]
    times = [float(result.autocorrelation_time) for result in results]
    assert 0.8 < times[0] < 1.4 and times[1] > 1.5 * times[0], times
    assert results[0].moved > results[1].moved
    frozen = mcmc.diagnose(two_modes().machine(), tf.ones([50, SIZE], tf.float64), 50, seed=(0, 3))
    assert frozen.distinct < 0.5 < results[0].distinct
    assert mcmc.share_of_distinct_chains(tf.ones([8, 3])) == 1 / 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcmc.ReplayBuffer(tf.zeros([0, 3]), 4), "at least `num_chains` = 4 states"),
        (lambda: mcmc.ReplayBuffer(tf.ones([8, 3]), 4, 1.5), "`reinitialization_rate`"),
        (lambda: mcmc.ParallelTempering(tf.ones([8, 3]), [0.5, 0.2, 1.0]), "increasing numbers"),
        (lambda: mcmc.ParallelTempering(tf.ones([8, 3]), [0.0, 0.5]), "must end at 1"),
        (lambda: mcmc.ParallelTempering(tf.ones([8, 3]), 1), "`inverse_temperatures`"),
        (lambda: mcmc.ContrastiveDivergence(tf.ones([8, 3]), 0), "`num_sweeps`"),
        (lambda: mcmc.start_chains("tempered", None, 3), "Did you mean 'tempering'"),
        (
            lambda: RestrictedBoltzmannMachine(
                np.zeros([4, 3]), np.zeros(7), chains=mcmc.PersistentChains(np.ones([8, 5]))
            ),
            "`chains` must hold states of shape",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


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
