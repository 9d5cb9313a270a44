import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests import oracles, registry
from tfp_ebm import mcmc
from tfp_ebm.distributions import SmoothedRBM

test_conformance = registry.conformance("SmoothedRBM")

DELTA = 2.3


def make(num_visible=3, num_hidden=2, dtype=np.float64, **kwargs):
    weights, bias = oracles.random_machine(num_visible, num_hidden)
    return SmoothedRBM(weights.astype(dtype), bias.astype(dtype), dtype(DELTA), **kwargs)


def random_points(size, count=7):
    return np.random.default_rng(1).normal(size=[count, size]) * 1.5


@pytest.mark.parametrize("sizes", [(3, 2), (2, 5), (4, 4), (1, 1)])
def test_log_prob_equals_the_enumerated_mixture(sizes):
    weights, bias = oracles.random_machine(*sizes)
    points = random_points(sum(sizes))
    expected = oracles.smoothed_log_prob(weights, bias, DELTA, points)
    np.testing.assert_allclose(make(*sizes).log_prob(points), expected, rtol=1e-10)


def test_forgetting_the_hidden_layer_would_not_go_unnoticed():
    weights, bias = oracles.random_machine(3, 2)
    wrong = np.logaddexp.reduce(
        [s[:3] @ bias[:3] for s in oracles.all_states(5)]
    )  # no coupling, no hidden fields
    right = oracles.spin_log_partition(weights, bias)
    base = make(3, 2)
    value = base.log_partition() - base.log_partition_offset()
    np.testing.assert_allclose(value, right, rtol=1e-12)
    assert abs(wrong - right) > 0.1


def test_integrates_to_one_in_two_dimensions():
    base = make(1, 1)
    axis = np.linspace(-6, 6, 241)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(base.log_prob(grid)).sum() * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_uncoupled_machine_is_two_to_the_n_at_zero_fields():
    base = SmoothedRBM.create(5, 3, delta=1.7, num_chains=2)
    spins = base.log_partition() - base.log_partition_offset()
    np.testing.assert_allclose(spins, 8 * np.log(2), rtol=1e-6)


def test_posterior_is_bayes_rule():
    weights, bias = oracles.random_machine(3, 2)
    points = random_points(5)
    joint = oracles.smoothed_joint(weights, bias, DELTA, points)
    posterior = np.exp(joint - oracles.smoothed_log_prob(weights, bias, DELTA, points)[:, None])
    expected = posterior @ oracles.all_states(5)
    np.testing.assert_allclose(make(3, 2).posterior(points).mean(), expected, atol=1e-10)


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_sample_moments_match_enumeration(sizes):
    weights, bias = oracles.random_machine(*sizes)
    states = oracles.all_states(len(bias))
    probabilities = oracles.spin_probabilities(weights, bias)
    mean = probabilities @ states
    second = np.einsum("s,si,sj->ij", probabilities, states, states)
    second += np.linalg.inv(oracles.precision(weights, DELTA))
    count = 100_000
    sample = make(*sizes).sample(count, seed=(1, 2)).numpy()
    products = np.einsum("ni,nj->nij", sample, sample)
    error = sample.std(0) / np.sqrt(count)
    np.testing.assert_array_less(abs(sample.mean(0) - mean), 4.5 * error)
    error = products.std(0) / np.sqrt(count)
    np.testing.assert_array_less(abs(products.mean(0) - second), 4.5 * error)


def test_gibbs_samples_match_the_exact_ones():
    base = make(3, 2, chains=None)
    chains = mcmc.PersistentChains.start(base.machine(), 20_000, seed=(0, 5))
    chains.advance(base.machine(), 50, seed=(0, 6))
    weights, bias = oracles.random_machine(3, 2)
    states, probabilities = oracles.all_states(5), oracles.spin_probabilities(weights, bias)
    visible = chains.units.numpy()
    error = visible.std(0) / np.sqrt(len(visible))
    expected = probabilities @ states[:, :3]
    np.testing.assert_array_less(abs(visible.mean(0) - expected), 4.5 * error)


