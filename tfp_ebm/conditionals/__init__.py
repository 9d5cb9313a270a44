"""Callables from what is known to a distribution: noise, posteriors, parts factored out."""

from tfp_ebm.conditionals.integer_parts import LogisticsGivenParts, MarginalLogistics
from tfp_ebm.conditionals.variational_noise import VariationalNoise
from tfp_ebm.conditionals.vector_posteriors import (
    FlowPosterior,
    GaussianPosterior,
    NormalPosterior,
)

__all__ = [
    "FlowPosterior",
    "GaussianPosterior",
    "LogisticsGivenParts",
    "MarginalLogistics",
    "NormalPosterior",
    "VariationalNoise",
]
