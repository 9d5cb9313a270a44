import numpy as np
import pytest
import tensorflow as tf

from tests import oracles, registry
from tfp_ebm.distributions import GaussianBernoulliRBM
from tfp_ebm.mcmc import PersistentChains, block_gibbs

test_conformance = registry.conformance("GaussianBernoulliRBM")


def parameters(num_visible=4, num_hidden=5, seed=0):
    weights, bias = oracles.random_machine(num_visible, num_hidden, scale=0.5, seed=seed)
    scale = np.random.default_rng(seed).uniform(0.6, 1.4, size=num_visible)
    return [weights, bias[:num_visible], bias[num_visible:], scale]


POINTS = np.random.default_rng(1).normal(size=[6, 4])


def test_log_prob_against_the_explicit_mixture():
    given = parameters()
    expected = oracles.gaussian_bernoulli_log_prob(*given, POINTS)
    np.testing.assert_allclose(GaussianBernoulliRBM(*given).log_prob(POINTS), expected, rtol=1e-10)
    single = [*given[:3], np.array(0.7)]
    expected = oracles.gaussian_bernoulli_log_prob(*given[:3], np.full(4, 0.7), POINTS)
    np.testing.assert_allclose(GaussianBernoulliRBM(*single).log_prob(POINTS), expected, rtol=1e-10)


@pytest.mark.parametrize("index", range(4))
def test_gradients_against_differences_of_the_mixture(index):
    given = parameters()
    variables = [tf.Variable(part) for part in given]
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(GaussianBernoulliRBM(*variables).log_prob(POINTS))

    def oracle(value):
        changed = [*given[:index], value, *given[index + 1 :]]
        return oracles.gaussian_bernoulli_log_prob(*changed, POINTS).mean()

    expected = oracles.central_differences(oracle, given[index])
    actual = tf.convert_to_tensor(tape.gradient(mean, variables[index]))
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)


def moments(given):
    weights, visible_bias, hidden_bias, scale = given
    hidden = (oracles.all_states(len(hidden_bias)) + 1) / 2
    pushed = hidden @ weights.T
    log_weights = hidden @ hidden_bias + pushed @ (visible_bias / scale) + (pushed**2).sum(-1) / 2
    share = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    means = visible_bias + scale * pushed
    mean = share @ means
    return mean, np.einsum("s,si,sj->ij", share, means, means) + np.diag(scale**2)


@pytest.mark.slow
def test_samples_and_chains_have_the_enumerated_moments():
    given = parameters(5, 6)
    base = GaussianBernoulliRBM(*given)
    assert oracles.within_standard_errors(base.sample(100_000, seed=(0, 1)), *moments(given))
    machine = base.machine()
    start = machine.sample_reference(100_000, (0, 2))
    chain = block_gibbs.run(machine, start, 60, seed=(0, 3)).numpy()
    assert oracles.within_standard_errors(chain, *moments(given))
    few = start[:5000]
    for step in range(40):
        few = machine.sweep(few, 1.0, (1, step))
    assert oracles.within_standard_errors(few.numpy(), *moments(given))
    assert not oracles.within_standard_errors(start.numpy(), *moments(given))


@pytest.mark.parametrize("num_chains", [2_000, 40_000])
def test_chains_side_by_side_draw_from_the_same_conditionals(num_chains):
    given = parameters(5, 6)
    machine = GaussianBernoulliRBM(*given).machine()
    weights, visible_bias, hidden_bias, scale = given
    point = np.array([0.3, -1.0, 0.7, 0.1, -0.4])
    columns = np.repeat(point[:, None], num_chains, axis=1)
    drawn = machine.sweep_columns(tf.constant(columns), 0.7, (0, 1)).numpy().T
    hidden = (oracles.all_states(6) + 1) / 2
    chance = 1 / (1 + np.exp(-(0.7 * (point / scale) @ weights + hidden_bias)))
    share = np.prod(np.where(hidden == 1, chance, 1 - chance), axis=1)
    means = visible_bias + 0.7 * scale * (hidden @ weights.T)
    pair = np.einsum("s,si,sj->ij", share, means, means) + np.diag(scale**2)
    assert oracles.within_standard_errors(drawn, share @ means, pair)
    assert not oracles.within_standard_errors(drawn, visible_bias, pair)


