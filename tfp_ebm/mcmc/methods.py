"""The ways to obtain the negative phase, by name."""

import inspect
from typing import Any

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.contrastive_divergence import ContrastiveDivergence
from tfp_ebm.mcmc.parallel_tempering import ParallelTempering
from tfp_ebm.mcmc.persistent_chains import PersistentChains
from tfp_ebm.mcmc.replay_buffer import ReplayBuffer
from tfp_ebm.mcmc.weighted_chains import WeightedChains

__all__ = ["METHODS", "start_chains"]

METHODS = {
    "persistent": PersistentChains,
    "replay": ReplayBuffer,
    "tempering": ParallelTempering,
    "contrastive": ContrastiveDivergence,
    "weighted": WeightedChains,
}


def start_chains(
    method: str, machine: AnnealedMachine, num_chains: int, seed: Seed = None, **options: Any
) -> PersistentChains:
    """Returns chains of a kind, started from the machine's independent reference.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> chains = mcmc.start_chains("weighted", machine, 8, seed=(0, 1))
    >>> type(chains).__name__, float(chains.effective_share)
    ('WeightedChains', 1.0)

    Args:
      method: `"persistent"` (PCD), `"weighted"` (chains that weigh, jump, and follow log Z),
        `"replay"` (a buffer), `"tempering"` (replica exchange) or `"contrastive"` (CD-k).
      machine: the machine.
      num_chains: number of chains.
      seed: seed of the first states.
      **options: further arguments of the class: `PersistentChains`, `WeightedChains`,
        `ReplayBuffer`, `ParallelTempering`, `ContrastiveDivergence`.

    Raises:
      TypeError: if `machine` is none.
      ValueError: if there is no such method, the nearest one is suggested, or no such option.
    """
    method = checks.choice("method", method, METHODS)
    states.check_machine(machine)
    known = _options(METHODS[method])
    if unknown := [name for name in options if name not in known]:
        raise ValueError(
            f"`{unknown[0]}` is no option of the method {method!r}, which takes "
            f"{', '.join(sorted(known)) or 'none'}; name the `method` that it belongs to."
        )
    return METHODS[method].start(machine, num_chains, seed, **options)


def _options(kind):
    """Returns the names of the options of a kind of chains."""
    own = {*inspect.signature(kind.start).parameters}
    if "options" in own:
        own |= {*inspect.signature(kind.__init__).parameters}
    return own - {"self", "units", "machine", "num_chains", "seed", "name", "options"}
