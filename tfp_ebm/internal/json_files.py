"""JSON files, read with an error that names them."""

import json
import pathlib
from typing import Any

__all__ = ["read_json"]


def read_json(path: pathlib.Path) -> Any:  # Whatever stands in it.
    """Returns what a JSON file holds.

    Raises:
      ValueError: if it is no JSON; it names the file.
    """
    try:
        return json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged: it is no JSON ({error}); restore it from a copy."
        ) from error
