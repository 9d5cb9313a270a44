"""The arguments that the constructors of all machines share."""

from typing import TypedDict

from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.mcmc import PersistentChains

__all__ = ["DEFAULTS", "MachineOptions", "with_machine_options"]


class MachineOptions(TypedDict, total=False):
    """Arguments of the constructor of every machine.

    Args:
      chains: the persistent chains for the gradient of log Z; None: weighted ones, or none where at
        most 12 units have to be enumerated and log Z is summed exactly.
      num_gibbs_steps: sweeps between the chains and a sample.
      validate_args: whether to check parameters and values at run time, too.
      allow_nan_stats: as in TensorFlow Probability.
      name: name of the distribution; None: that of its class.
    """

    chains: PersistentChains | None
    num_gibbs_steps: int
    validate_args: bool
    allow_nan_stats: bool
    name: str | None


DEFAULTS = {
    "chains": None,
    "num_gibbs_steps": 200,
    "validate_args": False,
    "allow_nan_stats": True,
    "name": None,
}

with_machine_options = spelled_out(MachineOptions, DEFAULTS)
