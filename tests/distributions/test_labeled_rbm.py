import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

from tests import oracles, registry
from tfp_ebm import partition
from tfp_ebm.distributions import Dequantized, GaussianBernoulliRBM, LabeledRBM
from tfp_ebm.mcmc import PersistentChains, block_gibbs

test_conformance = registry.conformance("LabeledRBM")

NAMES = ("weights", "visible_bias", "hidden_bias", "label_weights", "label_bias", "scale")


def parameters(num_visible=2, num_hidden=8, num_classes=3, seed=3):
    rng = np.random.default_rng(seed)
    return {
        "weights": 0.5 * rng.normal(size=[num_visible, num_hidden]),
        "visible_bias": 0.5 * rng.normal(size=num_visible),
        "hidden_bias": 0.5 * rng.normal(size=num_hidden),
        "label_weights": 0.5 * rng.normal(size=[num_classes, num_hidden]),
        "label_bias": 0.3 * rng.normal(size=num_classes),
        "scale": rng.uniform(0.6, 1.4, size=num_visible),
    }


def joint(given, points):
    """log p(v, y) by sums over all hidden states of normal densities, [points, labels]."""
    hidden = (oracles.all_states(len(given["hidden_bias"])) + 1) / 2
    scale = given["scale"]
    pushed = hidden @ given["weights"].T
    log_weights = (
        (hidden @ given["hidden_bias"])[:, None]
        + hidden @ given["label_weights"].T
        + given["label_bias"]
        + (pushed @ (given["visible_bias"] / scale) + (pushed**2).sum(-1) / 2)[:, None]
    )
    log_weights -= logsumexp(log_weights)
    log_scale = np.log(np.sqrt(2 * np.pi) * scale).sum()
    blocks = []
    for block in np.array_split(points, 1 + len(points) // 64):
        residual = (block[:, None] - given["visible_bias"] - scale * pushed) / scale
        gaussian = -0.5 * (residual**2).sum(-1) - log_scale
        blocks.append(logsumexp(gaussian[:, :, None] + log_weights, axis=1))
    return np.concatenate(blocks)


# Sums over this grid are exact for Gaussians whose deviation exceeds its step.
GRID = np.stack(np.meshgrid(*[np.linspace(-11, 11, 56)] * 2), axis=-1).reshape(-1, 2)
CELL = 0.4**2
POINTS = np.random.default_rng(1).normal(size=[6, 2])


def test_joint_marginal_and_label_posterior_against_enumeration():
    given = parameters()
    base = LabeledRBM(**given)
    expected = joint(given, POINTS)
    for label in range(3):
        np.testing.assert_allclose(base.log_prob(POINTS, labels=label), expected[:, label])
    np.testing.assert_allclose(base.log_prob(POINTS), logsumexp(expected, axis=1))
    posterior = np.exp(expected - logsumexp(expected, axis=1, keepdims=True))
    np.testing.assert_allclose(base.label_posterior(POINTS).probs_parameter(), posterior)
    labels = [0, -1, 2, 1, -1, 0]
    mixed = [logsumexp(row) if y < 0 else row[y] for row, y in zip(expected, labels, strict=True)]
    np.testing.assert_allclose(base.log_prob(POINTS, labels=labels), mixed)
    np.testing.assert_allclose(
        tf.function(base.log_prob)(tf.constant(POINTS), labels=tf.constant(labels)), mixed
    )


def test_densities_of_all_labels_integrate_to_1():
    base = LabeledRBM(**parameters())
    totals = [CELL * np.exp(base.log_prob(GRID, labels=y)).sum() for y in range(3)]
    np.testing.assert_allclose(sum(totals), 1, atol=1e-6)
    assert min(totals) > 0.01
    np.testing.assert_allclose(CELL * np.exp(base.log_prob(GRID)).sum(), 1, atol=1e-6)


def test_without_label_couplings_the_points_are_those_of_the_plain_machine():
    given = parameters()
    given["label_weights"] *= 0
    plain = {k: v for k, v in given.items() if not k.startswith("label")}
    np.testing.assert_allclose(
        LabeledRBM(**given).log_prob(POINTS), GaussianBernoulliRBM(**plain).log_prob(POINTS)
    )


@pytest.mark.parametrize("name", NAMES)
def test_gradients_against_differences_of_the_enumeration(name):
    given = parameters()
    labels = np.array([0, -1, 2, 1, -1, 0])
    variables = {key: tf.Variable(value) for key, value in given.items()}
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(LabeledRBM(**variables).log_prob(POINTS, labels=labels))

    def oracle(value):
        table = joint({**given, name: value}, POINTS)
        known = table[np.arange(6), labels]
        return np.where(labels < 0, logsumexp(table, axis=1), known).mean()

    expected = oracles.central_differences(oracle, given[name])
    actual = tf.convert_to_tensor(tape.gradient(mean, variables[name]))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-8)


