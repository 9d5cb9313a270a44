"""Functions that return ready models."""

from tfp_ebm.models.codes import decode, encode
from tfp_ebm.models.eb_and_flow import eb_and_flow
from tfp_ebm.models.flow_plus_plus import flow_plus_plus
from tfp_ebm.models.glow import glow
from tfp_ebm.models.image_flows import (
    create,
    d_flow,
    descriptions,
    gaussian_flow,
    multicov_flow,
    names,
    rbm_flow,
)
from tfp_ebm.models.initialization import initialize_from_data
from tfp_ebm.models.multi_scale import latent_shapes, multi_scale
from tfp_ebm.models.nice import nice
from tfp_ebm.models.presets import option_names, preset, preset_images, preset_names
from tfp_ebm.models.spline_flow import spline_flow
from tfp_ebm.models.variational_noise import VariationalNoise
from tfp_ebm.models.vector_flow import vector_flow
from tfp_ebm.models.vector_posteriors import FlowPosterior, GaussianPosterior, NormalPosterior
from tfp_ebm.models.vflow import vector_vflow, vflow

__all__ = [
    "FlowPosterior",
    "GaussianPosterior",
    "NormalPosterior",
    "VariationalNoise",
    "create",
    "d_flow",
    "decode",
    "descriptions",
    "eb_and_flow",
    "encode",
    "flow_plus_plus",
    "gaussian_flow",
    "glow",
    "initialize_from_data",
    "latent_shapes",
    "multi_scale",
    "multicov_flow",
    "names",
    "nice",
    "option_names",
    "preset",
    "preset_images",
    "preset_names",
    "rbm_flow",
    "spline_flow",
    "vector_flow",
    "vector_vflow",
    "vflow",
]
