"""What all machines share: stored log Z and chains, and what becomes of them."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
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
