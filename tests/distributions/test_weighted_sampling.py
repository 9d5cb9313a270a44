"""Distributions whose chains weigh, jump and follow log Z."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import datasets
from tfp_ebm.distributions import GaussianBernoulliRBM, SmoothedRBM
from tfp_ebm.internal.keras import keras
from tfp_ebm.mcmc import start_chains
from tfp_ebm.training import LikelihoodModel


def clusters(num_points, size, seed=0, noise=0.3):
    """Points around two patterns of signs, three in four around the first."""
    rng = np.random.default_rng(seed)
    patterns = rng.choice([-1.0, 1.0], size=[2, size])
    points, member = datasets.clusters(patterns, num_points, noise, shares=[3, 1], seed=rng)
    return points, patterns, member


def error_of_log_partition(base):
    record = base.stored_log_partition.read()
    exact = float(base.machine().enumerate_log_partition())
    return float(record.value) - exact, float(record.standard_error), record


@pytest.mark.slow
def test_fit_keeps_the_modes_and_log_z():
    points, patterns, member = clusters(512, 40)
    base = SmoothedRBM.create(
        27, 13, delta=8.0, sampler="weighted", num_chains=128, num_gibbs_steps=5, seed=(0, 1)
    )
    trainer = LikelihoodModel(base, gibbs_steps=2, seed=(0, 2))
    trainer.compile(optimizer=keras.optimizers.Adam(5e-3))
    trainer.fit(points, batch_size=64, epochs=30, verbose=0)
    base.update_chains(2, seed=(0, 3))
    error, standard_error, record = error_of_log_partition(base)
    assert record.method == "running" and 0 < standard_error < 0.2
    assert abs(error) < 4 * standard_error + 0.05
    exact_spins = base.machine().sample_exactly(4000, (0, 4)).numpy()
    is_second = exact_spins @ (patterns[1] - patterns[0])[:27] > 0
    assert is_second.mean() == pytest.approx(member.mean(), abs=0.15)
    # What the batches showed proposes jumps: the memory holds visible spins near the patterns.
    overlap = np.abs(base.chains._memory.states.numpy() @ patterns[:, :27].T).max(axis=1) / 27
    assert overlap.mean() > 0.8


@pytest.mark.slow
def test_log_prob_is_normalized_after_every_update():
    rng = np.random.default_rng(1)
    base = GaussianBernoulliRBM.create(2, 13, sampler="weighted", num_chains=128, seed=(0, 1))
    seen = []
    for index in range(8):
        noise = rng.normal(size=[2, 13]).astype(np.float32)
        base.weights.assign_add(0.2 * noise)
        assert bool(base.is_log_partition_stale())
        base.update_chains(1, seed=(0, index), value=rng.normal(size=[16, 2]).astype(np.float32))
        error, standard_error, _ = error_of_log_partition(base)
        assert bool(base.is_log_partition_stale()) == (standard_error > 0.1)  # Lost, and said so.
        seen.append(standard_error)
        assert abs(error) < 4 * standard_error + 0.02
    assert min(seen) < 0.1 < max(seen)


def test_gradient_is_that_of_the_weighted_chains():
    weights, bias = (np.float32(part) for part in oracles.random_machine(14, 13))
    variables = tf.Variable(0 * weights), tf.Variable(bias)
    base = SmoothedRBM(*variables, 9.0, chains=None)
    chains = start_chains("weighted", base.machine(), 2048, (0, 1))
    base = SmoothedRBM(*variables, 9.0, chains=chains)
    for share in np.linspace(0, 1, 11)[1:]:
        variables[0].assign(share * weights)
        base.update_chains(2, seed=(0, int(10 * share)))
    with tf.GradientTape(persistent=True) as tape:
        estimated = base.log_partition()
        exact = base.machine().enumerate_log_partition() + base.log_partition_offset()
    for variable in variables:
        gradient, expected = (tape.gradient(part, variable) for part in (estimated, exact))
        np.testing.assert_allclose(gradient, expected, atol=0.12)


@pytest.mark.slow
def test_slices_of_weighted_chains():
    weights = np.stack([oracles.random_machine(14, 13, seed=seed)[0] for seed in range(3)])
    bias = oracles.random_machine(14, 13)[1]
    machine = SmoothedRBM(weights, bias, 9.0).machine()
    base = SmoothedRBM(weights, bias, 9.0, chains=start_chains("weighted", machine, 32, (0, 1)))
    base.update_chains(2, seed=(0, 2))
    one = base[1]
    np.testing.assert_array_equal(one.chains.log_weights, base.chains.log_weights[:, 1])
    np.testing.assert_array_equal(one.chains.log_partition, base.chains.log_partition[1])
    value = np.zeros(27)
    np.testing.assert_allclose(one.log_prob(value), base.log_prob(value)[1], rtol=1e-12)
    one.update_chains(2, seed=(0, 3))
    np.testing.assert_allclose(one.chains.log_partition, base.chains.log_partition[1], atol=1.0)


def test_a_checkpoint_keeps_weights_and_log_z(tmp_path):
    def make():
        return GaussianBernoulliRBM.create(2, 13, sampler="weighted", num_chains=16, seed=(0, 1))

    base, other = make(), make()
    base.weights.assign_add(0.3 * np.ones([2, 13], np.float32))
    base.update_chains(2, seed=(0, 2), value=np.ones([4, 2], np.float32))
    tf.train.Checkpoint(base=base).write(str(tmp_path / "saved"))
    tf.train.Checkpoint(base=other).read(str(tmp_path / "saved")).assert_consumed()
    for one in (base, other):
        one.weights.assign_add(0.1 * np.ones([2, 13], np.float32))
        one.update_chains(2, seed=(0, 3))
    np.testing.assert_array_equal(base.chains.log_weights, other.chains.log_weights)
    np.testing.assert_array_equal(base.chains.log_partition, other.chains.log_partition)
    np.testing.assert_array_equal(base.chains.units, other.chains.units)
