import inspect

import numpy as np
import pytest

from tfp_ebm.distributions import GaussianBernoulliRBM, SmoothedBoltzmannMachine, SmoothedRBM
from tfp_ebm.mcmc import ReplayBuffer, StartChains, WeightedChains

MACHINES = (GaussianBernoulliRBM, SmoothedRBM, SmoothedBoltzmannMachine)


@pytest.mark.parametrize("kind", MACHINES)
def test_options_stand_in_the_signature_and_the_docstring(kind):
    parameters = inspect.signature(kind.create).parameters
    assert parameters["sampler"].default is None and parameters["num_chains"].default is None
    assert parameters["num_gibbs_steps"].default == 200
    assert "options" not in parameters
    assert "\n  sampler: where the gradient" in inspect.getdoc(kind.create)
    assert "ChainOptions`" not in inspect.getdoc(kind.create)


def test_chains_are_those_that_were_asked_for():
    machine = SmoothedRBM.create(14, 13, num_chains=4).machine()
    chains = StartChains("replay", 4, {"size": 20}, seed=(0, 1)).start(machine)
    assert isinstance(chains, ReplayBuffer) and chains.states.shape[0] == 20
    assert isinstance(StartChains(num_chains=4).start(machine), WeightedChains)
    one, other = (StartChains("persistent", 4, seed=(0, 1)).start(machine) for _ in range(2))
    np.testing.assert_array_equal(one.units, other.units)


@pytest.mark.parametrize(
    ("num_hidden", "sampler", "number"), [(32, None, 1024), (33, None, 512), (32, "replay", 512)]
)
def test_narrow_layers_have_more_weighted_chains(num_hidden, sampler, number):
    machine = SmoothedRBM.create(2, num_hidden, sampler="persistent", num_chains=1).machine()
    assert StartChains(sampler, seed=(0, 1)).start(machine).num_chains == number


def test_arguments_of_a_constructor():
    options = {"num_chains": 7, "num_gibbs_steps": 3, "seed": (0, 1), "name": "mine"}
    found = StartChains.arguments(options)
    chains = StartChains(None, 7, None, (0, 1))
    assert found == {"chains": chains, "num_gibbs_steps": 3, "name": "mine"}
    assert StartChains.arguments({}, seed=(2, 3))["chains"].seed == (2, 3)
    assert "name" not in StartChains.arguments({})


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match=r"no argument 'num_chain'; .* sampler, num_chains"):
        SmoothedRBM.create(3, 2, num_chain=4)
