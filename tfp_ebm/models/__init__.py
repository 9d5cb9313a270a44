"""Models from their descriptions, and the functions that return their parts.

Flows are in `tfp_ebm.flows`, noise and posteriors in `tfp_ebm.conditionals`.
"""

import importlib
import warnings
from typing import Any

from tfp_ebm.models.bases import Latents
from tfp_ebm.models.build import build, check, spec_of
from tfp_ebm.models.codes import decode, encode
from tfp_ebm.models.conditional import Conditional
from tfp_ebm.models.eb_and_flow import eb_and_flow
from tfp_ebm.models.named_models import (
    create,
    d_flow,
    gaussian_flow,
    multicov_flow,
    preset,
    rbm_flow,
)
from tfp_ebm.models.named_specs import (
    descriptions,
    named_spec,
    names,
    option_names,
    preset_names,
    with_options,
)
from tfp_ebm.models.parts import Parts, latents, log_determinants, parts
from tfp_ebm.models.registry import (
    base_names,
    flow_names,
    part_options,
    register_base,
    register_flow,
)
from tfp_ebm.models.sizes import num_parameters
from tfp_ebm.models.specification import DataSpec, ModelSpec
from tfp_ebm.models.vflow import vector_vflow, vflow

__all__ = [
    "Conditional",
    "DataSpec",
    "Latents",
    "ModelSpec",
    "Parts",
    "base_names",
    "build",
    "check",
    "create",
    "d_flow",
    "decode",
    "descriptions",
    "eb_and_flow",
    "encode",
    "flow_names",
    "gaussian_flow",
    "latents",
    "log_determinants",
    "multicov_flow",
    "named_spec",
    "names",
    "num_parameters",
    "option_names",
    "part_options",
    "parts",
    "preset",
    "preset_names",
    "rbm_flow",
    "register_base",
    "register_flow",
    "spec_of",
    "vector_vflow",
    "vflow",
    "with_options",
]

_MOVED = {
    **dict.fromkeys(("flow_plus_plus", "glow", "nice", "spline_flow", "vector_flow"), "flows"),
    **dict.fromkeys(("initialize_from_data", "latent_shapes", "multi_scale"), "flows"),
    **dict.fromkeys(("FlowPosterior", "GaussianPosterior", "NormalPosterior"), "conditionals"),
    "VariationalNoise": "conditionals",
}


def __getattr__(name: str) -> Any:
    """Finds what was public here before it got a package of its own."""
    if name not in _MOVED:
        raise AttributeError(f"module 'tfp_ebm.models' has no attribute {name!r}")
    place = f"tfp_ebm.{_MOVED[name]}"
    warnings.warn(
        f"`tfp_ebm.models.{name}` is now `{place}.{name}`.", DeprecationWarning, stacklevel=2
    )
    return getattr(importlib.import_module(place), name)
