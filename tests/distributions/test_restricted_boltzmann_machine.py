import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles, registry
from tfp_ebm import training
from tfp_ebm.distributions import RestrictedBoltzmannMachine
from tfp_ebm.internal.keras import keras

test_conformance = registry.conformance("RestrictedBoltzmannMachine")


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_machine_against_enumeration(sizes):
    weights, bias = oracles.random_machine(*sizes)
    machine = RestrictedBoltzmannMachine(weights, bias)
    states = oracles.all_states(sum(sizes))
    expected = oracles.spin_probabilities(weights, bias)
    np.testing.assert_allclose(np.exp(machine.log_prob(states)), expected, rtol=1e-9)
    sample = machine.sample(100_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(sample.mean(0), expected @ states, atol=0.015)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_moments_and_entropy_are_sums_over_all_states(sizes, binary):
    weights, bias = oracles.random_machine(*sizes, scale=0.8)
    machine = RestrictedBoltzmannMachine(weights, bias, binary=binary)
    states = oracles.all_states(sum(sizes))
    states = (states + 1) / 2 if binary else states
    share = np.exp(oracles.spin_log_weights(weights, bias, states))
    share /= share.sum()
    covariance = np.cov(states.T, aweights=share, ddof=0)
    np.testing.assert_allclose(machine.mean(), share @ states, rtol=1e-10)
    np.testing.assert_allclose(machine.covariance(), covariance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(machine.variance(), np.diag(covariance), rtol=1e-9)
    np.testing.assert_allclose(machine.entropy(), -share @ np.log(share), rtol=1e-10)


def test_moments_of_large_machines_are_refused():
    machine = RestrictedBoltzmannMachine(np.zeros([13, 14]), np.zeros(27))
    for name in ("mean", "variance", "covariance", "entropy"):
        with pytest.raises(NotImplementedError, match="exact up to 12 units, here 13; average"):
            getattr(machine, name)()


@pytest.mark.parametrize("binary", [False, True])
def test_values_are_checked_on_request(binary):
    low = 0.0 if binary else -1.0
    model = RestrictedBoltzmannMachine(
        np.ones([2, 1]), np.zeros(3), binary=binary, validate_args=True
    )
    value = np.array([[0.5, 1.0, 1.0], [low, 1.0, 1.0], [-1.0 - low, 1.0, 1.0]])
    for method in (model.log_prob, tf.function(model.unnormalized_log_prob)):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must hold units"):
            method(value)
    compiled = tf.function(model.log_prob, jit_compile=True)
    np.testing.assert_array_equal(np.isnan(compiled(value)), [True, False, True])


def joint_table(binary, sizes=(3, 2)):
    """Returns a marginal machine, visible states, and p(v, h) over all states by enumeration."""
    weights, bias = oracles.random_machine(*sizes, scale=0.8)
    machine = RestrictedBoltzmannMachine(weights, bias, binary=binary, marginal=True)
    low = 0 if binary else -1
    visible = np.array(list(itertools.product([low, 1], repeat=sizes[0])), float)
    hidden = np.array(list(itertools.product([low, 1], repeat=sizes[1])), float)
    energies = np.array(
        [[v @ weights @ h + bias @ np.concatenate([v, h]) for h in hidden] for v in visible]
    )
    table = np.exp(energies)
    return machine, visible, hidden, table / table.sum()


@pytest.mark.parametrize("binary", [False, True])
def test_visible_units_alone_are_the_sum_over_hidden_ones(binary):
    machine, visible, hidden, table = joint_table(binary)
    assert machine.event_shape == (3,)
    share = table.sum(axis=1)
    np.testing.assert_allclose(machine.log_prob(visible), np.log(share), rtol=1e-9)
    np.testing.assert_allclose(machine.mean(), share @ visible, rtol=1e-9)
    covariance = np.cov(visible.T, aweights=share, ddof=0)
    np.testing.assert_allclose(machine.covariance(), covariance, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(machine.variance(), np.diag(covariance), rtol=1e-8)
    expected = table / share[:, None] @ hidden
    np.testing.assert_allclose(machine.posterior(visible).mean(), expected, rtol=1e-9)
    sample = machine.sample(50_000, seed=(0, 1)).numpy()
    assert sample.shape == (50_000, 3)
    np.testing.assert_allclose(sample.mean(0), share @ visible, atol=0.02)
    with pytest.raises(NotImplementedError, match="no closed form"):
        machine.entropy()


@pytest.mark.parametrize("binary", [False, True])
def test_a_machine_starts_at_the_frequencies_of_its_data(binary):
    rng = np.random.default_rng(0)
    bits = (rng.uniform(size=[400, 3]) < [0.2, 0.5, 0.9]).astype(np.float32)
    bits[:, 0] = 0
    data = bits if binary else 2 * bits - 1
    machine = RestrictedBoltzmannMachine.create(3, 2, binary=binary, weight_scale=1e-6, seed=(0, 1))
    machine.initialize_from_data(data)
    share = (bits.sum(axis=0) + 0.5) / 401
    expected = share if binary else 2 * share - 1
    np.testing.assert_allclose(machine.mean(), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"`visible` must have shape \[N, 3\]"):
        machine.initialize_from_data(data[:, :2])
    with pytest.raises(ValueError, match="needs a single machine with variables"):
        RestrictedBoltzmannMachine([[0.5]], [0.0, 0.0], marginal=True).initialize_from_data([[1.0]])


def test_bits_have_the_gradient_of_the_spins_that_they_are_held_as():
    bits = (np.random.default_rng(0).uniform(size=[64, 3]) < [0.1, 0.5, 0.9]).astype(np.float32)
    found = {}
    for binary, data in ((True, bits), (False, 2 * bits - 1)):
        machine = RestrictedBoltzmannMachine.create(
            3, 2, binary=binary, weight_scale=0.5, seed=(0, 1)
        )
        machine.initialize_from_data(data)
        with tf.GradientTape() as tape:
            log_prob = machine.log_prob(data)
        variables = machine.trainable_variables
        assert [tuple(v.shape) for v in variables] == [(5,), (3, 2)]
        found[binary] = [log_prob, *tape.gradient(log_prob, variables)]
    for of_bits, of_spins in zip(found[True], found[False], strict=True):
        np.testing.assert_allclose(of_bits, of_spins, rtol=1e-4, atol=1e-4)


def test_bits_that_are_held_as_spins_have_the_density_of_the_bits_they_show():
    made = RestrictedBoltzmannMachine.create(3, 2, weight_scale=0.5, dtype=tf.float64, seed=(0, 1))
    shown = RestrictedBoltzmannMachine(
        tf.convert_to_tensor(made.weights), tf.convert_to_tensor(made.bias), True, True
    )
    weights, bias = (tf.convert_to_tensor(value).numpy() for value in (made.weights, made.bias))
    visible, hidden = ((oracles.all_states(size) + 1) / 2 for size in (3, 2))
    table = (visible @ weights @ hidden.T + visible @ bias[:3, None] + hidden @ bias[3:]).T
    share = np.exp(table).sum(axis=0) / np.exp(table).sum()
    np.testing.assert_allclose(np.exp(made.log_prob(visible)), share, rtol=1e-10)
    np.testing.assert_allclose(shown.log_prob(visible), made.log_prob(visible), rtol=1e-12)


@pytest.mark.slow
def test_a_large_machine_is_fitted_to_its_visible_units_by_chains():
    data = np.repeat(np.eye(2, dtype=np.float32), [24, 8], axis=0) @ np.repeat(
        np.eye(2, dtype=np.float32), 7, axis=1
    )
    machine = RestrictedBoltzmannMachine.create(
        14, 13, num_chains=32, weight_scale=0.2, seed=(0, 1)
    )
    machine.initialize_from_data(data)
    trainer = training.LikelihoodModel(machine, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(0.05))
    before = float(np.mean(machine.log_prob(data)))
    losses = trainer.fit(data, epochs=8, batch_size=8, verbose=0).history["loss"]
    assert -losses[-1] > before + 0.3
    assert machine.sample(4).shape == (4, 14)
    with pytest.raises(ValueError, match="must hold 0 and 1"):
        trainer.fit(2 * data - 1, verbose=0)


@pytest.mark.slow
def test_bars_and_stripes_are_learned_to_their_entropy():
    lines = np.array(list(itertools.product([0, 1], repeat=3)))
    bars = np.repeat(lines[:, :, None], 3, axis=2)
    patterns = np.unique(np.concatenate([bars, bars.transpose(0, 2, 1)]).reshape(-1, 9), axis=0)
    assert len(patterns) == 14
    machine = RestrictedBoltzmannMachine.create(9, 16, weight_scale=0.5, seed=(0, 1))
    trainer = training.LikelihoodModel(machine, seed=(0, 1))
    rate = keras.optimizers.schedules.CosineDecay(0.1, 12_000)
    trainer.compile(optimizer=keras.optimizers.Adam(rate))
    data = np.tile(patterns, (1000, 1)).astype(np.float32)
    loss = trainer.fit(data, batch_size=14, epochs=12, verbose=0).history["loss"][-1]
    nats = -float(np.mean(machine.log_prob(patterns.astype(np.float32))))
    assert np.log(14) <= nats < np.log(14) + 0.01 and abs(loss - nats) < 0.01
