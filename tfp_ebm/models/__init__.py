"""Functions that return ready models."""

from tfp_ebm.models.flow_plus_plus import flow_plus_plus
from tfp_ebm.models.image_flows import (
    create,
    d_flow,
    gaussian_flow,
    multicov_flow,
    names,
    rbm_flow,
)

__all__ = [
    "create",
    "d_flow",
    "flow_plus_plus",
    "gaussian_flow",
    "multicov_flow",
    "names",
    "rbm_flow",
]
