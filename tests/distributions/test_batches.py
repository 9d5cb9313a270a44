"""Parameters of any batch shapes that broadcast, and slices of them, against every member alone."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import distributions, mcmc, partition

RNG = np.random.default_rng(0)


def gaussian(weights, visible_bias, hidden_bias, scale, points):
    scale = np.broadcast_to(scale, visible_bias.shape)
    return oracles.gaussian_bernoulli_log_prob(weights, visible_bias, hidden_bias, scale, points)


def mixture(bias, delta, points):
    uncoupled = np.zeros([1, len(bias) - 1])
    return oracles.smoothed_log_prob(uncoupled, bias, delta, points)


def normal(weights, delta, points):
    matrix = oracles.precision(weights, delta)
    quadratic = np.einsum("pi,ij,pj->p", points, matrix, points)
    constant = np.linalg.slogdet(matrix)[1] - len(matrix) * np.log(2 * np.pi)
    return 0.5 * (constant - quadratic)


def spins(weights, bias, points):
    log_weights = oracles.spin_log_weights(weights, bias, points)
    return log_weights - oracles.spin_log_partition(weights, bias)


def bits(weights, bias, points):
    matrix, states = oracles.coupling_matrix(weights), (oracles.all_states(len(bias)) + 1) / 2

    def log_weight(s):
        return 0.5 * np.einsum("si,ij,sj->s", s, matrix, s) + s @ bias

    return log_weight(points) - np.logaddexp.reduce(log_weight(states))


def labeled(weights, visible_bias, hidden_bias, label_weights, label_bias, scale, points):
    """log sum_y p(v, y): one machine for each label, weighed by its own partition function."""
    parts = [
        (d + gaussian_log_partition(weights, visible_bias, hidden_bias + v, scale),
         gaussian(weights, visible_bias, hidden_bias + v, scale, points))
        for v, d in zip(label_weights, label_bias, strict=True)
    ]  # fmt: skip
    share = np.array([part[0] for part in parts])
    share -= np.logaddexp.reduce(share)
    return np.logaddexp.reduce([s + part[1] for s, part in zip(share, parts, strict=True)])


def gaussian_log_partition(weights, visible_bias, hidden_bias, scale):
    hidden = (oracles.all_states(len(hidden_bias)) + 1) / 2
    pushed = hidden @ weights.T
    terms = hidden @ hidden_bias + pushed @ (visible_bias / scale) + 0.5 * (pushed**2).sum(-1)
    return np.logaddexp.reduce(terms)  # Without the Gaussian volume, which all labels share.


# Names of the parameters with the shapes of one member; the class; the oracle of one member.
W = ("weights", (2, 3))
CASES = {
    "GaussianBernoulliRBM": (
        [W, ("visible_bias", (2,)), ("hidden_bias", (3,)), ("scale", (2,))],
        gaussian,
    ),
    "GaussianBernoulliRBM one scale": (
        [W, ("visible_bias", (2,)), ("hidden_bias", (3,)), ("scale", (1,))],
        gaussian,
    ),
    "LabeledRBM": (
        [
            *(W, ("visible_bias", (2,)), ("hidden_bias", (3,))),
            *(("label_weights", (2, 3)), ("label_bias", (2,)), ("scale", (2,))),
        ],
        labeled,
    ),
    "SmoothedRBM": ([W, ("bias", (5,)), ("delta", ())], oracles.smoothed_log_prob),
    "SmoothedBoltzmannMachine": (
        [("factor", (3, 3)), ("bias", (3,))],
        oracles.smoothed_boltzmann_log_prob,
    ),
    "RestrictedBoltzmannMachine": ([W, ("bias", (5,))], spins),
    "RestrictedBoltzmannMachine binary": ([W, ("bias", (5,))], bits),
    "DiscreteMixture": ([("bias", (3,)), ("delta", ())], mixture),
    "BipartiteNormal": ([W, ("delta", ())], normal),
}


def draw(name, shape):
    """A parameter of this shape in its allowed range."""
    if name == "delta":
        return RNG.uniform(2.6, 3.4, size=shape)
    if name == "scale":
        return RNG.uniform(0.6, 1.4, size=shape)
    value = 0.4 * RNG.normal(size=shape)
    if name == "factor":
        value = np.tril(value, -1) + RNG.uniform(0.9, 1.5, size=shape) * np.eye(shape[-1])
    return value


def make(case, batch_shapes):
    shapes, _ = CASES[case]
    values = {
        name: draw(name, (*batch, *event))
        for (name, event), batch in zip(shapes, batch_shapes, strict=True)
    }
    options = {"binary": True} if "binary" in case else {}
    return getattr(distributions, case.split()[0])(**values, **options), list(values.values())


def member(case, values, batch_shape, index):
    """The parameters of one member."""
    return [
        np.broadcast_to(value, (*batch_shape, *event))[index]
        for value, (_, event) in zip(values, CASES[case][0], strict=True)
    ]


def points_for(case, base, count=4):
    points = RNG.normal(size=[count, base.event_shape[0]])
    if "Restricted" in case:
        points = (points > 0) if "binary" in case else np.sign(points)
    return np.asarray(points, np.float64)


def along_batch(points, rank):
    return points.reshape(len(points), *[1] * rank, -1)


def subsets(case, batch_shape, most=None):
    """Ways to give some of the parameters the batch shape or a part of it, or `most` of them."""
    parts = [(), batch_shape]
    if len(batch_shape) == 2:
        parts += [batch_shape[1:], (batch_shape[0], 1)]
    found = itertools.product(parts, repeat=len(CASES[case][0]))
    found = [f for f in found if np.broadcast_shapes(*f) == batch_shape]
    return found if most is None else [found[i] for i in RNG.permutation(len(found))[:most]]


def check(case, batch_shape, batch_shapes):
    base, values = make(case, batch_shapes)
    assert base.batch_shape == batch_shape
    points = points_for(case, base)
    log_prob = base.log_prob(along_batch(points, len(batch_shape)))
    assert log_prob.shape == (4, *batch_shape)
    assert base.log_partition().shape == batch_shape
    if hasattr(base, "min_eigenvalue"):
        assert base.min_eigenvalue().shape == batch_shape
    expected = np.empty_like(log_prob)
    for index in np.ndindex(batch_shape):
        given = member(case, values, batch_shape, index)
        expected[(slice(None), *index)] = CASES[case][1](*given, points)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    np.testing.assert_allclose(base.log_prob(points[0]), expected[0], rtol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_every_subset_of_the_parameters_may_have_the_batch(case):
    # As many members as there are states of the layer that is enumerated.
    batch_shape = (8,) if "Gaussian" in case or "Labeled" in case else (4,)
    for batch_shapes in subsets(case, batch_shape, most=16):
        check(case, batch_shape, batch_shapes)


@pytest.mark.parametrize("batch_shape", [(3,), (2, 3)])
@pytest.mark.parametrize("case", CASES)
def test_batches_of_other_sizes_and_ranks(case, batch_shape):
    for batch_shapes in subsets(case, batch_shape, most=2):
        check(case, batch_shape, batch_shapes)


def mixed(case, batch_shape=(2, 3)):
    """Batch shapes that differ from parameter to parameter, and that broadcast."""
    parts = [(batch_shape[0], 1), batch_shape[1:], (), (1, 1), (1,), batch_shape]
    return parts[: len(CASES[case][0])]


@pytest.mark.parametrize("case", CASES)
def test_gradients_reach_every_parameter_of_a_batch(case):
    batch_shape = (2, 3)
    base, values = make(case, mixed(case))
    points = points_for(case, base, 2)
    names = [name for name, _ in CASES[case][0]]
    variables = [tf.Variable(value) for value in values]
    options = {"binary": True} if "binary" in case else {}
    with tf.GradientTape() as tape:
        base = type(base)(**dict(zip(names, variables, strict=True)), **options)
        total = tf.reduce_sum(base.log_prob(along_batch(points, 2)))
    gradients = tape.gradient(total, variables)

    def oracle(position, value):
        changed = [*values[:position], value, *values[position + 1 :]]
        members = [member(case, changed, batch_shape, i) for i in np.ndindex(batch_shape)]
        return sum(np.sum(CASES[case][1](*given, points)) for given in members)

    for position, gradient in enumerate(gradients):
        expected = oracles.central_differences(
            lambda value, position=position: oracle(position, value), values[position]
        )
        gradient = tf.convert_to_tensor(gradient).numpy()
        if names[position] == "factor":
            gradient, expected = np.tril(gradient), np.tril(expected)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_members_are_sampled_apart_with_their_own_moments(case):
    batch_shapes = [()] * len(CASES[case][0])
    for position in range(len(batch_shapes)):
        one = [(2,) if i == position else () for i in range(len(batch_shapes))]
        base, values = make(case, one)
        sample = base.sample(4_000, seed=(0, 1)).numpy()
        assert sample.shape == (4_000, 2, *base.event_shape)
        for index in range(2):
            alone = type(base)(
                *member(case, values, (2,), (index,)),
                **({"binary": True} if "binary" in case else {}),
            ).sample(40_000, seed=(0, 2)).numpy()  # fmt: skip
            pair = np.einsum("ni,nj->ij", alone, alone) / len(alone)
            assert oracles.within_standard_errors(sample[:, index], alone.mean(0), pair, 5.0)
        centred = sample - sample.mean(0)
        correlation = np.mean(centred[:, 0] * centred[:, 1], 0) / np.prod(sample.std(0), axis=0)
        assert np.abs(correlation).max() < 5 / np.sqrt(4_000)


def test_spins_of_members_that_differ_in_delta_alone_are_drawn_apart():
    weights, bias = oracles.random_machine(3, 2, scale=0.1)
    base = distributions.SmoothedRBM(weights, 0 * bias, delta=[200.0] * 4)
    signs = np.sign(base.sample(500, seed=(0, 1)))
    assert 0.4 < np.mean(signs[:, 0] == signs[:, 1]) < 0.6


@pytest.mark.parametrize("case", [c for c in CASES if "Smoothed" in c or "Gaussian" in c])
def test_posteriors_of_a_batch(case):
    base, values = make(case, mixed(case))
    points = points_for(case, base)
    mean = base.posterior(along_batch(points, 2)).mean()
    for index in np.ndindex(2, 3):
        alone = type(base)(*member(case, values, (2, 3), index))
        np.testing.assert_allclose(mean[(slice(None), *index)], alone.posterior(points).mean())


CLOSED_FORMS = ("mean", "variance", "covariance", "entropy")


@pytest.mark.parametrize("case", CASES)
def test_closed_forms_of_a_batch(case):
    base, values = make(case, mixed(case))
    options = {"binary": True} if "binary" in case else {}
    alone = {
        index: type(base)(*member(case, values, (2, 3), index), **options)
        for index in np.ndindex(2, 3)
    }
    implemented = 0
    for name in CLOSED_FORMS:
        try:
            actual = getattr(base, name)()
        except NotImplementedError:
            continue
        implemented += 1
        assert actual.shape[:2] == (2, 3)
        for index, one in alone.items():
            np.testing.assert_allclose(actual[index], getattr(one, name)(), rtol=1e-9, atol=1e-12)
    assert implemented >= 3


SLICES = [
    np.s_[:, 1:], np.s_[:, None], np.s_[..., -1], np.s_[None], np.s_[1, ::2], np.s_[0, 2]
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_slices_keep_the_values_of_their_members(case):
    base, _ = make(case, mixed(case))
    points = points_for(case, base)
    expected = base.log_prob(along_batch(points, 2)).numpy()
    rows = np.moveaxis(expected, 0, -1)
    for chosen in SLICES:
        keys = chosen if isinstance(chosen, tuple) else (chosen,)
        wanted = rows[(*keys, slice(None)) if Ellipsis in keys else keys]
        sliced = base[chosen]
        assert sliced.batch_shape == wanted.shape[:-1]
        actual = sliced.log_prob(along_batch(points, wanted.ndim - 1))
        np.testing.assert_allclose(np.moveaxis(actual, 0, -1), wanted, rtol=1e-10)
    again = base[:, 1:][1, np.newaxis].log_prob(along_batch(points, 2))
    np.testing.assert_allclose(again, expected[:, 1:2, 1:], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "compiled"),
    [
        *((case, False) for case in CASES),
        ("SmoothedRBM", True),
        *(pytest.param(c, True, marks=pytest.mark.slow) for c in CASES if c != "SmoothedRBM"),
    ],
)
def test_batch_shapes_that_are_known_at_run_time_alone(case, compiled):
    base, values = make(case, mixed(case))
    points = points_for(case, base)
    names = [name for name, _ in CASES[case][0]]
    options = {"binary": True} if "binary" in case else {}
    signature = [
        tf.TensorSpec([None] * (v.ndim - len(e)) + [*e], tf.float64)
        for v, (_, e) in zip(values, CASES[case][0], strict=True)
    ]

    @tf.function(autograph=False, jit_compile=compiled, input_signature=signature)
    def evaluate(*parameters):
        made = type(base)(**dict(zip(names, parameters, strict=True)), **options)
        return made.log_prob(along_batch(points, 2)), made.sample(3, seed=(0, 1))

    log_prob, sample = evaluate(*values)
    np.testing.assert_allclose(log_prob, base.log_prob(along_batch(points, 2)), rtol=1e-10)
    assert sample.shape == (3, 2, 3, *base.event_shape)


@pytest.mark.parametrize(
    ("case", "sampler"),
    [
        *((c, "persistent") for c in CASES if "Mixture" not in c and "Normal" not in c),
        *(("SmoothedBoltzmannMachine", s) for s in ("tempering", "contrastive")),
        ("RestrictedBoltzmannMachine", "contrastive"),
    ],
)
def test_chains_and_estimates_of_a_batch(case, sampler):
    exact, values = make(case, mixed(case))
    options = {"binary": True} if "binary" in case else {}
    machine = exact.machine()
    chains = mcmc.start_chains(sampler, machine, 30, (0, 1))
    state_size = chains.units.shape[-1]
    assert chains.units.shape == [30, 2, 3, state_size]
    base = type(exact)(*map(tf.constant, values), chains=chains, **options)
    base.update_chains(3, seed=(0, 2))
    base.estimate_log_partition()
    assert not base.is_log_partition_stale()
    points = along_batch(points_for(case, base), 2)
    np.testing.assert_allclose(base.log_prob(points), exact.log_prob(points), rtol=1e-10)
    with tf.GradientTape() as tape:
        tape.watch(base.parameters[CASES[case][0][0][0]])
        total = tf.reduce_sum(base.log_prob(points))
    gradient = tape.gradient(total, base.parameters[CASES[case][0][0][0]])
    assert gradient.shape == values[0].shape and np.all(np.isfinite(gradient))
    if sampler == "persistent":
        estimate = partition.annealed_importance_sampling(base, 400, 30, seed=(0, 3))
        assert estimate.value.shape == (2, 3)
        error = np.abs(estimate.value - exact.log_partition())
        np.testing.assert_array_less(error, 5 * estimate.standard_error + 1e-3)
        reverse = partition.reverse_annealing(base, points, 5, 20, seed=(0, 4))
        assert reverse.value.shape == (4, 2, 3)


@pytest.mark.parametrize("case", CASES)
def test_batch_shapes_that_do_not_broadcast_are_named(case):
    names = [name for name, _ in CASES[case][0]]
    shapes = [(4,), (3,), *[()] * (len(names) - 2)]
    message = rf"`{names[0]}` \[4\], `{names[1]}` \[3\]"
    with pytest.raises(ValueError, match=message):
        make(case, shapes)
