"""Models from their descriptions, and the functions that return their parts."""

from tfp_ebm.conditionals.variational_noise import VariationalNoise
from tfp_ebm.conditionals.vector_posteriors import FlowPosterior, GaussianPosterior, NormalPosterior
from tfp_ebm.flows.autoregressive_flows import iaf, maf
from tfp_ebm.flows.flow_plus_plus import flow_plus_plus
from tfp_ebm.flows.glow import glow
from tfp_ebm.flows.image_real_nvp import image_real_nvp
from tfp_ebm.flows.initialization import initialize_from_data
from tfp_ebm.flows.jet import jet
from tfp_ebm.flows.multi_scale import latent_shapes, multi_scale
from tfp_ebm.flows.nice import nice
from tfp_ebm.flows.real_nvp import real_nvp
from tfp_ebm.flows.round_trip import check_round_trip
from tfp_ebm.flows.simple_flows import affine_flow, elementwise_flow
from tfp_ebm.flows.spline_flow import spline_flow
from tfp_ebm.flows.vector_flow import vector_flow
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
from tfp_ebm.models.parts import Parts, latents, parts
from tfp_ebm.models.registry import (
    base_names,
    flow_names,
    part_options,
    register_base,
    register_flow,
)
from tfp_ebm.models.specification import DataSpec, ModelSpec
from tfp_ebm.models.vflow import vector_vflow, vflow

__all__ = [
    "Conditional",
    "DataSpec",
    "FlowPosterior",
    "GaussianPosterior",
    "Latents",
    "ModelSpec",
    "NormalPosterior",
    "Parts",
    "VariationalNoise",
    "affine_flow",
    "base_names",
    "build",
    "check",
    "check_round_trip",
    "create",
    "d_flow",
    "decode",
    "descriptions",
    "eb_and_flow",
    "elementwise_flow",
    "encode",
    "flow_names",
    "flow_plus_plus",
    "gaussian_flow",
    "glow",
    "iaf",
    "image_real_nvp",
    "initialize_from_data",
    "jet",
    "latent_shapes",
    "latents",
    "maf",
    "multi_scale",
    "multicov_flow",
    "named_spec",
    "names",
    "nice",
    "option_names",
    "part_options",
    "parts",
    "preset",
    "preset_names",
    "rbm_flow",
    "real_nvp",
    "register_base",
    "register_flow",
    "spec_of",
    "spline_flow",
    "vector_flow",
    "vector_vflow",
    "vflow",
    "with_options",
]
