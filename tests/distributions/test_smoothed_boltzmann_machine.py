import numpy as np
import pytest
import tensorflow as tf

from tests import oracles, registry
from tfp_ebm.distributions import SmoothedBoltzmannMachine, SmoothedRBM
from tfp_ebm.mcmc import PersistentChains, block_gibbs

test_conformance = registry.conformance("SmoothedBoltzmannMachine")


def full(size=5, seed=0):
    rng = np.random.default_rng(seed)
    factor = np.tril(0.35 * rng.normal(size=[size, size]), -1) + np.diag(
        rng.uniform(0.9, 1.5, size)
    )
    return factor, 0.4 * rng.normal(size=size)


def block(num_visible=3, num_hidden=3, seed=0):
    weights, bias = oracles.random_machine(num_visible, num_hidden, seed=seed)
    factor = np.eye(num_visible + num_hidden)
    factor[:num_visible, num_visible:] = weights
    colors = [
        list(range(num_visible, num_visible + num_hidden)),
        *[[i] for i in range(num_visible)],
    ]
    return factor, bias, colors


POINTS = np.random.default_rng(1).normal(size=[6, 6])


def test_full_machine_against_the_explicit_mixture():
    factor, bias = full(6)
    expected = oracles.smoothed_boltzmann_log_prob(factor, bias, POINTS)
    actual = SmoothedBoltzmannMachine(factor, bias).log_prob(POINTS)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


def test_block_machine_of_equation_16():
    factor, bias, colors = block()
    base = SmoothedBoltzmannMachine(factor, bias, lower=False, colors=colors)
    expected = oracles.smoothed_boltzmann_log_prob(factor, bias, POINTS)
    np.testing.assert_allclose(base.log_prob(POINTS), expected, rtol=1e-10)
    assert np.linalg.slogdet(base.precision())[1] == pytest.approx(0, abs=1e-12)
    assert base.machine().num_enumerated == 3


def test_a_block_factor_of_two_layers_is_the_smoothed_rbm():
    """With J~ of a SmoothedRBM factorised by Cholesky, both classes are the same density."""
    weights, bias = oracles.random_machine(3, 3)
    precision = oracles.precision(weights, 2.9)
    base = SmoothedBoltzmannMachine(np.linalg.cholesky(precision), bias)
    expected = SmoothedRBM(weights, bias, 2.9).log_prob(POINTS)
    np.testing.assert_allclose(base.log_prob(POINTS), expected, rtol=1e-9)


@pytest.mark.parametrize("index", [0, 1])
def test_gradients_against_differences_of_the_mixture(index):
    given = [*full(4)]
    points = POINTS[:, :4]
    variables = [tf.Variable(part) for part in given]
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(SmoothedBoltzmannMachine(*variables).log_prob(points))

    def oracle(value):
        changed = [*given[:index], value, *given[index + 1 :]]
        return oracles.smoothed_boltzmann_log_prob(*changed, points).mean()

    expected = oracles.central_differences(oracle, given[index])
    actual = tf.convert_to_tensor(tape.gradient(mean, variables[index])).numpy()
    if index == 0:
        actual, expected = np.tril(actual), np.tril(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)


def spin_moments(factor, bias):
    matrix = factor @ factor.T
    states = oracles.all_states(len(bias))
    coupling = matrix - np.diag(np.diag(matrix))
    log_weights = 0.5 * np.einsum("si,ij,sj->s", states, coupling, states) + states @ bias
    share = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    return share @ states, np.einsum("s,si,sj->ij", share, states, states)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "block"])
def test_samples_and_chains_have_the_enumerated_moments(kind):
    factor, bias, *colors = full(8) if kind == "full" else block(4, 4)
    base = SmoothedBoltzmannMachine(factor, bias, kind == "full", *colors)
    mean, pair = spin_moments(factor, bias)
    machine = base.machine()
    start = machine.sample_reference(100_000, (0, 2))
    chain = block_gibbs.run(machine, start, 40, seed=(0, 3)).numpy()
    assert oracles.within_standard_errors(chain, mean, pair)
    assert not oracles.within_standard_errors(start.numpy(), mean, pair)
    smoothed = pair + np.linalg.inv(factor @ factor.T)
    sample = base.sample(100_000, seed=(0, 1)).numpy()
    assert oracles.within_standard_errors(sample, mean, smoothed)