def test_persistent_chain_gradient_is_the_enumerated_gradient_within_sampling_error():
    weights, bias = oracles.random_machine(4, 3)
    points = tf.constant(random_points(7))
    exact_base = SmoothedRBM(tf.Variable(weights), tf.Variable(bias), DELTA)
    chains = mcmc.PersistentChains.start(exact_base.machine(), 50_000, seed=(3, 4))
    chained = SmoothedRBM(tf.Variable(weights), tf.Variable(bias), DELTA, chains=chains)
    chained.update_chains(100, seed=(3, 5))
    chained.estimate_log_partition()

    def gradient(base):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(base.log_prob(points))
        return loss, tape.gradient(loss, [base.weights, base.bias])

    exact_loss, exact = gradient(exact_base)
    loss, estimated = gradient(chained)
    np.testing.assert_allclose(loss, exact_loss, rtol=1e-10)
    for one, other in zip(estimated, exact, strict=True):
        np.testing.assert_array_less(abs(one - other), 5 / np.sqrt(50_000))
        assert np.max(abs(other)) > 0.05


def test_samples_around_a_fixed_code():
    base = make(3, 2)
    spins = np.array([1.0, -1, 1, 1, -1])
    sample = base.sample(50_000, spins=spins, seed=(0, 9)).numpy()
    expected = np.linalg.inv(oracles.precision(oracles.random_machine(3, 2)[0], DELTA))
    np.testing.assert_allclose(sample.mean(0), spins, atol=0.02)
    np.testing.assert_allclose(np.cov(sample.T), expected, atol=0.02)
    several = base.sample([4, 6], spins=oracles.all_states(5)[:6], seed=(0, 9))
    assert several.shape == (4, 6, 5)


def test_batches_of_machines():
    machines = [oracles.random_machine(3, 2, seed=seed) for seed in range(2)]
    weights, bias = (np.stack(parts) for parts in zip(*machines, strict=True))
    base = SmoothedRBM(weights, bias, DELTA)
    assert base.batch_shape == (2,)
    points = random_points(5)
    expected = np.stack([oracles.smoothed_log_prob(*m, DELTA, points) for m in machines], axis=1)
    np.testing.assert_allclose(base.log_prob(points[:, None]), expected, rtol=1e-10)
    sample = base.sample(20_000, seed=(0, 1)).numpy()
    for index, (one_weights, one_bias) in enumerate(machines):
        mean = oracles.spin_probabilities(one_weights, one_bias) @ oracles.all_states(5)
        np.testing.assert_allclose(sample[:, index].mean(0), mean, atol=0.04)
    np.testing.assert_allclose(base[1].log_prob(points), expected[:, 1], rtol=1e-10)


def test_a_seed_pair_repeats_and_graph_equals_eager():
    base = SmoothedRBM.create(13, 17, num_chains=5, seed=(1, 1))
    one, two = base.sample(3, seed=(1, 2)), base.sample(3, seed=(1, 2))
    graph = tf.function(lambda: base.sample(3, seed=(1, 2)))()
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one, graph, rtol=1e-5)
    assert np.any(base.sample(3, seed=(1, 3)).numpy() != one.numpy())


def test_optimizer_cannot_leave_the_positive_definite_set():
    base = SmoothedRBM.create(7, 5, delta=1.5, num_chains=11)
    optimizer = tf_keras.optimizers.Adam(0.1)
    rng = np.random.default_rng(0)
    for step in range(60):
        direction = np.ones([7, 5]) if step < 30 else rng.choice([-1.0, 1.0], size=[7, 5])
        gradient = tf.constant(-(1.1**step) * direction, tf.float32)
        optimizer.apply_gradients([(gradient, base.weights)])
        assert np.linalg.norm(base.weights.numpy(), 2) < 1.5
    assert np.isfinite(base.log_prob(tf.zeros([12])))
    unconstrained = tf.Variable(tf.zeros([7, 5]))
    free = tf_keras.optimizers.Adam(0.1)
    for _ in range(30):
        free.apply_gradients([(-tf.ones([7, 5]), unconstrained)])
    assert np.linalg.norm(unconstrained.numpy(), 2) > 1.5


