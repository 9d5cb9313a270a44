"""Runs whose events are modelled given their class: their models, and labels for them."""

from typing import Any

import numpy as np
import tensorflow_probability as tfp

from tfp_ebm import datasets, models
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Distribution, TensorLike
from tfp_ebm.models import Conditional
from tfp_ebm.models.parts import num_levels

__all__ = [
    "as_trained",
    "class_of",
    "density_inside",
    "given",
    "inside",
    "labels_of",
    "levels_of",
    "num_context",
    "parts_of",
]

tfd = tfp.distributions
_PARTS = ("train", "validation", "test")


def num_context(condition: str | None, data: datasets.Dataset) -> int | None:
    """Returns the size of the condition vectors of a run: the number of classes, or None.

    Args:
      condition: `"labels"`, or None.
      data: the data.

    Raises:
      ValueError: if the data have no labels, of a single class, or of classes that training has
        not.
    """
    if condition is None:
        return None
    if data.num_classes is None:
        raise ValueError(
            f"`--condition` labels needs labels, and {data.name} has none; name the column, array "
            "or feature that holds them by `--label`."
        )
    if data.num_classes < 2:
        raise ValueError(f"`--condition` labels needs two classes or more; {data.name} has one.")
    for part in _PARTS:
        labels = labels_of(data, part)
        if labels.min(initial=0) < 0 or labels.max(initial=0) >= data.num_classes:
            raise ValueError(
                f"`--condition` labels needs labels from 0 to {data.num_classes - 1}, the classes "
                f"of the training part, got {labels.min()} to {labels.max()} in the {part} part of "
                f"{data.name}."
            )
    return data.num_classes


def as_trained(config: dict[str, Any], model: Distribution) -> Distribution | Conditional:
    """Returns the model of a run as it was trained: conditional, if it depends on labels."""
    if config.get("condition") is None:
        return model
    return Conditional(model, num_classes=config["spec"]["data"]["num_context"])


def inside(model: Distribution | Conditional) -> Distribution:
    """Returns the distribution that has the parts of a model."""
    return model.model if isinstance(model, Conditional) else model


def parts_of(model: Distribution | Conditional) -> models.Parts:
    """Returns the parts of a model, conditional or not."""
    return models.parts(inside(model))


def levels_of(model: Distribution | Conditional) -> int | None:
    """Returns the number of levels of a model, conditional or not."""
    return num_levels(inside(model))


def density_inside(model: Distribution | Conditional) -> Distribution | Conditional:
    """Returns the density inside a model of levels, conditional if the model is."""
    density = inside(model).distribution
    return Conditional(density, model.num_classes) if isinstance(model, Conditional) else density


def given(model: Distribution | Conditional, labels: TensorLike) -> Distribution:
    """Returns the distribution of events given labels `[N]`; of other models the model itself."""
    return model(labels) if isinstance(model, Conditional) else model


def labels_of(data: datasets.Dataset, part: str) -> np.ndarray:
    """Returns the labels of a part of the data, `[N]`; zeros where there are none."""
    labels = getattr(data, f"{part}_labels")
    return np.zeros(len(getattr(data, part)), np.int64) if labels is None else labels


def class_of(config: dict[str, Any], condition: str) -> int:
    """Returns the class that a text means: its name, if classes have names, or its number.

    Args:
      config: the configuration of a run.
      condition: the text.

    Raises:
      ValueError: if the model of the run depends on no classes, or there is none of this name.
    """
    if config.get("condition") is None:
        raise ValueError(
            "`--condition` has no place here: the model of this run was trained without classes; "
            "leave it out, or train one by `tfp-ebm train ... --condition labels`."
        )
    numbers = [str(index) for index in range(config["spec"]["data"]["num_context"])]
    names = config.get("label_names") or numbers
    if condition in names:
        return names.index(condition)
    if condition in numbers:
        return int(condition)
    return names.index(checks.choice("--condition", condition, names))
