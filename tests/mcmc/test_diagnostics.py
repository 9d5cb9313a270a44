import numpy as np
import pytest
import tensorflow as tf

from tests import fake_machines as machines
from tests import oracles
from tests.mcmc.test_chains import SIZE, two_modes
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine


def test_diagnostics_tell_slow_from_fast_chains():
    fast = RestrictedBoltzmannMachine(*oracles.random_machine(10, 10, scale=0.1)).machine()
    slow = two_modes(coupling=0.11, field=0.0).machine()
    results = [
        mcmc.diagnose(machine, machine.sample_reference(50, (0, 1)), 300, seed=(0, 2))
        for machine in (fast, slow)
    ]
    times = [float(result.autocorrelation_time) for result in results]
    assert 0.8 < times[0] < 1.4 and times[1] > 1.5 * times[0], times
    assert results[0].moved > results[1].moved
    frozen = mcmc.diagnose(two_modes().machine(), tf.ones([50, SIZE], tf.float64), 50, seed=(0, 3))
    assert frozen.distinct < 0.5 < results[0].distinct
    assert mcmc.share_of_distinct_chains(tf.ones([8, 3])) == 1 / 8


def test_the_autocorrelation_time_of_an_autoregression_is_known():
    """With correlation 0.6 from sweep to sweep it is (1 + 0.6) / (1 - 0.6)."""
    machine = machines.counter(machines.Autoregressive)
    start = machine.sample_reference(200, (0, 1))
    result = mcmc.diagnose(machine, start, 300, seed=(0, 2))
    assert float(result.autocorrelation_time) == pytest.approx(4, rel=0.1)
    assert float(result.effective_sample_size) == pytest.approx(200 * 300 / 4, rel=0.1)
    assert result.moved == 1 and result.distinct == 1


def test_the_statistic_is_the_log_marginal_of_each_machine():
    """Two independent machines side by side give a figure each."""
    weights = np.stack([np.zeros([SIZE, SIZE]), np.full([SIZE, SIZE], 0.09)])
    batch = RestrictedBoltzmannMachine(weights, np.zeros([2, 2 * SIZE])).machine()
    start = batch.sample_reference(40, (0, 1))
    result = mcmc.diagnose(batch, start, 100, seed=(0, 2))
    assert result.effective_sample_size.shape == [2]
    assert result.autocorrelation_time[1] > 1.3 or np.isnan(result.autocorrelation_time[0])


def test_chains_that_never_change_have_an_unknown_effective_sample_size():
    still = machines.counter(machines.Thermometer)
    result = mcmc.diagnose(still, np.ones([4, 1]), 10, seed=(0, 1))
    assert np.isnan(result.effective_sample_size) and np.isnan(result.autocorrelation_time)
    assert result.moved == 0 and result.distinct == 0.25


def test_moved_is_the_mean_over_sweeps():
    """From 0 the first sweep moves to 1, the inverse temperature; then nothing moves."""
    still = machines.counter(machines.Thermometer)
    moved = mcmc.diagnose(still, np.zeros([4, 1]), 8, seed=(0, 1)).moved
    assert float(moved) == pytest.approx(1 / 8)


class Halving(machines.Counter):
    """Whole numbers lose their last bit in every sweep."""

    def sweep(self, state, inverse_temperature, seed):
        del inverse_temperature, seed
        return tf.floor(state / 2)


def test_distinct_are_the_last_states():
    start = np.arange(8.0)[:, None]
    assert mcmc.diagnose(machines.counter(Halving), start, 4, seed=(0, 1)).distinct == 1 / 8


def test_distinct_states_are_counted_whole():
    units = [[1, 1], [1, -1], [-1, 1], [1, 1]]
    assert mcmc.share_of_distinct_chains(units) == 0.75
    assert mcmc.share_of_distinct_chains(np.reshape(units, [2, 2, 2])) == 1
    assert mcmc.share_of_distinct_chains(tf.zeros([4, 2])) == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: mcmc.diagnose(m, np.ones([2, 4])), "`units` must have shape"),
        (lambda m: mcmc.diagnose(m, tf.ones([2, 3])), "`units` must have dtype float64"),
        (lambda m: mcmc.diagnose(m, np.ones([2, 3]), 3), "`num_steps` must be .* at least 4"),
        (lambda m: mcmc.share_of_distinct_chains(np.ones([0, 3])), "with at least one chain"),
        (lambda m: mcmc.share_of_distinct_chains(1.0), "with at least one chain"),
    ],
)
def test_errors(call, message):
    machine = RestrictedBoltzmannMachine(np.zeros([3, 2]), np.zeros(5)).machine()
    with pytest.raises(ValueError, match=message):
        call(machine)
