"""Run folders of studies, which are stopped and started again."""

import json
import pathlib
from typing import Any

from tfp_ebm.internal.types import Options
from tfp_ebm.runs.evaluate import evaluate
from tfp_ebm.runs.train import train

__all__ = ["complete"]

_KEPT = ("num_parameters", "training_seconds", "best_epoch")


def complete(
    output: pathlib.Path, epochs: int, evaluation: Options | None = None, **given: Any
) -> dict[str, Any]:
    """Trains and evaluates a run as far as its folder does not hold it, and returns its figures.

    What is there is not made again, so that a study is a list of calls of this function: stopped,
    it goes on where it was.

    >>> import pathlib, tempfile
    >>> from tfp_ebm import runs
    >>> folder = pathlib.Path(tempfile.mkdtemp(), "run")
    >>> given = {"flow": "affine", "base": "normal", "batch_size": 1000}
    >>> figures = runs.complete(folder, epochs=1, dataset="two_moons", **given)
    Dataset 'two_moons': ...
    >>> figures["num_parameters"], figures["test"]["bound"]
    (8, 'exact')

    Args:
      output: folder of the run, a new one or that of an earlier call.
      epochs: passes over the training part; more of them than before go on training.
      evaluation: options of `evaluate`; None: its defaults.
      **given: other options of `train`, which count for a new run only.

    Returns:
      `num_parameters`, `training_seconds`, `best_epoch`, and what `evaluate` found as `test`.

    Raises:
      ValueError: if an option does not fit.
    """
    if (output / "config.json").exists():
        train(resume=output, epochs=epochs)
    else:
        train(output=output, epochs=epochs, **given)
    options = dict(evaluation or {})
    found, summary = output / f"evaluation-{options.get('seed', 0)}.json", output / "summary.json"
    if not found.exists() or found.stat().st_mtime < summary.stat().st_mtime:
        evaluate(output, data_dir=given.get("data_dir"), **options)
    figures = json.loads(summary.read_text())
    return {
        **{name: figures[name] for name in _KEPT},
        "test": json.loads(found.read_text()),
    }
