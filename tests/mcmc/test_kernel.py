import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import fake_machines as machines
from tests import oracles
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine


def test_kernel_runs_in_sample_chain():
    weights, bias = oracles.random_machine(5, 4)
    machine = RestrictedBoltzmannMachine(weights, bias).machine()
    states = tfp.mcmc.sample_chain(
        20,
        machine.sample_reference(5_000, (0, 1)),
        kernel=mcmc.BlockGibbs(machine, num_sweeps=3),
        num_burnin_steps=10,
        trace_fn=None,
        seed=(0, 2),
    ).numpy()
    share = oracles.spin_probabilities(weights, bias)
    expected = share @ oracles.all_states(9)[:, :5]
    np.testing.assert_allclose(states.mean((0, 1)), expected, atol=0.02)


@pytest.mark.parametrize("num_sweeps", [1, 3])
def test_a_step_makes_its_sweeps_at_its_temperature(num_sweeps):
    kernel = mcmc.BlockGibbs(machines.counter(), num_sweeps, inverse_temperature=0.5)
    start = tf.constant([[1.0], [2.0]], tf.float64)
    results = kernel.bootstrap_results(start)
    assert results.moved == 0 and kernel.is_calibrated
    state, results = kernel.one_step(start, results, seed=(0, 1))
    np.testing.assert_array_equal(state, start + 0.5 * num_sweeps)
    assert results.moved == 1


def test_each_chain_may_have_its_own_temperature():
    kernel = mcmc.BlockGibbs(machines.counter(), inverse_temperature=[[0.0], [1.0]])
    state, results = kernel.one_step(tf.zeros([2, 1], tf.float64), None, seed=(0, 1))
    np.testing.assert_array_equal(state, [[0.0], [1.0]])
    assert results.moved == 0.5


def test_every_sweep_draws_anew():
    kernel = mcmc.BlockGibbs(machines.counter(machines.Walker), num_sweeps=2)
    walk = tfp.mcmc.sample_chain(
        50, tf.zeros([2000, 1], tf.float64), kernel=kernel, trace_fn=None, seed=(0, 1)
    )
    assert np.std(walk[-1]) == pytest.approx(10, rel=0.08)


def test_parameters_rebuild_the_kernel():
    kernel = mcmc.BlockGibbs(machines.counter(), 2, 0.5, name="mine")
    assert kernel.parameters["num_sweeps"] == 2 and kernel.parameters["name"] == "mine"
    again = mcmc.BlockGibbs(**kernel.parameters)
    start = tf.zeros([2, 1], tf.float64)
    np.testing.assert_array_equal(
        again.one_step(start, None, (0, 1))[0], kernel.one_step(start, None, (0, 1))[0]
    )


def test_errors():
    base = RestrictedBoltzmannMachine(np.zeros([3, 2], np.float32), np.zeros(5, np.float32))
    kernel = mcmc.BlockGibbs(base.machine())
    with pytest.raises(ValueError, match="`current_state` must have dtype float32, got float64"):
        tfp.mcmc.sample_chain(3, np.ones([2, 3]), kernel=kernel, trace_fn=None)
    with pytest.raises(ValueError, match="`current_state` must have shape"):
        kernel.bootstrap_results(np.ones([2, 4]))
    with pytest.raises(ValueError, match="`inverse_temperature` must be a scalar"):
        mcmc.BlockGibbs(base.machine(), inverse_temperature=[0.5, 1.0])
    with pytest.raises(ValueError, match="`num_sweeps` must be an integer of at least 1"):
        mcmc.BlockGibbs(base.machine(), 0)
    with pytest.raises(TypeError, match="pass what its `machine"):
        mcmc.BlockGibbs(base)
