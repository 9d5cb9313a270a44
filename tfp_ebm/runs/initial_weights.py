"""Where training starts: at the moments of data, or at the trained parts of another model."""

import pathlib
from collections.abc import Sequence

import numpy as np

from tfp_ebm import models
from tfp_ebm.bijectors import ActNorm
from tfp_ebm.flows import initialize_from_data
from tfp_ebm.flows.initialization import is_trained_scale
from tfp_ebm.internal.types import Distribution
from tfp_ebm.models.parts import flow_input
from tfp_ebm.runs.conditions import inside
from tfp_ebm.runs.machines import machines_and_points
from tfp_ebm.runs.run_folder import load_model, spec_of

__all__ = ["initialize", "take_weights"]

# Events that are enough for moments.
_NUM_EVENTS = 1000
_PARTS = ("flow", "base", "noise", "posterior")


def initialize(
    model: Distribution, events: np.ndarray, seed: int, taken: Sequence[str] = ()
) -> list[str]:
    """Sets a new model by the moments of some events; returns the names of the parts that are set.

    Every `ActNorm` of its flow then whitens what reaches it, a last trainable scale, as NICE's,
    gives latents a mean square of 1, and the Gaussian machines of its base have the mean and
    standard deviation of the latents.

    Args:
      model: the model, freshly made.
      events: `[N, *event_shape]`, of which the first 1000 are used.
      seed: seed of noise and chains.
      taken: names of parts that are set already, from another model.

    Raises:
      ValueError: if there is nothing to set, or events are modelled given their class.
    """
    if isinstance(model, models.Conditional):
        raise ValueError("`--initialize` has no place beside `--condition`; leave one of them out.")
    events, found, done = events[:_NUM_EVENTS], models.parts(model), []
    if found.flow is not None and "flow" not in taken and _can_be_set(found.flow):
        initialize_from_data(found.flow, flow_input(model, events, (seed, 4))[0])
        done.append("flow")
    machines = () if "base" in taken else machines_and_points(model, events, (seed, 4))
    for machine, points in machines:
        if hasattr(machine, "initialize_from_data"):
            machine.initialize_from_data(points, (seed, 5))
            done.append(f"base {machine.name}")
    if not done:
        raise ValueError(
            "`--initialize` has nothing to set: the flow has no ActNorm or trained scale, and the "
            "base no Gaussian machine; leave it out."
        )
    return done


def _can_be_set(flow):
    return any(isinstance(part, ActNorm) or is_trained_scale(part) for part in flow.submodules)


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