def conditional_moments(given, label, grid=GRID, table=None):
    """Mean and pair products of v given the label (None: of all labels), by quadrature."""
    table = joint(given, grid) if table is None else table
    log_density = logsumexp(table, axis=1) if label is None else table[:, label]
    share = np.exp(log_density - logsumexp(log_density))
    return share @ grid, np.einsum("n,ni,nj->ij", share, grid, grid)


@pytest.mark.parametrize("label", [None, 0, 2])
def test_samples_have_the_moments_of_their_label(label):
    given = parameters()
    base = LabeledRBM(**given)
    kwargs = {} if label is None else {"labels": label}
    sample = base.sample(40_000, seed=(0, 1), **kwargs)
    assert oracles.within_standard_errors(sample, *conditional_moments(given, label))
    assert not oracles.within_standard_errors(sample, *conditional_moments(given, 1))


@pytest.mark.slow
def test_chains_give_the_joint_and_samples_given_a_label():
    given = parameters(num_hidden=13, seed=2)
    start = LabeledRBM(**given).machine().sample_reference(40_000, (0, 1))
    base = LabeledRBM(**given, chains=PersistentChains(start), num_gibbs_steps=40)
    base.update_chains(60, seed=(0, 2))
    states, table = base.chains.units.numpy(), joint(given, GRID)
    moments = conditional_moments(given, None, table=table)
    assert oracles.within_standard_errors(states[:, :2], *moments)
    share = np.exp(logsumexp(table, axis=0))
    share /= share.sum()
    frequency = states[:, 2:].mean(axis=0)
    assert np.all(np.abs(frequency - share) < 4 * np.sqrt(share * (1 - share) / 40_000))
    drawn = base.sample(20_000, seed=(0, 3), labels=2)
    assert oracles.within_standard_errors(drawn, *conditional_moments(given, 2, table=table))
    exact = partition.enumerate_log_partition(base).value
    estimate = partition.annealed_importance_sampling(base, 512, 200, seed=(0, 4))
    assert abs(estimate.value - exact) < 4 * estimate.standard_error + 1e-3
    base.estimate_log_partition()
    bounds = base.log_prob_bounds(drawn[:200], num_steps=200, seed=(0, 5))
    assert abs(float(tf.reduce_mean(bounds.upper - bounds.lower))) < 0.3


def test_chains_given_a_label_start_where_weights_and_label_point(monkeypatch):
    given = parameters(num_hidden=13, seed=2)
    base = LabeledRBM(**given)
    is_heavy = np.arange(base.chains.num_chains) % 2 == 0
    base.chains.log_weights.assign(np.where(is_heavy, 0.0, -100.0))
    monkeypatch.setattr("tfp_ebm.mcmc.block_gibbs.run", lambda machine, start, *rest: start)
    starts = base.sample(4000, seed=(0, 1), labels=2).numpy()
    points = base.chains.units.numpy()[is_heavy, :2]
    assert np.isin(starts[:, 0], points[:, 0]).all()
    table = joint(given, points)
    share = np.exp(table[:, 2] - logsumexp(table, axis=1))
    share /= share.sum()
    mean, pair = share @ points, np.einsum("n,ni,nj->ij", share, points, points)
    assert oracles.within_standard_errors(starts, mean, pair)


