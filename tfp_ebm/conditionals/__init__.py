"""Callables from an event to a distribution: noise and posteriors of extra dimensions."""

from tfp_ebm.conditionals.variational_noise import VariationalNoise
from tfp_ebm.conditionals.vector_posteriors import (
    FlowPosterior,
    GaussianPosterior,
    NormalPosterior,
)

__all__ = ["FlowPosterior", "GaussianPosterior", "NormalPosterior", "VariationalNoise"]
