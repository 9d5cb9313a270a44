import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, logsumexp

from tests import oracles
from tfp_ebm.machines.gaussian_machine import GaussianMachine
from tfp_ebm.machines.labeled_machine import LabeledMachine
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc.jumps import LatentState, ProposalMixture, jump, partial_jump, random_states

BITS = (oracles.all_states(3) + 1) / 2


def spin_machine(scale=1.0):
    weights, bias = oracles.random_machine(4, 3, scale=scale)
    return SpinMachine.from_parameters(tf.constant(weights), tf.constant(bias))


def gaussian_machine():
    weights, bias = oracles.random_machine(4, 3, scale=1.0)
    parts = (weights, bias[:4], bias[4:], np.array(0.7))
    return GaussianMachine.from_parameters(*(tf.constant(part) for part in parts))


def labeled_machine():
    rng = np.random.default_rng(3)
    return LabeledMachine(
        gaussian_machine(),
        tf.constant(rng.normal(size=[2, 3])),
        tf.constant([0.4, -0.3], tf.float64),
    )


MACHINES = {"spin": spin_machine, "Gaussian": gaussian_machine, "labeled": labeled_machine}


@pytest.mark.parametrize("name", MACHINES)
def test_latent_weights_add_up_to_the_partition_function(name):
    machine = MACHINES[name]()
    total = logsumexp(machine.log_latent_weight(tf.constant(BITS)))
    np.testing.assert_allclose(total, machine.enumerate_log_partition(), rtol=1e-12)


@pytest.mark.parametrize("name", MACHINES)
def test_latent_conditionals_agree_with_the_marginals(name):
    # p(h | v) / p(h' | v) = p*(v, h) / p*(v, h'), and states drawn given h have p(v | h).
    machine = MACHINES[name]()
    bits = np.repeat(BITS, 4000, axis=0)
    states = machine.sample_given_latent(tf.constant(bits), (0, 1))
    log_odds = machine.latent_log_odds(states).numpy()
    # E over p(h) p(v | h) of p(h_j = 1 | v) is p(h_j = 1), for any weights of h.
    log_weights = machine.log_latent_weight(tf.constant(BITS))
    marginal = np.exp(log_weights - machine.enumerate_log_partition())
    given = expit(log_odds).reshape(8, 4000, 3)
    error = np.sqrt((marginal[:, None] ** 2 * given.var(1)).sum(0) / 4000)
    np.testing.assert_array_less(
        np.abs((marginal[:, None] * given.mean(1)).sum(0) - marginal @ BITS) / error, 5
    )


def mixture_oracle(log_odds, bits, chosen):
    up = expit(np.clip(log_odds, -np.log(99), np.log(99)))
    each = np.where(bits[:, None] > 0, up, 1 - up) ** chosen[:, None]
    return np.log(each.prod(-1).mean(1))


def test_mixture_against_numpy():
    machine = spin_machine(scale=3.0)
    states = oracles.all_states(4)[:6]
    mixture = ProposalMixture.of_states(machine, tf.constant(states))
    log_odds = machine.latent_log_odds(tf.constant(states)).numpy()
    assert np.abs(log_odds).max() > np.log(99)  # So that the clip matters.
    np.testing.assert_allclose(
        mixture.log_prob(tf.constant(BITS)), mixture_oracle(log_odds, BITS, np.ones_like(BITS))
    )
    chosen = BITS[::-1].copy()
    np.testing.assert_allclose(
        mixture.log_prob(tf.constant(BITS), tf.constant(chosen)),
        mixture_oracle(log_odds, BITS, chosen),
    )
    drawn = mixture.sample(20_000, (0, 2)).numpy()
    counts = np.bincount((drawn @ [4, 2, 1]).astype(int), minlength=8) / 20_000
    expected = np.exp(mixture.log_prob(tf.constant(BITS)).numpy())
    error = np.sqrt(expected * (1 - expected) / 20_000)
    np.testing.assert_array_less(np.abs(counts - expected) / error, 5)


@pytest.mark.parametrize("move", [jump, partial_jump])
def test_jumps_leave_the_machine_invariant(move):
    machine = spin_machine()
    log_weights = machine.log_latent_weight(tf.constant(BITS)).numpy()
    expected = np.exp(log_weights - logsumexp(log_weights))
    mixture = ProposalMixture.of_states(machine, tf.constant(oracles.all_states(4)[:3]))
    start = np.random.default_rng(0).choice(8, p=expected, size=60_000)
    bits = tf.constant(BITS[start])
    state = LatentState(bits, machine.log_latent_weight(bits))
    moved = None
    for index in range(3):
        state, info = move(machine, state, mixture, (1, index))
        moved = info.accepted if moved is None else moved | info.accepted
    np.testing.assert_allclose(state.log_weight, machine.log_latent_weight(state.bits))
    assert 0.2 < np.mean(moved) < 0.999
    counts = np.bincount((state.bits.numpy() @ [4, 2, 1]).astype(int), minlength=8) / 60_000
    error = np.sqrt(expected * (1 - expected) / 60_000)
    np.testing.assert_array_less(np.abs(counts - expected) / error, 4.5)


@pytest.mark.parametrize("move", [jump, partial_jump])
def test_jumps_of_a_batch_of_machines(move):
    weights = np.stack([oracles.random_machine(4, 3, seed=s)[0] for s in (0, 1)])
    bias = np.stack([oracles.random_machine(4, 3, seed=s)[1] for s in (0, 1)])
    machine = SpinMachine.from_parameters(tf.constant(weights), tf.constant(bias))
    states = tf.constant(np.stack([oracles.all_states(4)[:5], oracles.all_states(4)[5:10]], 1))
    mixture = ProposalMixture.of_states(machine, states)
    bits = tf.constant(np.stack([BITS, BITS[::-1]], axis=1))
    for member in (0, 1):
        parts = (tf.constant(weights[member]), tf.constant(bias[member]))
        single = SpinMachine.from_parameters(*parts)
        alone = ProposalMixture.of_states(single, states[:, member])
        np.testing.assert_allclose(
            mixture.log_prob(bits)[:, member], alone.log_prob(bits[:, member])
        )
    state = LatentState(bits, machine.log_latent_weight(bits))
    state, info = move(machine, state, mixture, (0, 3))
    assert state.bits.shape == [8, 2, 3] and info.accepted.shape == [8, 2]
    np.testing.assert_allclose(state.log_weight, machine.log_latent_weight(state.bits))


def test_random_states_have_any_number_of_bits_up():
    class Shown(SpinMachine):
        def sample_given_latent(self, bits, seed):
            return bits

    weights, bias = oracles.random_machine(4, 4)
    machine = Shown.from_parameters(tf.constant(np.stack([weights] * 2)), np.stack([bias] * 2))
    like = tf.zeros([20_000, 2, 4], tf.float64)
    bits = random_states(machine, like, (0, 1)).numpy()
    assert set(np.unique(bits)) == {0, 1}
    # A uniform share makes every number from none to all as likely, and each bit as likely.
    for number in range(5):
        np.testing.assert_allclose((bits.sum(-1) == number).mean(0), 0.2, atol=0.012)
    np.testing.assert_allclose(bits.mean(0), 0.5, atol=0.015)
    assert np.mean(bits[:, 0] != bits[:, 1]) > 0.3