@pytest.mark.slow
def test_persistent_gradient_is_the_enumerated_one():
    given = parameters()
    variables = {key: tf.Variable(value) for key, value in given.items()}
    exact = LabeledRBM(**variables)
    machine = exact.machine()
    states = block_gibbs.run(machine, machine.sample_reference(60_000, (0, 1)), 60, seed=(0, 2))
    groups = []
    for part in tf.split(states, 20):
        base = LabeledRBM(**variables, chains=PersistentChains(part))
        base.estimate_log_partition()
        with tf.GradientTape() as tape:
            value = base.log_partition()
        groups.append(tape.gradient(value, list(variables.values())))
    with tf.GradientTape() as tape:
        value = exact.log_partition()
    expected = tape.gradient(value, list(variables.values()))
    for name, gradient, *parts in zip(NAMES, expected, *groups, strict=True):
        error = np.std(parts, axis=0) / np.sqrt(19)
        assert np.all(np.abs(np.mean(parts, axis=0) - gradient) < 5 * error + 1e-9), name


def test_labels_pass_through_flow_and_dequantization():
    base = LabeledRBM(**parameters())
    density = tfp.distributions.TransformedDistribution(base, tfp.bijectors.Scale(np.float64(2.0)))
    kwargs = {"distribution_kwargs": {"labels": [0, 1, 2, -1, 1, 0]}}
    expected = base.log_prob(POINTS / 2, labels=[0, 1, 2, -1, 1, 0]) - 2 * np.log(2)
    np.testing.assert_allclose(density.log_prob(POINTS, **kwargs), expected)
    model = Dequantized(density, num_levels=5)
    pixels = np.array([[0, 1], [4, 2], [3, 3], [0, 0], [1, 2], [2, 4]], np.uint8)
    noisy = model.log_prob(pixels, seed=(0, 1), **kwargs)
    other = model.log_prob(pixels, seed=(0, 1), distribution_kwargs={"labels": 1})
    same = np.array([0, 1, 0, 0, 1, 0], bool)
    np.testing.assert_array_equal(np.isclose(noisy, other), same)
    tighter = model.importance_log_prob(pixels, 20, seed=(0, 1), **kwargs)
    assert tighter.shape == [6] and np.all(np.isfinite(tighter))
    drawn = model.sample([4, 3], seed=(0, 1), distribution_kwargs={"labels": [0, 1, 2]})
    assert drawn.shape == [4, 3, 2]


def test_a_label_for_each_sample():
    base = LabeledRBM(**parameters())
    labels = [0, 2]
    drawn = base.sample([20_000, 2], seed=(0, 1), labels=labels).numpy()
    for column, label in enumerate(labels):
        expected = conditional_moments(parameters(), label)
        assert oracles.within_standard_errors(drawn[:, column], *expected)


def test_hidden_posterior_given_the_label():
    given = parameters()
    field = POINTS / given["scale"] @ given["weights"] + given["hidden_bias"]
    expected = 1 / (1 + np.exp(-(field + given["label_weights"][1])))
    np.testing.assert_allclose(LabeledRBM(**given).posterior(POINTS, 1).mean(), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda base: base.log_prob(POINTS, labels=3), r"between -1, .* = 2, got 3"),
        (lambda base: base.log_prob(POINTS, labels=-2), "got -2"),
        (lambda base: base.log_prob(POINTS, labels=0.5), "`labels` must be integers, got float32"),
        (lambda base: base.sample(2, labels=-1), "a label is needed here, .* got -1"),
        (lambda base: base.sample(2, labels=[0, 5]), "got 5"),
        (lambda base: base.posterior(POINTS, -1), "a label is needed here"),
    ],
)
def test_label_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(LabeledRBM(**parameters()))


def test_labels_are_checked_in_graphs():
    base = LabeledRBM(**parameters())
    with pytest.raises(tf.errors.InvalidArgumentError, match="`labels` must lie between -1"):
        tf.function(base.log_prob)(tf.constant(POINTS), labels=tf.constant([0, 1, 2, 3, 0, 0]))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights", np.zeros(3), r"`weights` must have shape \[\.\.\., num_visible, num_hidden\]"),
        (
            "label_weights",
            np.zeros([3, 7]),
            r"`label_weights` must have shape \[\.\.\., num_classes, 8\]",
        ),
        ("label_bias", np.zeros(2), r"`label_bias` must have shape \[\.\.\., 3\]"),
        ("label_weights", np.full([3, 8], np.nan), "`label_weights` must be finite"),
        ("scale", np.array(0.0), "`scale` must be above 0"),
    ],
)
def test_errors(name, value, message):
    with pytest.raises(ValueError, match=message):
        LabeledRBM(**{**parameters(), name: value})


