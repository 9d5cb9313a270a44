"""The configuration of a run: made, checked, and changed when training goes on."""

import datetime
import json
import pathlib
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, models
from tfp_ebm.internal import checks
from tfp_ebm.internal.hardware import has_bfloat16_units
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.train_options import (
    DATA_OPTIONS,
    MODEL_OPTIONS,
    OPTIONS,
    check_options,
    flag,
)
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.runs.conditions import num_context, source_of
from tfp_ebm.runs.run_folder import columns_of
from tfp_ebm.version import __version__

__all__ = ["changed_config", "differing_options", "load_data", "new_config", "sizes_of", "versions"]

# Of models whose size is free, where nothing else is said; suits 8x8 digits.
_USUAL_DROPOUT = 0.3


def new_config(
    model: str | None,
    dataset: str | None,
    given: dict[str, Any],
    data: datasets.Dataset | None = None,
) -> tuple[dict[str, Any], datasets.Dataset]:
    """Returns the whole configuration of a new run, checked, and its data.

    Args:
      model: name of a model or preset; None: one of the `flow` and `base` that are given.
      dataset: name, file or folder of the data.
      given: options of `tfp_ebm.internal.train_options`; None leaves the default.
      data: the data, if they are there already.

    Raises:
      ValueError: if a name is unknown, or an option does not fit; it names what would.
    """
    if model is not None or given.get("flow") is None:
        checks.choice("MODEL", model, (*models.names(), *models.preset_names()))
    if dataset is None:
        raise ValueError(
            "`--dataset` must be a built-in set (see `tfp-ebm datasets`), tfds:NAME, a .npz, .npy, "
            ".csv or .parquet file, or a folder of images; got none."
        )
    check_options(given)
    given = {name: value for name, value in given.items() if value is not None}
    own = {option.name: option.default for option in OPTIONS if option.group != "model"}
    options = {name: given.get(name, default) for name, default in own.items()}
    _settle_precision(options)
    data_options = {name: options.pop(name) for name in DATA_OPTIONS}
    data_options = {name: value for name, value in data_options.items() if value is not None}
    if "column" in data_options:
        data_options["columns"] = _columns(data_options.pop("column"))
    if (source := source_of(options["condition"])) is not None:
        data_options["condition"] = source
    data = data or load_data(dataset, options["data_dir"], data_options)
    described = DataSpec.of(data, num_context=num_context(options["condition"], data))
    spec = _make_spec(model, described, dataset, given, options["precision"])
    if data.columns is not None:
        data_options["columns"] = [vars(column) for column in data.columns]
    if data.condition_columns is not None:
        data_options["condition"] = [vars(column) for column in data.condition_columns]
    config = {
        "model": model or f"{spec.base[0]} {spec.flow[0]}",
        "dataset": str(dataset),
        "data": data_options,
        "spec": spec.to_dict(),
        **options,
        "versions": versions(),
    }
    if options["condition"] and data.label_names:
        config["label_names"] = data.label_names
    return json.loads(json.dumps(config)), data


def sizes_of(dataset: str | None) -> datasets.Dataset | None:
    """Returns three empty images in place of a built-in set, whose sizes are known without it."""
    sizes = datasets.known_sizes().get(dataset)
    if sizes is None:
        return None
    shape, levels = sizes
    parts = [np.zeros([1, *shape], np.uint8)] * 3
    return datasets.Dataset(dataset, *parts, *[np.zeros([1], np.int64)] * 3, num_levels=levels)


def load_data(dataset: str, data_dir: str | None, data_options: dict[str, Any]) -> datasets.Dataset:
    """Returns the data of a run.

    Args:
      dataset: name, file or folder.
      data_dir: folder of TensorFlow Datasets.
      data_options: further arguments of `datasets.load`; columns as the run recorded them.

    Raises:
      ValueError: as `datasets.load`.
    """
    for key in ("columns", "condition"):
        recorded = data_options.get(key)
        if isinstance(recorded, list) and not isinstance(recorded[0], str):
            data_options = {**data_options, key: columns_of(data_options, key)}
    return datasets.load(dataset, data_dir, **data_options)


def _columns(entries: Sequence[str]) -> dict[str, Any]:
    """Returns what was said of columns, as `name=kind`."""
    form = (
        "`--column` must be NAME=KIND, with a kind of continuous, integer, category, ignore, or a "
        "step such as 0.01"
    )
    return _by_name(entries, str.rpartition, form, _number_or_text)


def _by_name(entries, cut, form, read):
    """Returns what stands behind the `=` of each entry by what stands before it."""
    result = {}
    for entry in entries:
        name, separator, text = cut(entry, "=")
        if not separator or not name:
            raise ValueError(f"{form}, got {entry!r}.")
        result[name] = read(text)
    return result


def _number_or_text(text):
    try:
        return float(text)
    except ValueError:
        return text


