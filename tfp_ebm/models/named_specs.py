"""Descriptions of models by name: those of the papers, and presets with fixed sizes."""

import dataclasses
from typing import Any, NamedTuple

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Described
from tfp_ebm.models import registry
from tfp_ebm.models.specification import DataSpec, ModelSpec

__all__ = ["descriptions", "named_spec", "names", "option_names", "preset_names", "with_options"]

_COLOR = DataSpec((32, 32, 3), 256)
_GRAY = DataSpec((28, 28, 1), 256)
_DIGITS = DataSpec((8, 8, 1), 17)

# The flow of a model that names none, by the kind of its data.
_USUAL_FLOW = {"images": "flow_plus_plus", "table": "spline", "vectors": "spline"}
_PARTS = ("flow", "base", "noise", "posterior")
_FIELDS = ("dtype", "num_augmented")

_WIDE = {"num_filters": 100, "num_components": 33, "num_blocks": 10}
_NARROW = {"num_filters": 96, "num_components": 32, "num_blocks": 10}
_SMALL = {"num_filters": 32, "num_components": 8}
_SMALL_FLOW = ("flow_plus_plus", _SMALL)
_ATTENTION = {"num_components": 32, "num_heads": 4, "mix_per_half": True, "dropout_rate": 0.2}
_OFFICIAL = {"num_filters": 96, "num_blocks": 10, **_ATTENTION}
_OFFICIAL_NOISE = {"num_blocks": 2, "processor_filters": 32, **_ATTENTION}
_VFLOW_STAGES = (2, 2, 2, 3)


class _Named(NamedTuple):
    """A model that has a name; `data` None: any data that its parts take."""

    summary: str
    base: Described
    flow: Described = None
    data: DataSpec | None = None
    noise: Described = "uniform"
    num_augmented: int = 0
    posterior: Described = None


def _small_vflow(words: str, data: DataSpec) -> _Named:
    """Returns VFlow with one extra channel for each of the data's."""
    flow = ("flow_plus_plus", {"num_components": 8, "num_couplings": _VFLOW_STAGES})
    summary = f"VFlow of {words} on a CPU"
    return _Named(summary, "normal", flow, data, num_augmented=data.event_shape[-1])


_MODELS = {
    "d_flow": _Named("D-Flow: a flow of independent smoothed spins", "spins"),
    "eb_and_flow": _Named(
        "EB-and-Flow: NICE with a Gaussian-Bernoulli RBM", "gaussian_rbm", "nice"
    ),
    "gaussian_flow": _Named("the baseline: a flow of a standard Gaussian", "normal"),
    "glow": _Named("Glow: several scales, a standard Gaussian", "normal", "glow"),
    "integer_flow": _Named(
        "integer discrete flow: exact probabilities of integers, for lossless compression",
        "discretized_logistic",
        "integer_flow",
    ),
    "multicov_flow": _Named("MultiCov: a flow of a Gaussian with the RBM's precision", "multicov"),
    "nice": _Named("NICE: additive couplings, standard logistics", "logistic", "nice"),
    "rbm_flow": _Named("RBM-Flow: a flow of a smoothed restricted Boltzmann machine", "rbm"),
    "vflow": _Named("VFlow: a flow with extra dimensions", "normal", num_augmented=3),
}
_PRESETS = {
    "paper_cifar10_gaussian": _Named(
        "the RBM-Flow paper's Gaussian baseline, 31,445,192 parameters",
        "normal",
        ("flow_plus_plus", _WIDE),
        _COLOR,
        "variational",
    ),
    "paper_cifar10_rbm": _Named(
        "the RBM-Flow paper's RBM-Flow, 31,420,584 parameters",
        "rbm",
        ("flow_plus_plus", _NARROW),
        _COLOR,
        "variational",
    ),
    "paper_cifar10_bernoulli": _Named(
        "the RBM-Flow paper's D-Flow, 31,448,264 parameters",
        "spins",
        ("flow_plus_plus", _WIDE),
        _COLOR,
        "variational",
    ),
    "official_cifar10_flow_plus_plus": _Named(
        "Flow++ with attention as its authors published it, 31,443,440 parameters",
        "normal",
        ("flow_plus_plus", {**_OFFICIAL, "num_couplings": (4, 2, 3)}),
        _COLOR,
        ("variational", _OFFICIAL_NOISE),
    ),
    "official_cifar10_vflow": _Named(
        "VFlow of 6 channels with attention as its authors published it; here e is real; "
        "39,700,096 parameters",
        "normal",
        ("flow_plus_plus", {**_OFFICIAL, "num_couplings": _VFLOW_STAGES}),
        _COLOR,
        ("variational", _OFFICIAL_NOISE),
        3,
        ("variational", {**_OFFICIAL_NOISE, "num_blocks": 3}),
    ),
    "small_8x8": _Named("RBM-Flow for 8x8 digits, minutes on a CPU", "rbm", _SMALL_FLOW, _DIGITS),
    "small_28x28": _Named("RBM-Flow for 28x28 images, hours on a CPU", "rbm", _SMALL_FLOW, _GRAY),
    "small_32x32": _Named(
        "RBM-Flow for 32x32 colour images, a day on a CPU", "rbm", _SMALL_FLOW, _COLOR
    ),
    "small_vflow_28x28": _small_vflow("2 channels for 28x28 images, hours", _GRAY),
    "small_vflow_32x32": _small_vflow("6 channels for 32x32 colour images, a day", _COLOR),
}


