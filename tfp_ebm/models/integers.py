"""Models of whole numbers: integer flows, whose probabilities are exact."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.models import registry
from tfp_ebm.models.bases import Latents
from tfp_ebm.models.specification import CONTINUOUS, INTEGER, DataSpec, ModelSpec

__all__ = ["build_integers", "check_integers", "is_integer"]

tfd = tfp.distributions


def is_integer(spec: ModelSpec) -> bool:
    """Whether a model is of whole numbers, by its flow or its base."""
    parts = (("flow", spec.flow[0]), ("base", spec.base[0]))
    return any(registry.find(field, name).is_integer for field, name in parts)


def check_integers(spec: ModelSpec) -> None:
    """Raises unless the parts of a model of whole numbers go together, and suit the data.

    Raises:
      ValueError: naming the part, and what would be right.
    """
    (flow, _), (base, _) = spec.flow, spec.base
    if not registry.find("flow", flow).is_integer:
        raise ValueError(
            f"The base {base} is over whole numbers, and the flow {flow} makes real ones; take the "
            "flow integer_flow, or another base."
        )
    if not registry.find("base", base).is_integer:
        raise ValueError(
            f"The flow {flow} maps whole numbers, and the base {base} is over real ones; take the "
            "base discretized_logistic, or another flow."
        )
    if spec.num_augmented:
        raise ValueError(
            f"The flow {flow} takes no extra dimensions, got `num_augmented` {spec.num_augmented}; "
            "leave them out."
        )
    if spec.noise != ("uniform", {}):
        raise ValueError(
            f"The flow {flow} has no dequantisation, got `noise` {spec.noise[0]}; leave it out."
        )
    if spec.data.kind == "vectors" or CONTINUOUS in (spec.data.columns or ()):
        raise ValueError(
            f"The flow {flow} maps whole numbers, but the data hold real ones; leave out the "
            "continuous columns or give them a step, or take a flow such as spline."
        )


def build_integers(
    spec: ModelSpec, flow: tfp.bijectors.Bijector | None, base: tfd.Distribution | None
) -> distributions.IntegerEvents:
    """Returns the model of whole numbers that a description describes.

    Args:
      spec: the description, checked.
      flow: a bijector from latents to events that is there already; None: the described one.
      base: a distribution of the latents, likewise.
    """
    data, dtype = spec.data, tf.as_dtype(spec.dtype)
    levels = _levels(data)
    location, scale = (None, None) if data.kind == "images" else (data.location, data.scale)
    flow_part, base_part = registry.find("flow", spec.flow[0]), registry.find("base", spec.base[0])
    if base is None:
        shapes = None
        if flow_part.part_shapes is not None and data.kind == "images":
            shapes = flow_part.part_shapes(data.event_shape, spec.flow[1])
        scaling = IntegerScaling.of(levels, location, scale)
        latents = Latents(math.prod(data.event_shape), shapes, data.num_classes, scaling)
        base = base_part.function(latents, dtype, **spec.base[1])
    if flow is None:
        flow = flow_part.function(
            data.event_shape,
            num_levels=levels,
            location=location,
            scale=scale,
            dtype=dtype,
            **spec.flow[1],
        )
    model = tfd.TransformedDistribution(base, flow)
    return distributions.IntegerEvents(model, levels, name=spec.name or "model")


def _levels(data: DataSpec) -> int | tuple[int | None, ...] | None:
    """Returns the number of levels, of all pixels or of each column; None: any whole number."""
    if data.kind == "images":
        return data.num_levels
    return tuple(None if column == INTEGER else column for column in data.columns)
