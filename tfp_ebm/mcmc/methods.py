"""The ways to obtain the negative phase, by name."""

from typing import Any

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
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
    method: str, machine: AnnealedMachine, num_chains: int, seed: Any = None, **options: Any
) -> PersistentChains:
    """Returns chains of a kind, started from the machine's independent reference.

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
      ValueError: if there is no such method; the nearest one is suggested.
    """
    method = checks.choice("method", method, METHODS)
    states.check_machine(machine)
    return METHODS[method].start(machine, num_chains, seed, **options)