def names() -> tuple[str, ...]:
    """Returns the names of models of any size; `preset_names` has those of fixed sizes.

    >>> from tfp_ebm import models
    >>> "rbm_flow" in models.names()
    True
    """
    return tuple(_MODELS)


def descriptions() -> dict[str, str]:
    """Returns what each model of any size is, by name.

    >>> from tfp_ebm import models
    >>> models.descriptions()["nice"]
    'NICE: additive couplings, standard logistics'
    """
    return {name: model.summary for name, model in _MODELS.items()}


def preset_names() -> dict[str, str]:
    """Returns the names of models with fixed sizes, and what each is.

    >>> from tfp_ebm import models
    >>> models.preset_names()["small_8x8"]
    'RBM-Flow for 8x8 digits, minutes on a CPU'
    """
    return {name: model.summary for name, model in _PRESETS.items()}


def named_spec(name: str, data: DataSpec | None = None, **options: Any) -> ModelSpec:
    """Returns the description of a model that has a name.

    >>> named_spec("rbm_flow", DataSpec((8, 8, 1), 17), num_filters=16, delta=2.0).base
    ('rbm', {'delta': 2.0})

    Args:
      name: one of `names()` or of `preset_names()`.
      data: what the events are; None: those that a preset is for.
      **options: see `with_options`.

    Raises:
      ValueError: if no model has this name or it no such option, the nearest of which is
        suggested; or if a model of any size is asked for without data.
    """
    named = {**_MODELS, **_PRESETS}[checks.choice("name", name, (*_MODELS, *_PRESETS))]
    if data is None and (data := named.data) is None:
        raise ValueError(f"`data` must be a DataSpec: {name} takes data of any size.")
    parts = named._asdict()
    del parts["summary"]
    parts |= {"data": data, "flow": named.flow or _USUAL_FLOW[data.kind], "name": name}
    return with_options(ModelSpec(**parts), **options)


def option_names(spec: ModelSpec) -> dict[str, str]:
    """Returns the options that `with_options` knows for a model, each with the part it is of.

    Without a dot a name means the first part that has it: flow, base, noise, posterior.

    >>> from tfp_ebm import models
    >>> spec = models.ModelSpec(models.DataSpec((2,)), flow="spline", base="rbm")
    >>> "num_bins" in models.option_names(spec), "delta" in models.option_names(spec)
    (True, True)
    """
    found = {field: "model" for field in (*_FIELDS, *_PARTS)}
    for field in _PARTS:
        if (part := getattr(spec, field)) is not None:
            for name in registry.part_options(field, part[0]):
                found[f"{field}.{name}"] = field
                found.setdefault(name, field)
    return found


def with_options(spec: ModelSpec, **options: Any) -> ModelSpec:
    """Returns a description with other options.

    >>> spec = ModelSpec(DataSpec((8, 8, 1), 17), "glow", "rbm")
    >>> with_options(spec, num_scales=1, **{"base.delta": 2.0}).flow
    ('glow', {'num_scales': 1})

    Args:
      spec: the description.
      **options: `flow`, `base`, `noise` and `posterior`, a name or a pair, replace a part, whose
        options start anew if its name changes; `num_augmented` and `dtype`; and options of the
        parts, as `"base.delta"`, or without the dot where the first part that has it is meant.

    Raises:
      ValueError: if no part has an option of a name; the nearest is suggested.
    """
    fields = {name: options.pop(name) for name in (*_FIELDS, *_PARTS) if name in options}
    for name, value in fields.items():
        if name in _PARTS and isinstance(value, str) and value == (getattr(spec, name) or ("",))[0]:
            fields[name] = getattr(spec, name)
    spec = dataclasses.replace(spec, **fields)
    known = option_names(spec)
    changed = {}
    for name, value in options.items():
        field = known[checks.choice(f"option of {spec.name or 'the model'}", name, known)]
        name = name.removeprefix(f"{field}.")
        default = registry.part_options(field, getattr(spec, field)[0])[name].default
        is_single = isinstance(default, tuple) and isinstance(value, int | float)
        changed.setdefault(field, {})[name] = (value,) if is_single else value
    for field, own in changed.items():
        part, before = getattr(spec, field)
        spec = dataclasses.replace(spec, **{field: (part, {**before, **own})})
    return spec
