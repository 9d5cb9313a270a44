"""The folder of a run: what is in it, and the model made from it."""

import json
import pathlib
import shlex
from typing import Any

from tfp_ebm import datasets, models
from tfp_ebm.internal.json_files import read_json
from tfp_ebm.internal.train_options import OPTIONS, check_options
from tfp_ebm.internal.types import Distribution
from tfp_ebm.runs.conditions import as_trained, source_of
from tfp_ebm.training import checkpoint
from tfp_ebm.version import __version__

__all__ = [
    "check_data",
    "columns_of",
    "load_model",
    "quoted",
    "read_config",
    "spec_of",
    "write_json",
]


def quoted(path: pathlib.Path) -> str:
    """Returns a path as a shell takes it."""
    return shlex.quote(str(path))


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
    config = read_json(path)
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
    if not isinstance(config, dict) or not isinstance(config.get("data", {}), dict):
        raise ValueError("it, and its `data`, must be objects, `{...}`.")
    if missing := [key for key in ("model", "dataset", "data", "spec") if key not in config]:
        raise ValueError(f"it lacks {', '.join(missing)}.")
    if not isinstance(config["dataset"], str):
        raise ValueError(f"`dataset` must be a name or a path, got {config['dataset']!r}.")
    spec = models.ModelSpec.from_dict(config["spec"])
    models.check(spec)
    own = [option for option in OPTIONS if option.group not in ("model", "data")]
    config = {**{option.name: option.default for option in own}, **config}
    for option in own:
        if config[option.name] is None and option.default is not None:
            raise ValueError(f"`{option.name}` must have a value, got null.")
    check_options({**config["data"], **config})
    source_of(config["condition"])
    for key in ("columns", "condition"):
        columns_of(config["data"], key)
    if bool(config["condition"]) != bool(spec.data.num_context):
        raise ValueError(
            "`condition` and the `num_context` of the data must be there together, got "
            f"{config['condition']!r} and {spec.data.num_context}."
        )
    if not isinstance(config.get("changes", []), list):
        raise ValueError(f"`changes` must be a list, got {config['changes']!r}.")
    return config


def spec_of(config: dict[str, Any]) -> models.ModelSpec:
    """Returns the description of the model of a run."""
    return models.ModelSpec.from_dict(config["spec"])


def columns_of(
    data_options: dict[str, Any], key: str = "columns"
) -> tuple[datasets.Column, ...] | None:
    """Returns the columns of a table, from the `data` of a configuration; None of other data.

    Args:
      data_options: the `data` of the configuration.
      key: `"columns"`, or `"condition"` for those that events are given.

    Raises:
      ValueError: if what is recorded is no column.
    """
    columns = data_options.get(key)
    if not isinstance(columns, list):
        return None
    try:
        return tuple(datasets.Column(**column) for column in columns)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`data` has a `{key}` that is none of a table: {error}.") from error


def check_data(run: pathlib.Path, config: dict[str, Any], data: datasets.Dataset) -> None:
    """Raises unless the configuration of a run describes the events of its data set."""
    described = spec_of(config).data
    expected = data.event_shape, data.num_levels if data.image_shape else None
    if (described.event_shape, described.num_levels) != expected:
        raise ValueError(
            f"{run / 'config.json'} does not fit its data: its events have shape "
            f"{described.event_shape} and {described.num_levels} levels, but {config['dataset']} "
            f"has {expected[0]} and {expected[1]}. Restore the data or the file from a copy, or "
            "train again into a new folder."
        )
    if described.num_context and (source := source_of(config["condition"])) is not None:
        size = None if data.train_condition is None else data.train_condition.shape[1]
        if described.num_context != size:
            given = source if isinstance(source, str) else ", ".join(source)
            raise ValueError(
                f"The model of {run} is of events given {given}, vectors of size "
                f"{described.num_context}, but those of {config['dataset']} have size {size or 0}. "
                "Restore the data from a copy."
            )
    elif described.num_context and described.num_context != data.num_classes:
        raise ValueError(
            f"The model of {run} is of events of {described.num_context} classes, but "
            f"{config['dataset']} has {data.num_classes or 'no'} classes. Restore the data from a "
            "copy, or give data with the same labels."
        )


def load_model(
    run: pathlib.Path,
) -> tuple[dict[str, Any], Distribution | models.Conditional]:
    """Returns the configuration and the trained model of a run, a `Conditional` of one of classes.

    >>> from tfp_ebm import runs
    >>> run = runs.example_run()
    >>> configuration, model = runs.load_model(run)
    >>> model.event_shape
    TensorShape([2])

    Raises:
      ValueError: if the folder is not that of a run or something in it is damaged.
    """
    config = read_config(run)
    if not (run / "checkpoint").exists() and not (run / "checkpoint.previous").exists():
        raise ValueError(
            f"{run} has no trained weights yet; train it by: tfp-ebm train --resume {quoted(run)}"
        )
    try:
        model = models.build(spec_of(config))
    except (ValueError, TypeError) as error:
        raise ValueError(_damaged(run / "config.json", config, error)) from error
    checkpoint.restore(model, run / "checkpoint")
    return config, as_trained(config, model)