def test_estimate_becomes_stale_when_a_parameter_moves():
    base = SmoothedRBM.create(14, 13, num_chains=3)
    assert not base.is_log_partition_stale()
    base.bias.assign_add(0.1 * tf.ones([27]))
    assert base.is_log_partition_stale()
    estimate = base.estimate_log_partition()
    assert estimate.method == "exact" and not base.is_log_partition_stale()
    np.testing.assert_allclose(base.log_partition(), estimate.value, rtol=1e-6)


def test_errors():
    weights, bias = oracles.random_machine(3, 2)
    with pytest.raises(ValueError, match=r"`delta` must exceed .* got delta 0\.5"):
        SmoothedRBM(3 * weights, bias, 0.5)
    with pytest.raises(ValueError, match=r"`bias` must have shape .* \[\.\.\., 5\]"):
        SmoothedRBM(weights, bias[:4], 2.5)
    with pytest.raises(ValueError, match="`weights` must have shape"):
        SmoothedRBM(weights[0], bias, 2.5)
    with pytest.raises(ValueError, match="`weights` must be finite"):
        SmoothedRBM(weights * np.nan, bias, 2.5)
    with pytest.raises(ValueError, match="`num_hidden` must be an integer"):
        SmoothedRBM.create(3, 0)
    with pytest.raises(ValueError, match="`delta` must be a finite number above 0, got -1"):
        SmoothedRBM.create(3, 2, delta=-1)
    with pytest.raises(ValueError, match=r"`chains` must hold states of shape \[None, 3\]"):
        SmoothedRBM(weights, bias, 2.5, chains=mcmc.PersistentChains(tf.ones([4, 2])))
    big_weights, big_bias = oracles.random_machine(13, 14, scale=0.01)
    with pytest.raises(ValueError, match="unknown: call `estimate_log_partition"):
        SmoothedRBM(big_weights, big_bias, 2.5).log_prob(np.zeros(27))


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_moments_are_those_of_the_spins_and_the_noise(sizes):
    weights, bias = oracles.random_machine(*sizes)
    base, states = make(*sizes), oracles.all_states(sum(sizes))
    share = oracles.spin_probabilities(weights, bias)
    covariance = np.cov(states.T, aweights=share, ddof=0)
    covariance += np.linalg.inv(oracles.precision(weights, DELTA))
    np.testing.assert_allclose(base.mean(), share @ states, rtol=1e-10)
    np.testing.assert_allclose(base.covariance(), covariance, rtol=1e-9)
    np.testing.assert_allclose(base.variance(), np.diag(covariance), rtol=1e-9)
    with pytest.raises(NotImplementedError, match="Moments of a SmoothedRBM are sums"):
        SmoothedRBM.create(13, 13).mean()


def test_delta_is_checked_at_run_time_if_asked():
    weights = tf.Variable(np.eye(2))
    base = SmoothedRBM(weights, np.zeros(4), 2.5, validate_args=True)
    assert np.all(np.isfinite(base.log_prob(np.zeros(4))))
    weights.assign(3 * np.eye(2))
    for call in (base.unnormalized_log_prob, tf.function(base.unnormalized_log_prob)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="`delta` must exceed the largest"):
            call(np.zeros(4))


def test_states_of_chains_are_visible_spins_given_points():
    weights, bias = oracles.random_machine(4, 2, scale=0.8)
    base = SmoothedRBM(weights, bias, 5.0)
    point = np.linspace(-1.0, 1.5, 6)
    states = base.chain_state(np.repeat(point[None], 20_000, axis=0), seed=(0, 1)).numpy()
    field = oracles.precision(weights, 5.0) @ point + bias
    assert states.shape == (20_000, 4)
    np.testing.assert_allclose(states.mean(axis=0), np.tanh(field)[:4], atol=0.03)
