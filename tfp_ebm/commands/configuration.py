"""The configuration of a run: made, checked, and changed when training goes on."""

import datetime
import pathlib
import platform
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, models
from tfp_ebm.commands.run_folder import known_models
from tfp_ebm.internal import checks
from tfp_ebm.internal.hardware import has_bfloat16_units
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.train_options import MODEL_OPTIONS, OPTIONS, check_options, flag
from tfp_ebm.version import __version__

__all__ = ["changed_config", "differing_options", "new_config"]


def new_config(
    model: str | None, dataset: str | None, given: dict[str, Any]
) -> tuple[dict[str, Any], datasets.Dataset]:
    """Returns the whole configuration of a new run, checked, and its data.

    Args:
      model: name of a model or preset.
      dataset: name of the data set.
      given: options; None leaves the default.

    Raises:
      ValueError: if a name is unknown, or an option does not fit; it names what would.
    """
    checks.choice("MODEL", model, known_models())
    checks.choice("--dataset", dataset, datasets.names())
    check_options(given)
    _check_model_takes(model, given)
    is_preset = model not in models.names()
    options = {}
    for option in OPTIONS:
        default = None if is_preset and option.name in MODEL_OPTIONS else option.default
        value = given.get(option.name)
        options[option.name] = default if value is None else value
    _settle_precision(options)
    data = datasets.load(dataset, options["data_dir"])
    if is_preset:
        _check_images(model, data)
    model_options = {
        name: value for name in MODEL_OPTIONS if (value := options.pop(name)) is not None
    }
    if options["precision"] == "bfloat16":
        model_options["network_policy"] = "mixed_bfloat16"
    model_options |= {"image_shape": list(data.image_shape), "num_levels": data.num_levels}
    config = {
        "model": model,
        "dataset": dataset,
        "model_options": model_options,
        **options,
        "versions": _versions(),
    }
    return config, data


def _check_model_takes(model, given):
    taken = models.option_names(model)
    wrong = [name for name in MODEL_OPTIONS if given.get(name) is not None and name not in taken]
    if wrong:
        fitting = [flag(name) for name in MODEL_OPTIONS if name in taken]
        raise ValueError(
            f"{model} does not take {', '.join(map(flag, wrong))}; of the options of models it "
            f"takes {', '.join(fitting)}."
        )


def _check_images(preset, data):
    """Raises if a preset, whose sizes are fixed, is for other images."""
    own = data.image_shape, data.num_levels
    expected = models.preset_images(preset)
    if expected in (None, own):
        return
    fitting = [name for name in models.preset_names() if models.preset_images(name) == own]
    presets = f"the presets {', '.join(fitting)}, or " if fitting else ""
    raise ValueError(
        f"{preset} is for images of {_in_words(*expected)}, but `--dataset` {data.name} has "
        f"{_in_words(*own)}; take {presets}a model of any size, {', '.join(models.names())}."
    )


def _in_words(image_shape, num_levels):
    return f"{'x'.join(map(str, image_shape))} with {num_levels} levels"


def _settle_precision(options):
    if options["precision"] == "bfloat16" and not has_bfloat16_units():
        print("this machine has no bfloat16 units, which would be slower: float32 it is")
        options["precision"] = "float32"


def differing_options(config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Returns those of the options given that a run does not have."""
    known = {**config, **config["model_options"]}
    return {
        name: value
        for name, value in given.items()
        if value is not None and name != "strategy" and known.get(name) != value
    }


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
        "versions": _versions(),
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


def _versions():
    return {
        "tfp_ebm": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        "tf_keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
