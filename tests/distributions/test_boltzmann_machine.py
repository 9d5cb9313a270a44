"""What all machines share: stored log Z and chains, and what becomes of them."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles, registry
from tfp_ebm.distributions import RestrictedBoltzmannMachine, SmoothedRBM
from tfp_ebm.mcmc import PersistentChains


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
    with pytest.raises(ValueError, match=r"`chains` must be spins, .* Got 0\.0"):
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
