"""Trained models that come with the package."""

import importlib.resources
import json
import pathlib
from typing import Any

from tfp_ebm.internal import checks

__all__ = ["trained_folder", "trained_names", "trained_record"]


def _root():
    return pathlib.Path(str(importlib.resources.files("tfp_ebm.runs"))) / "weights"


def trained_names() -> tuple[str, ...]:
    """Returns the names of the trained models that `tfp_ebm.load` knows.

    >>> trained_names()
    ('digits-rbm-flow',)
    """
    return tuple(sorted(path.parent.name for path in _root().glob("*/record.json")))


def trained_folder(name: str) -> pathlib.Path:
    """Returns the folder of a trained model.

    Raises:
      ValueError: if none has this name; the message lists them.
    """
    return _root() / checks.choice("name of a trained model", name, trained_names())


def trained_record(name: str) -> dict[str, Any]:
    """Returns how a trained model was made, and its likelihood on the test part.

    >>> from tfp_ebm import runs
    >>> sorted(runs.trained_record("digits-rbm-flow"))
    ['command', ...]

    Args:
      name: one of `trained_names()`.

    Returns:
      `"command"`, which trained it; `"parameters"`; and `"test"`, a dictionary with
      `"bits_per_dimension"`, of the one-draw bound with `"seed"`, and `"bits_per_dimension_error"`,
      one standard error over events.

    Raises:
      ValueError: if none has this name; the message lists them.
    """
    return json.loads((trained_folder(name) / "record.json").read_text())