def _make_spec(model, data, dataset, given, precision) -> ModelSpec:
    """Returns the description of the model, with the options that are given."""
    options = {name: given[name] for name in MODEL_OPTIONS if name in given}
    parts = {name: options.pop(name) for name in ("flow", "base") if name in options}
    if model is None:
        spec = ModelSpec(data, parts.pop("flow"), parts.pop("base", "normal"))
    else:
        spec = models.named_spec(model, data)
    spec = models.with_options(spec, **parts)
    own = _set_options(options.pop("set", ()))
    _check_takes(model or "the model", spec, options)
    _check_images(model, data, dataset)
    is_free = model in models.names() and spec.flow[0] == "flow_plus_plus"
    if is_free:
        options = {"dropout_rate": _USUAL_DROPOUT, **options}
    if precision == "bfloat16":
        options["network_policy"] = "mixed_bfloat16"
    fields = {name: options.pop(name) for name in ("noise", "num_augmented") if name in options}
    spec = models.with_options(models.with_options(spec, **fields), **{**options, **own})
    models.check(spec)
    return spec


def _set_options(entries: Sequence[str]) -> dict[str, Any]:
    """Returns options of parts from `part.option=value`, with values as JSON or as text."""
    form = (
        "`--set` must be OPTION=VALUE or PART.OPTION=VALUE, such as flow.num_steps=4 (`tfp-ebm "
        "models MODEL` lists the options)"
    )
    return _by_name(entries, str.partition, form, _json_or_text)


def _json_or_text(text):
    for candidate in (text, f"[{text}]") if "," in text else (text,):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return text


def _check_takes(model, spec, given):
    taken = models.option_names(spec)
    wrong = [name for name in given if name not in taken]
    if wrong:
        fitting = [flag(name) for name in MODEL_OPTIONS if name in taken]
        raise ValueError(
            f"{model} does not take {', '.join(map(flag, wrong))}; of the options of models it "
            f"takes {', '.join(fitting)}."
        )


def _check_images(name, data, dataset):
    """Raises if a preset, whose sizes are fixed, is for other images."""
    if name not in models.preset_names():
        return
    expected = models.named_spec(name).data
    if _size(data) == _size(expected):
        return
    fitting = [
        other
        for other in models.preset_names()
        if _size(models.named_spec(other).data) == _size(data)
    ]
    presets = f"the presets {', '.join(fitting)}, or " if fitting else ""
    raise ValueError(
        f"{name} is for {_in_words(expected)}, but `--dataset` {dataset} has {_in_words(data)}; "
        f"take {presets}a model of any size, {', '.join(models.names())}."
    )


def _size(data):
    return data.event_shape, data.num_levels


def _in_words(data):
    if data.kind != "images":
        return f"events of shape {data.event_shape}"
    return f"images of {'x'.join(map(str, data.event_shape))} with {data.num_levels} levels"


def _settle_precision(options):
    if options["precision"] == "bfloat16" and not has_bfloat16_units():
        print("this machine has no bfloat16 units, which would be slower: float32 it is")
        options["precision"] = "float32"


def differing_options(config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Returns those of the options given that a run does not have."""
    known = {**config, **config["data"], **_model_options(config)}
    known["condition"] = config["condition"]  # In the data are the columns that it stands for.
    return {
        name: value
        for name, value in given.items()
        if value is not None and name != "strategy" and not _is_same(known, name, value)
    }


def _is_same(known, name, value):
    if name == "set":
        options = _set_options(value)
        return all(known.get(key) == option for key, option in options.items())
    if name == "column":
        return False
    if name == "dataset":
        return str(known[name]) == str(value)
    return known.get(name) == value


def _model_options(config):
    """Returns the options of the model of a run, with and without their part's name."""
    spec, found = config["spec"], {}
    for field in ("posterior", "noise", "base", "flow"):
        part = spec.get(field)
        name, options = part if isinstance(part, list) else (part, {})
        found[field] = name
        for key, value in options.items():
            found[f"{field}.{key}"] = found[key] = value
    found["noise"] = found["noise"] or "uniform"
    return {"num_augmented": spec.get("num_augmented", 0), **found}


def changed_config(
    config: dict[str, Any], given: dict[str, Any], run: pathlib.Path, update: int
) -> dict[str, Any]:
    """Returns the configuration of a run that goes on with other options.

    Its `changes` record what was changed, from what, and from which update on.

    Args:
      config: the configuration so far.
      given: options; None, and what the run has already, change nothing.
      run: its folder.
      update: the number of updates so far.

    Raises:
      ValueError: if an option cannot change within a run, or does not fit.
    """
    changed = differing_options(config, given)
    if not changed:
        return config
    check_options(changed)
    _check_changeable(config, changed, run)
    entry = {
        "update": update,
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "options": {name: {"from": config[name], "to": value} for name, value in changed.items()},
        "versions": versions(),
    }
    return {**config, **changed, "changes": [*config.get("changes", []), entry]}


def _check_changeable(config, changed, run):
    fixed = {option.name for option in OPTIONS if option.is_fixed} | {"model", "dataset"}
    # One optimizer for all, or one for each group: their states do not fit each other.
    own_rates = {"base_learning_rate", "noise_learning_rate"}
    if not any(config[name] for name in own_rates):
        fixed |= own_rates
    wrong = [name for name in changed if name in fixed]
    if wrong:
        free = [flag(option.name) for option in OPTIONS if option.name not in fixed]
        raise ValueError(
            f"{run} has another configuration, which differs in {', '.join(wrong)}; leave these "
            "options out to go on with the run, or train into a new folder. A run can go on with "
            f"other {', '.join(name for name in free if name != '--strategy')}."
        )


def versions() -> dict[str, str]:
    """Returns the versions of this package and of what it stands on."""
    return {
        "tfp_ebm": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        "tf_keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
