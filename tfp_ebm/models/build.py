"""The one place where a model is put together from its description."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.flows.image_preprocessing import image_preprocessing
from tfp_ebm.internal.types import Bijector, Distribution
from tfp_ebm.models import registry
from tfp_ebm.models.bases import Latents
from tfp_ebm.models.consistency import check_flow, check_num_levels
from tfp_ebm.models.integers import build_integers, check_integers, is_integer
from tfp_ebm.models.specification import INTEGER, DataSpec, ModelSpec

__all__ = ["build", "check", "spec_of"]

tfb, tfd = tfp.bijectors, tfp.distributions

# Options that networks of the noise and of the posterior share with the flow, unless given.
_SHARED = ("num_filters", "network_policy")
_SHARED_BY_NOISE = (*_SHARED, "dropout_rate")
_MIN_STATES = 2


def check(spec: ModelSpec) -> None:
    """Raises unless every part of a model has a name, options that it knows, and suits the data.

    >>> from tfp_ebm import models
    >>> models.check(models.ModelSpec(models.DataSpec((2,)), flow="spline", base="rbm"))
    >>> models.check(models.ModelSpec(models.DataSpec((2,)), flow="glow", base="rbm"))
    Traceback (most recent call last):
      ...
    ValueError: The flow glow is for images, but the data are vectors of shape (2,); ...

    Raises:
      ValueError: naming the part, what is wrong with it, and what would be right.
    """
    for field in ("flow", "base", "noise", "posterior"):
        if (value := getattr(spec, field)) is not None:
            registry.check_options(field, *value)
            _check_data(field, value[0], spec.data)
    flow = registry.find("flow", spec.flow[0])
    if is_integer(spec):
        check_integers(spec)
    if spec.num_augmented and spec.data.kind == "images" and not flow.takes_augmented:
        raise ValueError(
            f"The flow {spec.flow[0]} takes no extra channels (`num_augmented`); take "
            "flow_plus_plus or a flow of vectors."
        )
    if spec.data.num_context and not flow.takes_context:
        able = [name for name in registry.flow_names() if registry.find("flow", name).takes_context]
        raise ValueError(
            f"The flow {spec.flow[0]} takes no condition (`num_context`); take one of "
            f"{', '.join(able)}, or leave `num_context` out."
        )


def _check_data(field, name, data):
    if field == "noise" and (name == "uniform" or data.kind == "images"):
        return
    part = registry.find(field, name)
    kind = "images" if data.kind == "images" else "vectors"
    if kind in part.data:
        return
    if kind == "images":
        raise ValueError(f"The {field} {name} is for vectors; for images take variational.")
    what = "a table" if data.kind == "table" else "vectors"
    raise ValueError(
        f"The {field} {name} is for images, but the data are {what} of shape {data.event_shape}; "
        "take one of vectors."
    )


def build(
    spec: ModelSpec,
    *,
    flow: Bijector | None = None,
    base: Distribution | None = None,
    noise: Any = None,
    posterior: Any = None,
) -> Distribution:
    """Returns the model that a description describes: a plain distribution.

        z ~ base,   (x, e) = flow(z),   e is left out,   levels and categories are found from x

    With `spec.data.num_context` the flow depends on a condition as well: `Conditional` takes it.

    >>> from tfp_ebm.models import DataSpec
    >>> spec = ModelSpec(DataSpec((8, 8, 1), 17), flow=("nice", {"hidden_units": [8]}), base="rbm")
    >>> build(spec).sample(2).shape
    TensorShape([2, 8, 8, 1])

    Args:
      spec: the description.
      flow: a bijector from latents to events that is there already, in place of the described one.
      base: a distribution of the latents, likewise.
      noise: dequantisation noise, a callable, likewise.
      posterior: distribution of the extra dimensions given an event, a callable, likewise.

    Returns:
      `Dequantized` for images, `DequantizedTable` for tables, else the density itself; with extra
      dimensions around an `Augmented` one. Of whole numbers without noise `IntegerEvents`.

    Raises:
      ValueError: if a part is unknown, has no such option, or parts do not fit each other.
    """
    check(spec)
    is_whole = flow is None and base is None and noise is None and posterior is None
    model = _assemble(spec, flow, base, noise, posterior)
    if is_whole:
        model._spec = spec  # Of parts that were there already it says nothing.
    return model


def spec_of(model: Distribution) -> ModelSpec:
    """Returns the description that a model was built from.

    >>> from tfp_ebm import models
    >>> spec = models.ModelSpec(models.DataSpec((2,)), flow="affine", base="rbm")
    >>> models.spec_of(models.build(spec)).flow[0]
    'affine'

    Raises:
      ValueError: if it was not built from a description alone.
    """
    spec = getattr(model, "_spec", None)
    if not isinstance(spec, ModelSpec):
        raise ValueError(
            "`model` must come from `models.build`, or from a function such as `models.rbm_flow`, "
            "with all its parts described; of other models give the description too."
        )
    return spec


def _assemble(spec, flow, base, noise, posterior):
    data, dtype = spec.data, tf.as_dtype(spec.dtype)
    if is_integer(spec):
        return build_integers(spec, flow, base)
    if base is None:
        base = _make_base(spec, dtype)
    else:
        _check_base(base, _joint_size(spec))
    noise = noise if noise is not None else _make_noise(spec, dtype)
    if flow is None:
        flow = _make_flow(spec, dtype)
    elif data.kind == "images" and not spec.num_augmented:
        parts = _part_shapes(spec)
        check_flow(flow, data.event_shape, data.num_levels, dtype, parts and len(parts))
    density = tfd.TransformedDistribution(base, flow)
    if spec.num_augmented:
        if posterior is None:
            posterior = _make_posterior(spec, dtype)
        density = distributions.Augmented(density, posterior, spec.num_augmented)
    if data.kind == "images":
        for name, part in (("noise", noise), ("posterior", posterior)):
            check_num_levels(name, part, data.num_levels)
        return distributions.Dequantized(density, data.num_levels, noise, name=spec.name or "model")
    if data.kind == "table":
        return distributions.DequantizedTable(density, data.columns, name=spec.name or "model")
    return density


def _joint_size(spec):
    if spec.data.kind == "images":
        return math.prod(_joint_shape(spec))
    return spec.data.num_latents + spec.num_augmented


def _joint_shape(spec):
    height, width, channels = spec.data.event_shape
    return height, width, channels + spec.num_augmented


def _check_base(base, size):
    if base.event_shape != (size,):
        raise ValueError(
            f"`base` must have event shape ({size},), one entry for each dimension of x and e, got "
            f"{base.event_shape}."
        )


def _part_shapes(spec):
    """Returns the shapes of what the flow leaves, if the base stands on them."""
    if spec.base[0] not in ("per_level", "conv_rbm"):
        return None
    part_shapes = registry.find("flow", spec.flow[0]).part_shapes
    shape = _joint_shape(spec) if spec.data.kind == "images" else spec.data.event_shape
    return part_shapes and part_shapes(shape, spec.flow[1])


def _make_base(spec, dtype):
    name, options = spec.base
    size = _joint_size(spec)
    if size < _MIN_STATES and name in ("rbm", "multicov", "boltzmann"):
        raise ValueError(
            f"The base {name} couples latents, but there is one alone; take normal or spins, or "
            "extra dimensions (`num_augmented`)."
        )
    latents = Latents(size, _part_shapes(spec), spec.data.num_classes)
    return registry.find("base", name).function(latents, dtype, **options)


def _shared(spec, names, options):
    shared = {name: spec.flow[1][name] for name in names if name in spec.flow[1]}
    return {**shared, **options}


def _make_noise(spec, dtype):
    name, options = spec.noise
    if name == "uniform":
        return None
    function = registry.find("noise", name).function
    options = _shared(spec, _SHARED_BY_NOISE, options)
    data = spec.data
    return function(data.event_shape, num_levels=data.num_levels, dtype=dtype, **options)


def _make_posterior(spec, dtype):
    data = spec.data
    is_image = data.kind == "images"
    name, options = spec.posterior or ("variational" if is_image else "gaussian", {})
    function = registry.find("posterior", name).function
    if is_image:
        options = _shared(spec, _SHARED, {"num_blocks": 2, **options})
        return function(
            data.event_shape,
            num_levels=data.num_levels,
            num_channels=spec.num_augmented,
            on_unit_cell=False,
            dtype=dtype,
            name="posterior",
            **options,
        )
    if name == "normal":
        return function(spec.num_augmented)
    if "hidden_units" in spec.flow[1]:
        options = {"hidden_units": spec.flow[1]["hidden_units"], **options}
    return function(data.num_latents, spec.num_augmented, dtype=dtype, **options)


def _make_flow(spec, dtype):
    name, options = spec.flow
    part, data = registry.find("flow", name), spec.data
    if data.num_context:
        options = {**options, "num_context": data.num_context}
    if data.kind != "images":
        size = _joint_size(spec)
        if part.takes_images:
            flow = part.function((size,), num_levels=None, dtype=dtype, **options)
        else:
            flow = part.function(size, dtype=dtype, **options)
        return _after(_standardization(data, spec.num_augmented, dtype), flow)
    shape = _joint_shape(spec)
    if part.takes_images:
        if spec.num_augmented:
            options = {**options, "num_augmented": spec.num_augmented}
        return part.function(shape, num_levels=data.num_levels, dtype=dtype, **options)
    flow = part.function(_joint_size(spec), dtype=dtype, **options)
    steps = [
        image_preprocessing(data.num_levels, shape[-1], spec.num_augmented),
        tfb.Reshape(event_shape_in=shape, event_shape_out=[-1]),
    ]
    return _after(steps, flow)


def _after(steps, flow):
    """Returns a flow, latent to data, whose data pass some steps before, in their order."""
    return tfb.Chain([tfb.Invert(tfb.Chain(steps[::-1])), flow]) if steps else flow


def _standardization(data: DataSpec, num_augmented, dtype):
    """Returns steps from columns to columns of mean 0 and standard deviation 1."""
    if data.location is None and data.scale is None:
        return []
    columns = data.columns or [None] * data.event_shape[0]
    location, scale = [], []
    for index, column in enumerate(columns):
        size = column if isinstance(column, int) else 1
        middle = 0.5 if column == INTEGER else 0.0  # Of the cell that a whole number becomes.
        location += [middle + (data.location[index] if data.location else 0.0)] * size
        scale += [data.scale[index] if data.scale else 1.0] * size
    location += [0.0] * num_augmented
    scale += [1.0] * num_augmented
    return [
        tfb.Shift(tf.constant([-value for value in location], dtype)),
        tfb.Scale(tf.constant([1 / value for value in scale], dtype)),
    ]
