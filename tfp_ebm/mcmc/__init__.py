"""Samplers for machines with two layers."""

from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.persistent_chains import PersistentChains

__all__ = ["PersistentChains", "block_gibbs"]
