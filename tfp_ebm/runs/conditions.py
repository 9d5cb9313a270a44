"""Runs whose events are modelled given their class or a vector: their models, and what is given."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, models
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Distribution, Seed, TensorLike
from tfp_ebm.models import Conditional
from tfp_ebm.models.parts import num_levels

__all__ = [
    "as_trained",
    "condition_of",
    "density_inside",
    "events_given",
    "given",
    "given_of",
    "inside",
    "levels_of",
    "num_context",
    "parts_of",
    "source_of",
]

tfd = tfp.distributions
_PARTS = ("train", "validation", "test")


def source_of(condition: str | None) -> str | list[str] | None:
    """Returns where the vectors that events are given come from: columns, an array, or neither.

    >>> source_of("columns:age,height"), source_of("array:c"), source_of("labels")
    (['age', 'height'], 'c', None)

    Args:
      condition: `"labels"`, `"columns:NAME,NAME"`, `"array:NAME"`, or None.

    Raises:
      ValueError: if it is none of them.
    """
    kind, separator, names = (condition or "labels").partition(":")
    if kind == "labels" and not separator:
        return None
    if kind == "columns" and all(names.split(",")):
        return names.split(",")
    if kind == "array" and names:
        return names
    raise ValueError(
        "`--condition` must be labels, columns:NAME,NAME of a table or array:NAME of an .npz file, "
        f"got {condition!r}."
    )


def num_context(condition: str | None, data: datasets.Dataset) -> int | None:
    """Returns the size of the condition vectors of a run, of labels their number; or None.

    Args:
      condition: as for `source_of`.
      data: the data.

    Raises:
      ValueError: if the data have no labels, of a single class, or of classes that training has
        not.
    """
    if condition is None:
        return None
    if source_of(condition) is not None:
        if data.train_condition is None:
            raise ValueError(
                f"`--condition` {condition} needs a table or an .npz file, and {data.name} is none."
            )
        return data.train_condition.shape[1]
    if data.num_classes is None:
        raise ValueError(
            f"`--condition` labels needs labels, and {data.name} has none; name the column, array "
            "or feature that holds them by `--label`."
        )
    if data.num_classes < 2:
        raise ValueError(f"`--condition` labels needs two classes or more; {data.name} has one.")
    for part in _PARTS:
        labels = getattr(data, f"{part}_labels")
        if labels.min(initial=0) < 0 or labels.max(initial=0) >= data.num_classes:
            raise ValueError(
                f"`--condition` labels needs labels from 0 to {data.num_classes - 1}, the classes "
                f"of the training part, got {labels.min()} to {labels.max()} in the {part} part of "
                f"{data.name}."
            )
    return data.num_classes


def as_trained(config: dict[str, Any], model: Distribution) -> Distribution | Conditional:
    """Returns the model of a run as it was trained: conditional, if it depends on something."""
    if config.get("condition") is None:
        return model
    are_labels = source_of(config["condition"]) is None
    return Conditional(model, config["spec"]["data"]["num_context"] if are_labels else None)


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


def given(model: Distribution | Conditional, condition: TensorLike) -> Distribution:
    """Returns the distribution of events given labels or vectors; of other models the model."""
    return model(condition) if isinstance(model, Conditional) else model


def given_of(model: Distribution | Conditional, data: datasets.Dataset, part: str) -> np.ndarray:
    """Returns what the events of a part are given: vectors, or labels, zeros where there are none.

    Args:
      model: the model.
      data: the data.
      part: name of the part.
    """
    if isinstance(model, Conditional) and model.num_classes is None:
        return getattr(data, f"{part}_condition")
    labels = getattr(data, f"{part}_labels")
    return np.zeros(len(getattr(data, part)), np.int64) if labels is None else labels


def events_given(
    model: Distribution | Conditional, data: datasets.Dataset, count: int, seed: Seed
) -> tf.Tensor:
    """Returns samples: of classes in turn, or given what test events are given, in turn.

    Args:
      model: the model.
      data: the data.
      count: number of samples.
      seed: seed.
    """
    if not isinstance(model, Conditional) or model.num_classes is not None:
        return model.sample(count, seed=seed)
    vectors = data.test_condition
    return model(vectors[np.arange(count) % len(vectors)]).sample(seed=seed)


def condition_of(config: dict[str, Any], condition: str) -> np.ndarray:
    """Returns what a text means: a class, by its name or number, or the vector of some values.

    Args:
      config: the configuration of a run.
      condition: the text: a class; `NAME=VALUE,NAME=VALUE` of columns; numbers of an array.

    Returns:
      A label `[]`, or a vector `[C]`.

    Raises:
      ValueError: if the model of the run depends on nothing, or the text names no class or vector.
    """
    if config.get("condition") is None:
        raise ValueError(
            "`--condition` has no place here: the model of this run was trained without one; leave "
            "it out, or train one by `tfp-ebm train ... --condition labels`."
        )
    size, source = config["spec"]["data"]["num_context"], source_of(config["condition"])
    if source is None:
        return np.int64(_class_of(config.get("label_names"), size, condition))
    if isinstance(source, str):
        return _vector_of(condition, size)
    columns = [datasets.Column(**column) for column in config["data"]["condition"]]
    pairs = [entry.partition("=") for entry in condition.split(",")]
    if [name for name, *_ in pairs] != source or not all(value for *_, value in pairs):
        form = ",".join(f"{name}=VALUE" for name in source)
        raise ValueError(f"`--condition` must be {form} of this run, got {condition!r}.")
    rows = {}
    for column, (name, _, value) in zip(columns, pairs, strict=True):
        rows[name] = [value if column.categories else _number(name, value)]
    return datasets.condition_vectors(columns, rows)[0]


def _class_of(names, size, condition):
    numbers = [str(index) for index in range(size)]
    names = names or numbers
    if condition in names:
        return names.index(condition)
    if condition in numbers:
        return int(condition)
    return names.index(checks.choice("--condition", condition, names))


def _vector_of(condition, size):
    numbers = [_number("--condition", value) for value in condition.split(",")]
    if len(numbers) != size:
        raise ValueError(
            f"`--condition` must be {size} numbers for this run, with commas between, got "
            f"{len(numbers)}."
        )
    return np.array(numbers, np.float32)


def _number(name, text):
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number, got {text!r}.")
    return value
