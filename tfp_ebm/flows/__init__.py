"""Functions that return flows: bijectors from latents to events."""

from tfp_ebm.flows.flow_plus_plus import flow_plus_plus
from tfp_ebm.flows.glow import glow
from tfp_ebm.flows.initialization import initialize_from_data
from tfp_ebm.flows.integer_flow import integer_flow, integer_part_shapes
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.flows.multi_scale import latent_shapes, multi_scale
from tfp_ebm.flows.nice import nice
from tfp_ebm.flows.spline_flow import spline_flow
from tfp_ebm.flows.vector_flow import vector_flow

__all__ = [
    "IntegerScaling",
    "flow_plus_plus",
    "glow",
    "initialize_from_data",
    "integer_flow",
    "integer_part_shapes",
    "latent_shapes",
    "multi_scale",
    "nice",
    "spline_flow",
    "vector_flow",
]
