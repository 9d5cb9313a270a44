"""Replay buffer, tempering, contrastive divergence, the TFP kernel, diagnostics."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import gammaln

from tests import oracles
from tfp_ebm import mcmc, partition
from tfp_ebm.distributions import RestrictedBoltzmannMachine

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
    options = {"replay": {"size": 10_000}, "tempering": {"inverse_temperatures": 3}}
    chains = mcmc.start_chains(kind, machine, 10_000, (0, 1), **options.get(kind, {}))
    for index in range(2):
        chains.advance(machine, 20, seed=(1, index))
    share = oracles.spin_probabilities(weights, bias)
    states = oracles.all_states(9)[:, :5]
    mean, pair = share @ states, np.einsum("s,si,sj->ij", share, states, states)
    assert oracles.within_standard_errors(chains.units.numpy(), mean, pair)
    assert chains.draw(5, seed=(0, 1)).shape == (5, 5)


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
