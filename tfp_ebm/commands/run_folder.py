"""The folder of a run: what is in it, and the model made from it."""

import json
import pathlib
from typing import Any

from tfp_ebm import models
from tfp_ebm.distributions import Dequantized
from tfp_ebm.internal import checks
from tfp_ebm.training import checkpoint

__all__ = ["known_models", "load_model", "make_model", "read_config", "write_json"]


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.rename(path)


def read_config(run: pathlib.Path) -> dict[str, Any]:
    """Returns the configuration of a run.

    Raises:
      ValueError: if the folder is not that of a run, or its configuration is damaged.
    """
    path = run / "config.json"
    if not path.is_file():
        raise ValueError(f"{run} is no run folder: {path} is missing; make one by `tfp-ebm train`.")
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise ValueError(f"{path} is damaged; restore it from a copy.") from None


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
    model = make_model(config["model"], config["model_options"])
    checkpoint.restore(model, run / "checkpoint")
    return config, model
