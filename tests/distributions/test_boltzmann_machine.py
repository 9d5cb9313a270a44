"""What all machines share: stored log Z and chains, and what becomes of them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles, registry
from tfp_ebm.distributions import GaussianBernoulliRBM, RestrictedBoltzmannMachine, SmoothedRBM
from tfp_ebm.mcmc import PersistentChains, start_chains

tfb, tfd = tfp.bijectors, tfp.distributions


def with_chains(sizes=(4, 3), **kwargs):
    weights, bias = oracles.random_machine(*sizes)
    given = tf.Variable(weights), tf.Variable(bias)
    chains = PersistentChains.start(RestrictedBoltzmannMachine(*given).machine(), 8, (0, 1))
    return RestrictedBoltzmannMachine(*given, chains=chains, **kwargs), given


@pytest.mark.parametrize(
    "change",
    [
        lambda w, b: w.assign(tf.gather(w, [1, 0, 2, 3])),
        lambda w, b: w.assign(tf.gather(w, [2, 0, 1], axis=1)),
        lambda w, b: w.assign(w * [[1.0, -1.0, 1.0]] * [[1.0], [-1.0], [1.0], [1.0]]),
        lambda w, b: w.assign_add([[0.1], [0.0], [-0.1], [0.0]] * tf.ones_like(w)),
        lambda w, b: b.assign(b[::-1]),
        lambda w, b: b.assign(-b),
        lambda w, b: w[0, 0].assign(np.nextafter(float(w[0, 0]), 9.0)),
    ],
)
def test_every_change_of_a_parameter_makes_log_z_stale(change):
    base, given = with_chains()
    assert base.is_log_partition_stale()
    base.estimate_log_partition()
    assert not base.is_log_partition_stale()
    assert not tf.function(base.is_log_partition_stale)()
    before = [variable.numpy() for variable in given]
    change(*given)
    assert base.is_log_partition_stale()
    for variable, value in zip(given, before, strict=True):
        variable.assign(value)
    assert not base.is_log_partition_stale()


def test_delta_enters_in_closed_form_so_that_it_may_move():
    weights, bias = oracles.random_machine(4, 3)
    delta = tf.Variable(np.float64(3.0))
    base = SmoothedRBM(weights, bias, delta, chains=PersistentChains(np.ones([8, 4])))
    base.estimate_log_partition()
    delta.assign(3.5)
    assert not base.is_log_partition_stale()
    points = np.random.default_rng(0).normal(size=[3, 7])
    expected = oracles.smoothed_log_prob(weights, bias, 3.5, points)
    np.testing.assert_allclose(base.log_prob(points), expected, rtol=1e-10)


MACHINES = [
    "SmoothedRBM larger",
    "RestrictedBoltzmannMachine",
    "GaussianBernoulliRBM",
    "ConvolutionalRBM",
    "LabeledRBM",
    "SmoothedBoltzmannMachine block",
]


@pytest.mark.parametrize("name", MACHINES)
def test_methods_of_machines_take_arrays_and_lists(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float32)
    machine = base.machine()
    state = machine.sample_reference(4, (0, 1))
    points = base.sample(4, seed=(0, 2))
    calls = {
        "sweep": lambda s: machine.sweep(s, 0.7, (0, 3)),
        "complete": lambda s: machine.complete(s, (0, 3)),
        "log_marginal": machine.log_marginal,
        "log_marginal_increment": lambda s: machine.log_marginal_increment(s, 0.2, 0.7),
        "columns": lambda s: machine.sweep_columns(np.transpose(s), 0.7, (0, 3)),
    }
    if not hasattr(machine, "sweep_columns") or name == "LabeledRBM":
        del calls["columns"]
    if hasattr(machine, "log_visible"):
        calls["log_visible"] = machine.log_visible
    for call in calls.values():
        expected = call(state)
        for given in (state.numpy().astype(np.float64), state.numpy().tolist()):
            np.testing.assert_array_equal(call(given), expected)
    given = points.numpy().astype(np.float64)
    np.testing.assert_array_equal(
        base.chain_state(given, seed=(0, 1)), base.chain_state(points, seed=(0, 1))
    )
    if hasattr(base, "posterior") and name != "LabeledRBM":
        np.testing.assert_array_equal(base.posterior(given).mean(), base.posterior(points).mean())
    if hasattr(base, "precision") and name == "SmoothedRBM larger":
        precision = base.precision()
        np.testing.assert_array_equal(precision.matvec(given), precision.matvec(points))
        np.testing.assert_array_equal(precision.color(given), precision.color(points))


SPINS = ["SmoothedRBM", "SmoothedBoltzmannMachine", "DiscreteMixture"]


@pytest.mark.parametrize("name", SPINS)
def test_bits_for_spins_are_refused(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float64)
    for wrong in ([0.0, 1.0], [1.0, 0.5], [1, np.nan], [[1, -1], [2, 1]]):
        with pytest.raises(ValueError, match=r"`spins` must be spins, .* by `2 \* bits - 1`"):
            base.sample([3, 2], spins=wrong)
    with pytest.raises(ValueError, match=r"`spins` must have shape \[\.\.\., 2\]"):
        base.sample(3, spins=[1.0])
    right = base.sample(3, spins=[1, -1], seed=(0, 1))

    def draw(spins):
        return base.sample(3, spins=spins, seed=(0, 1))

    graph = tf.function(draw, autograph=False)
    np.testing.assert_allclose(graph(tf.constant([1.0, -1.0])), right)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`spins` must be spins"):
        graph(tf.constant([0.0, 1.0]))
    if name == "DiscreteMixture":
        compiled = tf.function(draw, autograph=False, jit_compile=True)
        assert np.isnan(compiled(tf.constant([0.0, 1.0]))[:, 0]).all()
        assert np.isfinite(compiled(tf.constant([-1.0, 1.0]))).all()


@pytest.mark.parametrize("kind", [SmoothedRBM, RestrictedBoltzmannMachine])
def test_chains_of_bits_are_refused(kind):
    given = [*oracles.random_machine(4, 3), *([3.0] if kind is SmoothedRBM else [])]
    with pytest.raises(ValueError, match="`chains` must be spins, -1 or"):
        kind(*given, chains=PersistentChains(np.eye(4)))


def second_derivatives(base, variables):
    """The diagonal blocks of the Hessian of log Z, and its gradient."""
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            value = base.log_partition()
        gradients = inner.gradient(value, variables)
    hessians = [outer.jacobian(g, v) for g, v in zip(gradients, variables, strict=True)]
    return gradients, hessians


def test_second_derivatives_by_chains_are_those_of_log_z():
    weights, bias = oracles.random_machine(3, 2)
    given = tf.Variable(weights), tf.Variable(bias)
    exact = RestrictedBoltzmannMachine(*given)
    chains = PersistentChains(exact.machine().sample_exactly(100_000, (0, 1)))
    base = RestrictedBoltzmannMachine(*given, chains=chains)
    base.estimate_log_partition()
    np.testing.assert_allclose(base.log_partition(), exact.log_partition(), rtol=1e-12)
    drawn, expected = second_derivatives(base, given), second_derivatives(exact, given)
    for one, other in zip(tf.nest.flatten(drawn), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=0.015)
    # The gradient is the plain mean over the chains.
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(base.machine().log_marginal(chains.units))
    for one, other in zip(drawn[0], tape.gradient(mean, given), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    # Without the covariance of the gradients it would be far off.
    assert np.abs(expected[1][1]).max() > 0.3


BATCHED = {
    "spins": lambda w, b, **k: RestrictedBoltzmannMachine(w, b, **k),
    "smoothed": lambda w, b, **k: SmoothedRBM(w, b, [2.9, 3.0, 3.1], **k),
    "gaussian": lambda w, b, **k: GaussianBernoulliRBM(w, b[:4], b[4:], 0.8, **k),
}


def batch_with_chains(kind, sampler="persistent", **options):
    weights = np.stack([oracles.random_machine(4, 3, seed=seed)[0] for seed in range(3)])
    bias = oracles.random_machine(4, 3)[1]
    exact = BATCHED[kind](weights, bias)
    chains = start_chains(sampler, exact.machine(), 6, (0, 1), **options)
    base = BATCHED[kind](weights, bias, chains=chains)
    base.update_chains(2, seed=(0, 2))
    base.estimate_log_partition()
    return base, exact


@pytest.mark.parametrize("kind", BATCHED)
def test_slices_hold_the_log_z_and_the_chains_of_their_members(kind):
    base, exact = batch_with_chains(kind)
    points = exact.sample(2, seed=(0, 3))[:, 0]
    expected = base.log_prob(points[:, None]).numpy()
    units = base.chains.units.numpy()
    for chosen in (np.s_[1:3], np.s_[1], np.s_[..., ::2], np.s_[:, None], np.s_[None, 0:2]):
        sliced = base[chosen]
        keys = chosen if isinstance(chosen, tuple) else (chosen,)
        after = (*keys, slice(None)) if Ellipsis in keys else keys
        np.testing.assert_array_equal(sliced.chains.units, units[(slice(None), *after)])
        value = points.numpy().reshape(2, *[1] * sliced.batch_shape.rank, -1)
        np.testing.assert_allclose(
            sliced.log_prob(value), expected[(slice(None), *keys)], rtol=1e-12
        )
        assert not sliced.is_log_partition_stale()
    sliced.update_chains(3, seed=(0, 4))
    assert sliced.sample(2, seed=(0, 5)).shape == (2, 1, 2, exact.event_shape[0])
    np.testing.assert_array_equal(base.chains.units, units)
    twice = base[:, None][1:, 0]
    np.testing.assert_allclose(twice.log_prob(points[:, None]), expected[:, 1:], rtol=1e-12)


def test_a_slice_of_what_is_stale_is_stale_and_gradients_reach_the_variables():
    weights = np.stack([oracles.random_machine(4, 3, seed=seed)[0] for seed in range(2)])
    given = tf.Variable(weights), tf.Variable(np.zeros(7))
    chains = PersistentChains.start(RestrictedBoltzmannMachine(*given).machine(), 6, (0, 1))
    base = RestrictedBoltzmannMachine(*given, chains=chains)
    with pytest.raises(ValueError, match="unknown: call"):
        base[0].log_partition()
    assert not base[0].are_chains_stale()
    base.estimate_log_partition()
    with tf.GradientTape() as tape:
        log_partition = base[1].log_partition()
    gradient = tf.convert_to_tensor(tape.gradient(log_partition, given[0])).numpy()
    assert np.all(gradient[0] == 0) and np.all(gradient[1] != 0)
    given[1].assign_add(np.ones(7))
    assert base[0].is_log_partition_stale() and base[0].are_chains_stale()
    base.update_chains()
    assert base[0].is_log_partition_stale() and not base[0].are_chains_stale()


@pytest.mark.parametrize(
    ("sampler", "options", "names"),
    [
        ("persistent", {}, ["units"]),
        ("replay", {"size": 9, "reinitialization_rate": 0.2}, ["units", "states"]),
        ("tempering", {"inverse_temperatures": [0.0, 0.3, 1.0]}, ["units", "replicas"]),
        ("contrastive", {"num_sweeps": 2}, ["units"]),
    ],
)
def test_slices_keep_the_kind_of_chains(sampler, options, names):
    base, _ = batch_with_chains("spins", sampler, **options)
    sliced = base[1:]
    assert type(sliced.chains) is type(base.chains)
    for name in names:
        whole, part = getattr(base.chains, name), getattr(sliced.chains, name)
        np.testing.assert_array_equal(part, whole[..., 1:, :])
    private = {
        key: value for key, value in vars(base.chains).items() if key in ("_rate", "_num_sweeps")
    }
    assert all(getattr(sliced.chains, key) == value for key, value in private.items())
    sliced.update_chains(2, seed=(0, 1))
    assert base.chains.units.shape == [6, 3, 4] and sliced.chains.units.shape == [6, 2, 4]


def test_a_flow_of_a_machine_with_chains_is_sliced():
    base, exact = batch_with_chains("smoothed")
    points = exact.sample(2, seed=(0, 3))[:, 0]
    one = base[1]
    for scale, machine in (([1.0, 2.0, 3.0], base), ([1.0, 2.0], one)):
        flow = tfb.Scale(np.array(scale)[:, None])
        density = tfd.TransformedDistribution(machine, flow)
        expected = density.log_prob(points[:, None])
        np.testing.assert_allclose(density[1].log_prob(points), expected[:, 1], rtol=1e-12)
        np.testing.assert_allclose(
            density[None, 1:].log_prob(points[:, None, None])[:, 0], expected[:, 1:], rtol=1e-12
        )


def test_samples_have_no_gradient():
    weights, bias = map(tf.Variable, oracles.random_machine(4, 3))
    exact = GaussianBernoulliRBM(weights, bias[:4], bias[4:], 0.8)
    by_chains = GaussianBernoulliRBM(
        weights, bias[:4], bias[4:], 0.8, chains=PersistentChains(np.ones([8, 4]))
    )
    for base in (exact, by_chains):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(base.sample(5, seed=(0, 1)) ** 2)
        assert tape.gradient(total, weights) is None


def test_copies_of_the_same_parameters_share_chains_and_log_z():
    base, given = with_chains()
    copied = base.copy(name="other")
    assert copied.chains is base.chains
    base.estimate_log_partition()
    np.testing.assert_array_equal(copied.log_partition(), base.log_partition())
    given[1].assign_add(np.ones(7))
    copied.estimate_log_partition()
    assert not base.is_log_partition_stale()
    large = RestrictedBoltzmannMachine(np.zeros([13, 14]), np.zeros(27))
    large.estimate_log_partition()
    same, other = large.copy(validate_args=True), large.copy(bias=np.ones(27))
    assert same.chains is large.chains and same.log_partition() == large.log_partition()
    assert other.chains is not large.chains and other.is_log_partition_stale()
    assert base.copy(bias=np.ones(7)).chains is None  # Those given belong to other parameters.
    assert large.copy(chains=other.chains).chains is other.chains


def test_machines_with_variables_are_not_made_inside_functions():
    with pytest.raises(ValueError, match=r"more than 12 .*here 13.*construct it outside"):
        tf.function(lambda: RestrictedBoltzmannMachine(np.zeros([13, 14]), np.zeros(27)).sample())()
    base, _ = batch_with_chains("spins")
    with pytest.raises(ValueError, match=r"with `chains`, .* construct it outside"):
        tf.function(lambda: base[1].sample())()
