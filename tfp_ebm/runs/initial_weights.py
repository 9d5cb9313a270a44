"""Trained parts of one model as the start of another."""

import pathlib

from tfp_ebm import models
from tfp_ebm.internal.types import Distribution
from tfp_ebm.runs.conditions import inside
from tfp_ebm.runs.run_folder import load_model, spec_of

__all__ = ["take_weights"]

_PARTS = ("flow", "base", "noise", "posterior")


def take_weights(model: Distribution, spec: models.ModelSpec, run: pathlib.Path) -> list[str]:
    """Copies the parts that a model has in common with that of a run; returns their names.

    So a flow that was trained with a Gaussian base goes on with a Boltzmann machine.

    Args:
      model: the model, freshly made.
      spec: its description.
      run: folder of the run.

    Raises:
      ValueError: if the folder is not that of a run, or there is no part in common.
    """
    config, trained = load_model(run)
    other = spec_of(config)
    is_same_space = (other.data, other.num_augmented) == (spec.data, spec.num_augmented)
    taken = []
    for name in _PARTS:
        if not is_same_space or getattr(spec, name) != getattr(other, name):
            continue
        ours, theirs = (getattr(models.parts(part), name) for part in (model, inside(trained)))
        ours, theirs = (list(getattr(part, "variables", ())) for part in (ours, theirs))
        for mine, value in zip(ours, theirs, strict=True):
            mine.assign(value)
        if ours:
            taken.append(name)
    if not taken:
        raise ValueError(
            f"`--init` {run} has no part in common with the new model: the same data, and the same "
            "flow or base with the same options, are needed."
        )
    return taken
