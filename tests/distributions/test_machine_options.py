import inspect

import pytest

from tfp_ebm import distributions
from tfp_ebm.distributions import SmoothedRBM

MACHINES = (
    *("ConvolutionalRBM", "GaussianBernoulliRBM", "LabeledRBM", "RestrictedBoltzmannMachine"),
    *("SmoothedBoltzmannMachine", "SmoothedRBM"),
)


@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_says_what_all_take(name):
    kind = getattr(distributions, name)
    parameters = inspect.signature(kind.__init__).parameters
    found = {key: parameters[key].default for key in ("chains", "num_gibbs_steps", "name")}
    assert found == {"chains": None, "num_gibbs_steps": 200, "name": None}
    assert "\n  chains: the persistent chains" in inspect.getdoc(kind.__init__)
    assert "dtype" in inspect.signature(kind.create).parameters


def test_parameters_are_those_of_tensorflow_probability():
    base = SmoothedRBM([[0.5]], [0.0, 0.1], 2.0, validate_args=True, num_gibbs_steps=7)
    assert base.validate_args and base.allow_nan_stats and base.name == "SmoothedRBM"
    assert base.parameters["num_gibbs_steps"] == 7 and "options" not in base.parameters
    copy = base.copy(name="mine", validate_args=False)
    assert copy.name == "mine" and not copy.validate_args
    assert copy.parameters["num_gibbs_steps"] == 7


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match=r"`SmoothedRBM` has no argument 'chain'; .* takes chains"):
        SmoothedRBM([[0.5]], [0.0, 0.1], 2.0, chain=None)
