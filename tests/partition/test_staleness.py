"""Warnings about chains and log Z that belong to other parameters."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import GaussianBernoulliRBM, RestrictedBoltzmannMachine
from tfp_ebm.partition.staleness import values_unread

POINTS = np.sign(np.random.default_rng(0).normal(size=[4, 27]))


def machine(**options):
    """An RBM too large for sums in every evaluation, with log Z known."""
    weights, bias = map(tf.Variable, oracles.random_machine(14, 13, scale=0.1))
    base = RestrictedBoltzmannMachine(weights, bias, **options)
    base.estimate_log_partition()
    return base


def said(function):
    """The beginnings of the warnings that a call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(each.message).split(" of ")[0] for each in caught]


GRADIENT, VALUE = ["A gradient"], ["`log_prob`"]


def training_step(base, num_sweeps, **options):
    variables = [base.weights, base.bias]

    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(base.log_prob(POINTS))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)
        base.update_chains(num_sweeps, seed=(0, 1))

    return tf.function(step, autograph=False, **options) if options else step


@pytest.mark.parametrize("options", [{}, {"reduce_retracing": True}], ids=["eager", "graph"])
def test_chains_that_never_move_are_warned_about_once(options):
    states = np.sign(np.random.default_rng(1).normal(size=[32, 14]))
    still, moving = (machine(chains=mcmc.PersistentChains(states)) for _ in range(2))
    assert said(training_step(still, 0, **options)) == []
    step = training_step(still, 0, **options)
    assert said(step) == GRADIENT
    assert said(step) == []
    step = training_step(moving, 1, **options)
    assert [said(step) for _ in range(3)] == [[], [], []]


def test_weights_that_follow_are_chains_that_move():
    step = training_step(machine(), 0)
    assert [said(step) for _ in range(3)] == [[], [], []]


@pytest.mark.slow
def test_compiled_code_says_nothing_and_leaves_no_wrong_note():
    base = machine()
    step = training_step(base, 1, jit_compile=True)
    assert said(step) == [] and not base.chains.knows_parameters()
    assert said(lambda: gradient(base)) == [] and not base.are_chains_stale()


def test_compiled_code_warns_when_a_gradient_through_stale_chains_is_traced():
    chains = mcmc.PersistentChains(np.ones([8, 14]))
    base = machine(chains=chains)

    def compiled():
        return tf.function(lambda: gradient(base), autograph=False, jit_compile=True)

    assert said(compiled()) == []
    base.bias.assign_add(tf.ones_like(base.bias))
    assert said(tf.function(base.log_partition, jit_compile=True)) == []
    step = compiled()
    assert said(step) == GRADIENT
    assert said(step) == said(compiled()) == []


def test_compiled_code_says_nothing_where_it_moves_stale_chains_first():
    base = machine(chains=mcmc.PersistentChains(np.ones([8, 14])))
    base.bias.assign_add(tf.ones_like(base.bias))

    @tf.function(autograph=False, jit_compile=True)
    def move_first():
        base.update_chains(1, seed=(0, 1))
        return gradient(base)

    assert said(move_first) == []


def gradient(base):
    with tf.GradientTape() as tape:
        value = base.log_partition()
    return tape.gradient(value, base.weights)


@pytest.mark.parametrize("compiled", [False, True])
def test_values_with_a_stale_log_partition_are_warned_about_once(compiled):
    base = machine()
    log_prob = tf.function(base.log_prob) if compiled else base.log_prob
    call = lambda: log_prob(POINTS)  # noqa: E731
    assert said(call) == []
    base.weights.assign_add(0.1 * tf.ones_like(base.weights))
    assert said(call) == VALUE
    assert said(call) == []


def test_a_new_estimate_is_not_stale():
    base = machine()
    base.weights.assign_add(0.1 * tf.ones_like(base.weights))
    base.estimate_log_partition()
    assert said(lambda: base.log_prob(POINTS)) == []
    assert said(lambda: base.log_partition()) == []


def test_values_on_the_way_to_a_gradient_need_no_log_partition():
    base = machine()
    base.weights.assign_add(0.1 * tf.ones_like(base.weights))
    base.update_chains(seed=(0, 1))
    assert said(lambda: gradient(base)) == []
    assert said(lambda: tf.function(gradient)(base)) == []


def test_values_that_nobody_reads_need_no_log_partition_either():
    base = machine()
    base.weights.assign_add(0.1 * tf.ones_like(base.weights))
    with values_unread():
        assert said(lambda: base.log_prob(POINTS)) == []
    assert said(lambda: base.log_prob(POINTS)) == VALUE


def test_chains_that_start_from_the_data_need_not_move():
    start = mcmc.ContrastiveDivergence(np.ones([8, 14]))
    base = machine(chains=start)
    base.weights.assign_add(0.1 * tf.ones_like(base.weights))

    def of_data():
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(base.log_prob(POINTS))
        return tape.gradient(value, base.weights)

    assert said(of_data) == []
    assert said(lambda: gradient(base)) == GRADIENT  # Without data the kept chains stand in.


def test_chains_belong_to_where_they_last_moved():
    base = machine(chains=mcmc.PersistentChains(np.ones([8, 14])))
    assert not base.are_chains_stale()
    base.bias.assign_add(tf.ones_like(base.bias))
    assert base.are_chains_stale()
    base.update_chains(0)
    assert base.are_chains_stale()
    base.update_chains(1)
    assert not base.are_chains_stale()
    base.bias.assign_add(tf.ones_like(base.bias))
    base.chains.restart(base.machine(), (0, 1))
    assert not base.are_chains_stale()


def test_watching_changes_no_number():
    base = machine()
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            value = base.log_partition()
        first = inner.gradient(value, base.weights)

    def unwatched():
        log_marginal = base.machine().log_marginal(base.chains.units)
        relative = tf.exp(log_marginal - tf.stop_gradient(log_marginal))
        return tf.math.log(tf.reduce_sum(tf.nn.softmax(base.chains.log_weights) * relative))

    with tf.GradientTape() as plain_outer:
        with tf.GradientTape() as plain_inner:
            plain = unwatched()
        plain_first = plain_inner.gradient(plain, base.weights)
    np.testing.assert_allclose(first, plain_first, rtol=1e-12)
    np.testing.assert_allclose(
        outer.gradient(first, base.weights), plain_outer.gradient(plain_first, base.weights)
    )
    with tf.GradientTape() as tape:
        values = base.log_prob(POINTS)
    assert tape.jacobian(values, base.bias).shape == [4, 27]


def test_a_function_compiled_by_xla_around_a_density_needs_no_python():
    base = GaussianBernoulliRBM.create(3, 14, num_chains=4, sampler="persistent", seed=(0, 1))
    compiled = tf.function(base.log_prob, jit_compile=True)
    np.testing.assert_allclose(compiled(tf.ones([2, 3])), base.log_prob(tf.ones([2, 3])), rtol=1e-5)
