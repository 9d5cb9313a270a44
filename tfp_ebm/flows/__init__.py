"""Functions that return flows: bijectors from latents to events."""

from tfp_ebm.flows.autoregressive_flows import iaf, maf
from tfp_ebm.flows.flow_plus_plus import flow_plus_plus
from tfp_ebm.flows.glow import glow
from tfp_ebm.flows.image_real_nvp import image_real_nvp
from tfp_ebm.flows.initialization import initialize_from_data
from tfp_ebm.flows.integer_flow import integer_flow, integer_part_shapes
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.flows.jet import jet
from tfp_ebm.flows.multi_scale import latent_shapes, multi_scale
from tfp_ebm.flows.nice import nice
from tfp_ebm.flows.real_nvp import real_nvp
from tfp_ebm.flows.residual import densenet, residual
from tfp_ebm.flows.round_trip import check_round_trip
from tfp_ebm.flows.simple_flows import affine_flow, elementwise_flow
from tfp_ebm.flows.spline_flow import spline_flow
from tfp_ebm.flows.vector_flow import vector_flow

__all__ = [
    "IntegerScaling",
    "affine_flow",
    "check_round_trip",
    "densenet",
    "elementwise_flow",
    "flow_plus_plus",
    "glow",
    "iaf",
    "image_real_nvp",
    "initialize_from_data",
    "integer_flow",
    "integer_part_shapes",
    "jet",
    "latent_shapes",
    "maf",
    "multi_scale",
    "nice",
    "real_nvp",
    "residual",
    "spline_flow",
    "vector_flow",
]
