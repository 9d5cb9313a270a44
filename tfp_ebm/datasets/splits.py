"""Which events become training, validation and test parts."""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.internal import checks

__all__ = ["PARTS", "Division", "check_classes", "divide", "take", "taken_parts"]

PARTS = ("train", "validation", "test")
_FRACTION = 0.1


class Division(NamedTuple):
    """How events that come without parts are divided.

    Attributes:
      validation: fraction or number of events for validation; None is a tenth.
      test: the same for the test.
      seed: seed of the order in which events are dealt out; None is 0.
      shuffle: whether there is such an order; if not, training events come first and test events
        last, and no array is copied.
    """

    validation: float | None = None
    test: float | None = None
    seed: int | None = None
    shuffle: bool = True


def divide(
    sizes: Mapping[str, int], division: Division
) -> dict[str, tuple[str, slice | np.ndarray]]:
    """Returns for each of the three parts where its events are.

    Parts that are there stay whole and in order; the others are taken from `"train"`.

    >>> divide({"train": 10, "test": 4}, Division(validation=0.2, shuffle=False))
    {'train': ('train', slice(0, 8, None)), 'validation': ('train', slice(8, 10, None)),
     'test': ('test', slice(None, None, None))}

    Args:
      sizes: number of events of each part that the data came in; everything, as `"train"`, if they
        came in none.
      division: how to divide.

    Raises:
      ValueError: if a size does not fit, a part is empty, or a part is there that was also asked to
        be taken from the others.
    """
    seed = checks.positive_integer("split_seed", division.seed or 0, minimum=0)
    if "train" not in sizes:
        raise ValueError(f"There must be a part to train on, got {', '.join(sizes) or 'none'}.")
    for part, size in sizes.items():
        if not size:
            raise ValueError(f"The {part} part must hold at least one event, got none.")
        if part != "train" and getattr(division, part) is not None:
            raise ValueError(
                f"`{part}` must be left out, since the data have a {part} part of their own, got "
                f"{getattr(division, part)!r}."
            )
    total = sizes["train"]
    missing = [part for part in PARTS if part not in sizes]
    counts = [_count(part, getattr(division, part), total) for part in missing]
    kept = total - sum(counts)
    if kept < 1:
        wanted = " and ".join(f"{n} for {part}" for n, part in zip(counts, missing, strict=True))
        raise ValueError(
            f"There must be at least {1 + len(missing)} events, one for each part, and some left "
            f"to train on, got {total} of which {wanted} are taken."
        )
    ends = np.cumsum([0, kept, *counts]).tolist()
    order = np.random.default_rng(seed).permutation(total) if division.shuffle and missing else None
    places = {part: (part, slice(None)) for part in sizes}
    for index, part in enumerate(["train", *missing]):
        span = slice(ends[index], ends[index + 1])
        places[part] = ("train", span if order is None else order[span])
    return {part: places[part] for part in PARTS}


def _count(name, value, total):
    if value is None:
        value = _FRACTION
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and 0 < value < 1:
        return max(1, round(total * float(value)))
    if is_number and isinstance(value, numbers.Integral) and value >= 1:
        return int(value)
    raise ValueError(
        f"`{name}` must be a fraction between 0 and 1 or a number of events of at least 1, got "
        f"{value!r}."
    )


def take(arrays: Mapping[str, np.ndarray], places: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns the parts of an array that came in parts; those in order are views.

    Args:
      arrays: `[N, ...]` for each part that the data came in.
      places: what `divide` returned.
    """
    return {part: arrays[source][index] for part, (source, index) in places.items()}


def check_classes(labels: Mapping[str, np.ndarray], division: Division) -> None:
    """Raises if parts in order hold classes that are not trained on, as of data sorted by class.

    Args:
      labels: `[N]` for each part, or nothing.
      division: how the parts were taken.

    Raises:
      ValueError: naming a part and its classes.
    """
    if division.shuffle or not labels:
        return
    for part in PARTS:
        unseen = np.setdiff1d(labels[part], labels["train"])
        if unseen.size:
            raise ValueError(
                f"The training part must hold every class, but only {part} has "
                f"{', '.join(map(str, unseen[:10]))}: the data are sorted by class, so leave out "
                "`shuffle=False`."
            )


def taken_parts(
    arrays: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    places: Mapping[str, Any],
    division: Division,
) -> dict[str, np.ndarray]:
    """Returns parts and their labels as arguments of a `Dataset`, the classes checked.

    Args:
      arrays: `[N, ...]` for each part that the data came in.
      labels: `[N]` for each of them, or nothing.
      places: what `divide` returned.
      division: how the parts were taken.

    Raises:
      ValueError: if parts in order hold classes that are not trained on.
    """
    classes = take(labels, places) if labels else {}
    check_classes(classes, division)
    named = {f"{part}_labels": values for part, values in classes.items()}
    return {**take(arrays, places), **named}