def test_sweeps_of_a_batch_of_machines():
    made = [full(4, seed=seed) for seed in range(3)]
    factor, bias = (np.stack(parts) for parts in zip(*made, strict=True))
    base = SmoothedBoltzmannMachine(factor, bias)
    points = POINTS[:, None, :4]
    expected = [oracles.smoothed_boltzmann_log_prob(*m, POINTS[:, :4]) for m in made]
    np.testing.assert_allclose(base.log_prob(points), np.transpose(expected), rtol=1e-10)
    machine = base.machine()
    start = machine.sample_reference(50_000, (0, 2))
    chain = block_gibbs.run(machine, start, 40, seed=(0, 3)).numpy()
    for index, one in enumerate(made):
        assert oracles.within_standard_errors(chain[:, index], *spin_moments(*one))


def test_persistent_gradient_is_the_enumerated_one():
    given = full(5)
    machine = SmoothedBoltzmannMachine(*given).machine()
    chains = PersistentChains(machine.sample_exactly(200_000, (0, 1)))
    variables = [tf.Variable(part) for part in given]
    base = SmoothedBoltzmannMachine(*variables, chains=chains)
    base.estimate_log_partition()
    with tf.GradientTape() as tape:
        log_partition = base.log_partition()
    with tf.GradientTape() as exact_tape:
        exact = SmoothedBoltzmannMachine(*variables).log_partition()
    for gradient, expected in zip(
        tape.gradient(log_partition, variables), exact_tape.gradient(exact, variables), strict=True
    ):
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient), tf.convert_to_tensor(expected), atol=0.03
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["create", "create_block"])
def test_created_machines_train(kind):
    sizes = (6,) if kind == "create" else (3, 3)
    base = getattr(SmoothedBoltzmannMachine, kind)(*sizes, num_chains=64, seed=(0, 1))
    points = tf.constant(POINTS, tf.float32)
    optimizer = tf.optimizers.Adam(0.05)
    before = tf.reduce_mean(base.log_prob(points))
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(base.log_prob(points))
        gradients = tape.gradient(loss, base.trainable_variables)
        optimizer.apply_gradients(zip(gradients, base.trainable_variables, strict=True))
        base.update_chains(5)
    base.estimate_log_partition()
    assert tf.reduce_mean(base.log_prob(points)) > before + 0.3
    assert base.min_eigenvalue() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones([3, 3]), np.zeros(3)), "`factor` must be lower triangular"),
        ((np.eye(3), np.zeros(3), True, [[0, 1]]), "every spin from 0 to 2 exactly once"),
        ((full(3)[0], np.zeros(3), True, [[0, 1], [2]]), "must not couple within a color"),
        ((-np.eye(3), np.zeros(3)), "diagonal of `factor` must be above 0"),
        ((np.eye(3), np.zeros(4)), r"`bias` must have shape \[\.\.\., 3\]"),
        ((np.zeros([2, 3]), np.zeros(3)), "`factor` must be square"),
        ((np.full([3, 3], np.nan), np.zeros(3)), "`factor` must be finite"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        SmoothedBoltzmannMachine(*arguments)


@pytest.mark.parametrize("kind", ["full", "block", "colored"])
def test_moments_are_those_of_the_spins_and_the_noise(kind):
    factor, bias, *colors = full(5) if kind == "full" else block(3, 3)
    if kind == "colored":  # The summed color in the middle of the others.
        order = np.array([3, 0, 4, 1, 5, 2])
        precision = (factor @ factor.T)[np.ix_(order, order)]
        factor, bias, colors = (
            np.linalg.cholesky(precision),
            bias[order],
            [[[0, 2, 4], [1], [3], [5]]],
        )
    base = SmoothedBoltzmannMachine(factor, bias, kind != "block", *colors)
    mean, pair = spin_moments(factor, bias)
    covariance = pair - np.outer(mean, mean) + np.linalg.inv(factor @ factor.T)
    np.testing.assert_allclose(base.mean(), mean, rtol=1e-9)
    np.testing.assert_allclose(base.covariance(), covariance, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(base.variance(), np.diag(covariance), rtol=1e-9)


def test_couplings_and_smallest_eigenvalue():
    factor, bias = full(4)
    base = SmoothedBoltzmannMachine(np.stack([factor, 2 * factor]), bias)
    lowest = np.linalg.eigvalsh(factor @ factor.T)[0]
    np.testing.assert_allclose(base.min_eigenvalue(), [lowest, 4 * lowest], rtol=1e-10)
    expected = factor - np.diag(np.diag(factor))
    np.testing.assert_array_equal(base.couplings, [[expected, 2 * expected]])


def test_factor_is_checked_at_run_time_if_asked():
    factor = tf.Variable(np.eye(2))
    base = SmoothedBoltzmannMachine(factor, np.zeros(2), validate_args=True)
    assert np.isfinite(base.log_prob(np.zeros(2)))
    factor.assign(np.diag([1.0, -1.0]))
    for call in (base.unnormalized_log_prob, tf.function(base.unnormalized_log_prob)):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="The diagonal of `factor` must be above 0"
        ):
            call(np.zeros(2))
