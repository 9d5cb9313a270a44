"""Normalizing flows with energy-based bases for TensorFlow Probability.

A model is a `tfd.TransformedDistribution(base, flow)`, where the base is a Boltzmann machine
smoothed into a density, wrapped in `Dequantized` to model integers. See README.md.

Subpackages load when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tfp_ebm.internal.versions import check_partners
from tfp_ebm.version import __version__

if TYPE_CHECKING:  # Types, without loading anything.
    from tfp_ebm import (
        bijectors,
        coding,
        conditionals,
        datasets,
        distributions,
        flows,
        machines,
        mcmc,
        metrics,
        models,
        networks,
        partition,
        plots,
        runs,
        testing,
        training,
    )
    from tfp_ebm.runs import load, save

__all__ = [
    "__version__",
    "bijectors",
    "coding",
    "conditionals",
    "datasets",
    "distributions",
    "flows",
    "load",
    "machines",
    "mcmc",
    "metrics",
    "models",
    "networks",
    "partition",
    "plots",
    "runs",
    "save",
    "testing",
    "training",
]

check_partners()


def __getattr__(name: str) -> Any:
    if name in ("load", "save"):
        return getattr(importlib.import_module("tfp_ebm.runs"), name)
    if name in __all__:
        return importlib.import_module(f"tfp_ebm.{name}")
    raise AttributeError(f"module 'tfp_ebm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