def test_persistent_gradient_is_the_enumerated_one():
    given = parameters()
    exact = GaussianBernoulliRBM(*given)
    chains = PersistentChains(exact.sample(200_000, seed=(0, 1)))
    variables = [tf.Variable(part) for part in given]
    base = GaussianBernoulliRBM(*variables, chains=chains)
    base.estimate_log_partition()
    with tf.GradientTape() as tape:
        log_partition = base.log_partition()
    for variable, gradient in zip(variables, tape.gradient(log_partition, variables), strict=True):
        with tf.GradientTape() as exact_tape:
            exact_value = GaussianBernoulliRBM(*variables).log_partition()
        expected = exact_tape.gradient(exact_value, variable)
        np.testing.assert_allclose(gradient, expected, atol=0.02)


def test_posterior_of_the_hidden_bits():
    given = parameters()
    base = GaussianBernoulliRBM(*given)
    hidden = (oracles.all_states(5) + 1) / 2
    weights, _, hidden_bias, scale = given
    energy = hidden @ hidden_bias + np.einsum("pi,ij,sj->ps", POINTS / scale, weights, hidden)
    share = np.exp(energy - np.logaddexp.reduce(energy, axis=1, keepdims=True))
    np.testing.assert_allclose(base.posterior(POINTS).mean(), share @ hidden, rtol=1e-9)


def test_trained_scale_stays_away_from_zero():
    base = GaussianBernoulliRBM.create(3, 4, scale=2.0, seed=(0, 1))
    for variable in base.trainable_variables:
        if "scale" in variable.name:
            variable.assign(tf.fill(variable.shape, -1e6))
    np.testing.assert_allclose(base.scale, 0.1, rtol=1e-5)
    assert np.all(np.isfinite(base.log_prob(np.zeros([2, 3], np.float32))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: np.zeros(3)}, r"`weights` must have shape \[\.\.\., num_visible, num_hidden\]"),
        ({1: np.zeros(3)}, r"`visible_bias` must have shape \[\.\.\., 4\]"),
        ({2: np.zeros(3)}, r"`hidden_bias` must have shape \[\.\.\., 5\]"),
        ({3: np.zeros(3)}, "`scale` must be a scalar or have shape"),
        ({3: np.array(0.0)}, "`scale` must be above 0"),
        ({3: np.array(-1.0)}, "`scale` must be above 0"),
        ({3: np.array(1e-160)}, "at least 1.5e-154 in float64, below which its square underflows"),
        ({0: np.full([4, 5], np.nan)}, "`weights` must be finite"),
    ],
)
def test_errors(change, message):
    given = parameters()
    for index, value in change.items():
        given[index] = value
    with pytest.raises(ValueError, match=message):
        GaussianBernoulliRBM(*given)


def test_create_errors():
    with pytest.raises(ValueError, match="`scale` must be a finite number above 0"):
        GaussianBernoulliRBM.create(3, 4, scale=0.0)
    with pytest.raises(ValueError, match="Did you mean 'replay'"):
        GaussianBernoulliRBM.create(3, 4, sampler="reply")


def test_a_scale_that_underflows_later_is_noticed():
    given = [part.astype(np.float32) for part in parameters()]
    scale = tf.Variable(given[3])
    base = GaussianBernoulliRBM(*given[:3], scale, validate_args=True)
    base.log_prob(POINTS.astype(np.float32))
    scale.assign(1e-20 * scale)
    with pytest.raises(tf.errors.InvalidArgumentError, match="its square underflows"):
        base.log_prob(POINTS.astype(np.float32))
    with pytest.raises(ValueError, match=r"at least 1.1e-19 in float32.* Got "):
        GaussianBernoulliRBM(*given[:3], scale)


@pytest.mark.parametrize(
    ("sampler", "options", "attribute", "shape"),
    [
        ("replay", {"size": 30}, "states", [30, 3]),
        ("tempering", {"inverse_temperatures": 4}, "replicas", [4, 8, 3]),
        ("contrastive", {"num_sweeps": 2}, "units", [8, 3]),
    ],
)
def test_samplers_take_their_options(sampler, options, attribute, shape):
    base = GaussianBernoulliRBM.create(
        3, 4, sampler=sampler, num_chains=8, sampler_options=options, seed=(0, 1)
    )
    assert getattr(base.chains, attribute).shape == shape


def test_moments_are_those_of_the_explicit_mixture():
    given = parameters()
    mean, pair = moments(given)
    base = GaussianBernoulliRBM(*given)
    np.testing.assert_allclose(base.mean(), mean, rtol=1e-10)
    np.testing.assert_allclose(base.covariance(), pair - np.outer(mean, mean), rtol=1e-9)
    np.testing.assert_allclose(base.variance(), np.diag(pair) - mean**2, rtol=1e-9)
    single = GaussianBernoulliRBM(*given[:3], 0.7)
    mean, pair = moments([*given[:3], np.full(4, 0.7)])
    np.testing.assert_allclose(single.covariance(), pair - np.outer(mean, mean), rtol=1e-9)
