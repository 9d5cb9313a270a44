"""What `evaluate` says of the energy-based machines of a model: log Z, and its bracket."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import models
from tfp_ebm.distributions import BoltzmannMachine
from tfp_ebm.internal.json_numbers import json_number
from tfp_ebm.internal.tfp_private import Blockwise, samplers
from tfp_ebm.internal.types import Distribution, Seed, TensorLike
from tfp_ebm.partition import reverse_annealing
from tfp_ebm.runs import progress
from tfp_ebm.runs.conditions import given
from tfp_ebm.training import energy_based_parts

__all__ = ["bracket_log_partition", "estimate_log_partitions", "machines_and_points"]

tfd = tfp.distributions

_NUM_CHAINS = 512
_NUM_STEPS = 1000
# Images whose codes start a reverse chain.
_NUM_REVERSE = 1000


def estimate_log_partitions(model: Distribution, seed: int) -> dict[str, Any]:
    """Estimates log Z of every machine of a model; returns their sum and the list, for JSON.

    Values add up; so do the squares of the errors, of estimates with seeds of their own.

    Args:
      model: the model.
      seed: seed of the annealing.

    Returns:
      `value` and `standard_error`, nats, `is_consistent`, whether ways to estimate it agree, and
      `machines`, a record of each with its `interval`; empty if there is none.
    """
    machines = []
    for index, part in enumerate(energy_based_parts(model)):
        with progress.shares("log Z") as report:
            estimate = part.estimate_log_partition(
                _NUM_CHAINS, _NUM_STEPS, seed=_own_seed((seed, 1), index), progress=report
            )
        machines.append(
            {
                "name": part.name,
                "event_shape": part.event_shape.as_list(),
                "value": float(estimate.value),
                "standard_error": float(estimate.standard_error),
                "effective_sample_size": json_number(estimate.effective_sample_size),
                "method": estimate.method,
                "direction": estimate.direction,
                "num_steps": estimate.num_steps,
                "is_consistent": bool(estimate.is_consistent),
                "interval": [float(end) for end in estimate.interval],
            }
        )
    if not machines:
        return {}
    return {
        "value": sum(machine["value"] for machine in machines),
        "standard_error": math.hypot(*(machine["standard_error"] for machine in machines)),
        "method": _all(machine["method"] for machine in machines),
        "direction": _all(machine["direction"] for machine in machines),
        "is_consistent": all(machine["is_consistent"] for machine in machines),
        "machines": machines,
    }


def bracket_log_partition(
    model: Distribution | models.Conditional,
    images: np.ndarray,
    seed: int,
    condition: np.ndarray | None = None,
) -> dict[str, Any]:
    """Returns the width of the bracket around log Z, by reverse annealing from test images.

    Each machine's chains start from its part of the codes; gaps of an image add up.

    Args:
      model: the model, whose log Z was estimated.
      images: `[N, *event_shape]`.
      seed: seed of the codes and of the annealing.
      condition: what each image is given, for a conditional model.

    Returns:
      `nats`, `nats_error` and `bits_per_dimension` of all machines together, and `machines`, those
      of each; empty if there is none that is annealed.
    """
    images = images[:_NUM_REVERSE]
    if condition is not None:
        model = given(model, condition[:_NUM_REVERSE])
    gaps, names = [], []
    for index, (machine, points) in enumerate(machines_and_points(model, images, (seed, 8))):
        own_seed = _own_seed((seed, 9), index)
        reverse = reverse_annealing(machine, points, 1, _NUM_STEPS, seed=own_seed).value.numpy()
        log_z = float(tf.stop_gradient(machine.log_partition()))
        gaps.append(reverse.astype(np.float64) - log_z)
        names.append(machine.name)
    if not gaps:
        return {}
    to_bits = 1 / (math.prod(images.shape[1:]) * math.log(2))
    total = sum(gaps)
    return {
        "method": "RAISE from the codes of events, minus the estimate above, summed over machines",
        "num_events": len(total),
        **_moments(total),
        "bits_per_dimension": total.mean() * to_bits,
        "machines": [
            {"name": name, **_moments(gap)} for name, gap in zip(names, gaps, strict=True)
        ],
    }


def _own_seed(seed, index):
    """Returns the seed itself for the first machine, and others for others."""
    return samplers.fold_in(tf.constant(seed), index) if index else seed


def _all(words):
    """Returns what all have in common, or the different ones."""
    return ", ".join(dict.fromkeys(words))


def _moments(gap):
    error = gap.std(ddof=1) / math.sqrt(len(gap)) if len(gap) > 1 else None
    return {"nats": gap.mean(), "nats_error": error}


def machines_and_points(
    model: Distribution, x: TensorLike, seed: Seed
) -> list[tuple[BoltzmannMachine, tf.Tensor]]:
    """Returns the machines of a base, each with what of the events reaches it."""
    base, points = models.parts(model).base, models.latents(model, x, seed)
    if not isinstance(base, Blockwise):
        return [(base, points)] if isinstance(base, BoltzmannMachine) else []
    parts = tf.nest.flatten(base.distributions)
    points = tf.split(points, [part.event_shape.num_elements() for part in parts], axis=-1)
    pairs = zip(parts, points, strict=True)
    return [(part, own) for part, own in pairs if isinstance(part, BoltzmannMachine)]