def test_create_errors():
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2"):
        LabeledRBM.create(3, 4, 1)


def batch_of_two(num_hidden=4):
    """Two machines that share all but W, V and the label biases; and each of them."""
    first, other = (parameters(num_hidden=num_hidden, seed=seed) for seed in (3, 4))
    batched = ("weights", "label_weights", "label_bias")
    second = {**first, **{name: other[name] for name in batched}}
    together = {**first, **{name: np.stack([first[name], second[name]]) for name in batched}}
    return together, [first, second]


def test_labels_for_every_member_of_a_batch():
    together, members = batch_of_two()
    base = LabeledRBM(**together)
    labels = np.array([[0, 2], [1, -1], [2, 0], [-1, -1], [0, 0], [1, 2]])
    actual = base.log_prob(POINTS[:, None], labels=labels)
    probabilities = base.label_posterior(POINTS[:, None]).probs_parameter()
    known = np.maximum(labels, 0)
    hidden = base.posterior(POINTS[:, None], known).mean()
    drawn = base.sample(20_000, seed=(0, 1), labels=[2, 0]).numpy()
    for index, given in enumerate(members):
        alone = LabeledRBM(**given)
        np.testing.assert_allclose(
            actual[:, index], alone.log_prob(POINTS, labels=labels[:, index])
        )
        table = joint(given, POINTS)
        share = np.exp(table - logsumexp(table, axis=1, keepdims=True))
        np.testing.assert_allclose(probabilities[:, index], share)
        expected = alone.posterior(POINTS, known[:, index]).mean()
        np.testing.assert_allclose(hidden[:, index], expected)
        label = [2, 0][index]
        assert oracles.within_standard_errors(drawn[:, index], *conditional_moments(given, label))


def test_chains_of_a_batch_sample_given_labels():
    together, members = batch_of_two()
    start = LabeledRBM(**together).machine().sample_reference(20_000, (0, 1))
    assert start.shape == (20_000, 2, 5)
    base = LabeledRBM(**together, chains=PersistentChains(start), num_gibbs_steps=20)
    base.update_chains(40, seed=(0, 2))
    drawn = base.sample(10_000, seed=(0, 3), labels=[2, 0]).numpy()
    for index, given in enumerate(members):
        states = base.chains.units.numpy()[:, index]
        assert oracles.within_standard_errors(states[:, :2], *conditional_moments(given, None))
        if index == 0:  # Chains are drawn from 20,000 alone.
            expected = conditional_moments(given, 2)
            assert oracles.within_standard_errors(drawn[:, index], *expected)


@pytest.mark.slow
def test_labels_out_of_range_are_nan_under_xla():
    base = LabeledRBM(**parameters(num_hidden=4))
    labels = tf.constant([0, 3, -1, -2, 2, 1])
    compiled = tf.function(base.log_prob, jit_compile=True)
    wrong = [False, True, False, True, False, False]
    np.testing.assert_array_equal(np.isnan(compiled(tf.constant(POINTS), labels=labels)), wrong)

    @tf.function(jit_compile=True)
    def draw(labels):
        return base.sample(6, seed=(0, 1), labels=labels), base.posterior(POINTS, labels).mean()

    for rows in draw(tf.constant([0, 3, 1, -2, 2, 1])):
        np.testing.assert_array_equal(np.isnan(rows).all(-1), wrong)
        np.testing.assert_array_equal(np.isnan(rows).any(-1), wrong)


@pytest.mark.slow
def test_samples_by_chains_given_labels_out_of_range_are_nan_under_xla():
    given = parameters(num_hidden=13)
    base = LabeledRBM(**given, chains=PersistentChains(np.eye(5)[:2]), num_gibbs_steps=1)
    draw = tf.function(lambda y: base.sample(2, seed=(0, 1), labels=y), jit_compile=True)
    np.testing.assert_array_equal(np.isnan(draw(tf.constant([1, 3]))), [[False] * 2, [True] * 2])


def test_moments_are_those_of_the_quadrature():
    given = parameters()
    mean, pair = conditional_moments(given, None)
    base = LabeledRBM(**given)
    np.testing.assert_allclose(base.mean(), mean, rtol=1e-6)
    np.testing.assert_allclose(base.covariance(), pair - np.outer(mean, mean), rtol=1e-5)
