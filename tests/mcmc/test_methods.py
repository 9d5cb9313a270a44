import numpy as np
import pytest

from tests import fake_machines as machines
from tfp_ebm import mcmc
from tfp_ebm.distributions import RestrictedBoltzmannMachine
from tfp_ebm.mcmc.methods import METHODS


@pytest.mark.parametrize(
    ("method", "kind", "options"),
    [
        ("persistent", mcmc.PersistentChains, {}),
        ("replay", mcmc.ReplayBuffer, {"size": 20}),
        ("tempering", mcmc.ParallelTempering, {"inverse_temperatures": 3}),
        ("contrastive", mcmc.ContrastiveDivergence, {"num_sweeps": 4}),
    ],
)
def test_every_method_starts_its_chains_with_their_options(method, kind, options):
    chains = mcmc.start_chains(method, machines.counter(), 5, (0, 1), **options)
    assert type(chains) is kind and METHODS[method] is kind
    assert chains.num_chains == 5 and chains.knows_parameters()
    np.testing.assert_allclose(chains.units[0], [0.0])
    if method == "replay":
        assert chains.states.shape == [20, 1]
    if method == "tempering":
        assert chains.replicas.shape == [3, 5, 1]
    if method == "contrastive":
        data = np.zeros([2, 1])
        np.testing.assert_array_equal(chains.negative_units(machines.counter(), data), data + 4)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_where_chains_start(method):
    machine = RestrictedBoltzmannMachine(np.zeros([9, 2]), np.zeros(11)).machine()
    one, again, other = (
        mcmc.start_chains(method, machine, 5, (0, seed)).units.numpy() for seed in (2, 2, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)


def test_errors():
    with pytest.raises(ValueError, match="Did you mean 'tempering'"):
        mcmc.start_chains("tempered", machines.counter(), 5)
    for method in METHODS:
        with pytest.raises(TypeError, match="`machine` must be a machine"):
            mcmc.start_chains(method, None, 5)
    with pytest.raises(ValueError, match="`num_chains` must be an integer"):
        mcmc.start_chains("persistent", machines.counter(), 2.0)
