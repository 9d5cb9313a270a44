"""Samplers for machines with binary units."""

from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains
from tfp_ebm.mcmc.contrastive_divergence import ContrastiveDivergence
from tfp_ebm.mcmc.diagnostics import ChainDiagnostics, diagnose, share_of_distinct_chains
from tfp_ebm.mcmc.kernel import BlockGibbs, BlockGibbsResults
from tfp_ebm.mcmc.methods import start_chains
from tfp_ebm.mcmc.parallel_tempering import ParallelTempering
from tfp_ebm.mcmc.persistent_chains import PersistentChains
from tfp_ebm.mcmc.replay_buffer import ReplayBuffer
from tfp_ebm.mcmc.weighted_chains import WeightedChains

__all__ = [
    "BlockGibbs",
    "BlockGibbsResults",
    "ChainDiagnostics",
    "ChainOptions",
    "ContrastiveDivergence",
    "ParallelTempering",
    "PersistentChains",
    "ReplayBuffer",
    "StartChains",
    "WeightedChains",
    "block_gibbs",
    "diagnose",
    "share_of_distinct_chains",
    "start_chains",
]
