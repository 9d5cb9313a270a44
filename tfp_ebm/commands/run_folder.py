"""The folder of a run: what is in it, and the model made from it."""

import json
import pathlib
from typing import Any

from tfp_ebm import datasets, models
from tfp_ebm.distributions import Dequantized
from tfp_ebm.internal import checks
from tfp_ebm.internal.train_options import OPTIONS, check_options
from tfp_ebm.training import checkpoint
from tfp_ebm.version import __version__

__all__ = ["check_data", "known_models", "load_model", "make_model", "read_config", "write_json"]


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.rename(path)


def read_config(run: pathlib.Path) -> dict[str, Any]:
    """Returns the configuration of a run, with the defaults of options that it does not name.

    Raises:
      ValueError: if the folder is not that of a run, or its configuration is damaged; it names the
        file and what is wrong in it.
    """
    path = run / "config.json"
    if not path.is_file():
        raise ValueError(
            f"{run} is no run folder: {path} is missing; make one by `tfp-ebm train`, or restore "
            "the file from a copy."
        )
    try:
        config = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged: it is no JSON ({error}); restore it from a copy."
        ) from error
    try:
        return _checked(config)
    except ValueError as error:
        raise ValueError(_damaged(path, config, error)) from error


def _damaged(path, config, error):
    """Returns what to say of a configuration, and of the version that wrote it if it is another."""
    remedy = "Restore it from a copy, or train again into a new folder."
    versions = config.get("versions") if isinstance(config, dict) else None
    written_by = versions.get("tfp_ebm") if isinstance(versions, dict) else None
    if isinstance(written_by, str) and written_by != __version__:
        remedy = f"It was written by tfp-ebm {written_by}, this is {__version__}. {remedy}"
    return f"{path} is damaged: {error} {remedy}"


def _checked(config):
    """Returns a configuration with its defaults, or raises if it could not be that of a run."""
    keys = ("model", "dataset", "model_options")
    if not isinstance(config, dict) or not isinstance(config.get("model_options", {}), dict):
        raise ValueError("it, and its `model_options`, must be objects, `{...}`.")
    if missing := [key for key in keys if key not in config]:
        raise ValueError(f"it lacks {', '.join(missing)}.")
    checks.choice("model", config["model"], known_models())
    checks.choice("dataset", config["dataset"], datasets.names())
    model_options = config["model_options"]
    checks.image_shape("image_shape", model_options.get("image_shape"))
    checks.positive_integer("num_levels", model_options.get("num_levels"), minimum=2)
    taken = {*models.option_names(config["model"]), "network_policy"}
    if unknown := sorted({*model_options} - taken):
        raise ValueError(f"{config['model']} does not take {', '.join(unknown)}.")
    own = [option for option in OPTIONS if option.group != "model"]
    config = {**{option.name: option.default for option in own}, **config}
    for option in own:
        if config[option.name] is None and option.default is not None:
            raise ValueError(f"`{option.name}` must have a value, got null.")
    check_options({**model_options, **config})
    if not isinstance(config.get("changes", []), list):
        raise ValueError(f"`changes` must be a list, got {config['changes']!r}.")
    return config


def check_data(run: pathlib.Path, config: dict[str, Any], data: datasets.Dataset) -> None:
    """Raises unless the configuration of a run describes the images of its data set."""
    options = config["model_options"]
    expected = [*data.image_shape], data.num_levels
    if ([*options["image_shape"]], options["num_levels"]) != expected:
        raise ValueError(
            f"{run / 'config.json'} is damaged: its `image_shape` is {options['image_shape']} and "
            f"its `num_levels` {options['num_levels']}, but {config['dataset']} has {expected[0]} "
            f"and {expected[1]}. Restore it from a copy, or train again into a new folder."
        )


def known_models() -> tuple[str, ...]:
    """Returns the names of the models and of the presets."""
    return (*models.names(), *models.preset_names())


def make_model(name: str, options: dict[str, Any]) -> Dequantized:
    """Returns a new model of a run.

    Args:
      name: one of `known_models()`.
      options: arguments of the model, among them `image_shape` and `num_levels`.

    Raises:
      ValueError: if there is no such model or an option does not fit.
    """
    checks.choice("MODEL", name, known_models())
    make = models.preset if name in models.preset_names() else models.create
    return make(name, **options)


def load_model(run: pathlib.Path) -> tuple[dict[str, Any], Dequantized]:
    """Returns the configuration and the trained model of a run.

    Raises:
      ValueError: if the folder is not that of a run or something in it is damaged.
    """
    config = read_config(run)
    if not (run / "checkpoint").exists() and not (run / "checkpoint.previous").exists():
        raise ValueError(
            f"{run} has no trained weights yet; train it by: tfp-ebm train --resume {run}"
        )
    try:
        model = make_model(config["model"], config["model_options"])
    except (ValueError, TypeError) as error:
        raise ValueError(_damaged(run / "config.json", config, error)) from error
    checkpoint.restore(model, run / "checkpoint")
    return config, model
