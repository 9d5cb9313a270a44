import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import distributions
from tfp_ebm.internal.fingerprint import UNKNOWN, _add_up, fingerprint, has_changed
from tfp_ebm.machines.spin_machine import SpinMachine

WEIGHTS = np.random.default_rng(0).normal(size=[5, 4]).astype(np.float32)
BIAS = np.random.default_rng(1).normal(size=[4])


def of(*arrays):
    return tuple(fingerprint([tf.constant(array) for array in arrays]).numpy())


def changed(index, value):
    weights = WEIGHTS.copy()
    weights[index] = value
    return weights


@pytest.mark.parametrize(
    "other",
    [
        (WEIGHTS[::-1], BIAS),
        (WEIGHTS[:, ::-1], BIAS),
        (-WEIGHTS, BIAS),
        (WEIGHTS, BIAS[::-1]),
        (WEIGHTS.T, BIAS),
        (BIAS, WEIGHTS),
        (changed((2, 3), np.nextafter(WEIGHTS[2, 3], np.float32(9))), BIAS),
        (changed(([0, 4], 1), WEIGHTS[[4, 0], 1]), BIAS),
        (changed(([0, 1], 0), WEIGHTS[[0, 1], 0] + np.float32([1, -1])), BIAS),
        (WEIGHTS, BIAS * np.array([1, 1, 1, -1])),
        (WEIGHTS, BIAS * np.array([1, -1, 1, -1])),
        (WEIGHTS[:4], BIAS),
        (changed((0, 0), np.nan), BIAS),
    ],
)
def test_whatever_changes_is_noticed(other):
    given = of(WEIGHTS, BIAS)
    assert given == of(WEIGHTS.copy(), BIAS.copy())
    assert given != of(*other)


def test_no_two_orders_of_the_same_entries_agree():
    assert len({of(np.array(order)) for order in itertools.permutations(BIAS)}) == 24
    assert len({of(BIAS[:1] * k) for k in range(50)}) == 50


def test_all_modes_and_precisions_agree():
    parts = [tf.constant(WEIGHTS), tf.constant(BIAS), tf.cast(WEIGHTS, tf.bfloat16)]
    expected = fingerprint(parts).numpy()
    for options in ({}, {"jit_compile": True}):
        function = tf.function(lambda *p: fingerprint(p), autograph=False, **options)
        np.testing.assert_array_equal(function(*parts), expected)
    assert of(np.array([np.nan])) == of(np.array([np.nan]))


def test_large_tensors_are_read_to_their_ends():
    zeros = np.zeros([37, 41])
    seen = {of(zeros)}
    for index in np.ndindex(zeros.shape):
        zeros[index] = 1.0
        seen.add(of(zeros)) if index[1] % 8 == 0 else None
        zeros[index] = 0.0
    assert len(seen) == 1 + 37 * 6


def test_copies_and_indices_are_left_out():
    machine = SpinMachine.from_parameters(WEIGHTS, np.arange(9.0, dtype=np.float32))
    expected = fingerprint(machine)
    turned = machine._replace(weights_transposed=machine.weights_transposed + 1)
    np.testing.assert_array_equal(fingerprint(turned), expected)
    assert of(WEIGHTS, np.array([3, 1])) == of(WEIGHTS)
    moved = machine._replace(weights=machine.weights + 1)
    assert has_changed(expected, fingerprint(moved))
    assert not has_changed(expected, expected)
    assert not has_changed(tf.constant(UNKNOWN, tf.float64), expected)


def test_large_tensors_are_compiled_to_the_same_numbers():
    large = tf.constant(np.random.default_rng(2).normal(size=[600, 500]))
    np.testing.assert_array_equal(fingerprint(large), _add_up(large))


def bases():
    weights, bias = oracles.random_machine(14, 13, scale=0.05)
    weights, bias = weights.astype(np.float32), bias.astype(np.float32)
    chains = {"num_chains": 4, "sampler": "persistent"}
    return {
        "spins": distributions.RestrictedBoltzmannMachine(weights, bias),
        "smoothed": distributions.SmoothedRBM.create(14, 13, learn_delta=True, **chains),
        "gaussian": distributions.GaussianBernoulliRBM.create(14, 13, learn_scale=True, **chains),
        "convolutional": distributions.ConvolutionalRBM.create(
            [(4, 4, 2)], num_filters=2, num_chains=4, sampler="replay", sampler_options={"size": 8}
        ),
        "labeled": distributions.LabeledRBM.create(14, 13, num_classes=3, num_chains=4),
        "connected": distributions.SmoothedBoltzmannMachine.create(27, **chains),
    }


@pytest.mark.parametrize("name", bases())
def test_every_parameter_counts_and_graphs_agree_to_the_last_digit(name):
    base = bases()[name]
    compute = lambda: fingerprint(base.machine())  # noqa: E731
    in_graph = tf.function(compute)
    for variable in base.trainable_variables:
        variable.assign_add(1e-3 * tf.ones_like(variable))
    for variable in base.trainable_variables:
        before = compute()
        np.testing.assert_array_equal(in_graph(), before)
        assert not has_changed(before, compute())
        variable.assign_add(1e-3 * tf.ones_like(variable))
        assert has_changed(before, compute()), variable.name
