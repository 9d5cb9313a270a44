"""Labels of events: integers from 0, with or without names."""

from collections.abc import Iterable, Mapping

import numpy as np

__all__ = ["as_labels", "in_natural_order"]

# So many classes are believed of any number of events.
_MANY = 10_000


def in_natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Returns different names sorted, by value if all are whole numbers.

    >>> in_natural_order(["10", "9", "0", "9"]), in_natural_order(["b", "a"])
    (('0', '9', '10'), ('a', 'b'))
    """
    names = set(names)
    are_numbers = all(name.isascii() and name.isdigit() for name in names)
    return tuple(sorted(names, key=(lambda name: (int(name), name)) if are_numbers else None))


def as_labels(
    labels: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> tuple[dict[str, np.ndarray], tuple[str, ...] | None]:
    """Returns labels of all parts as int64, and names if they were strings.

    >>> as_labels({"train": np.array(["cat", "ant", "cat"])}, {"train": 3})
    ({'train': array([1, 0, 1])}, ('ant', 'cat'))

    Args:
      labels: `[N]` or `[N, 1]` for each part.
      sizes: the number of events of each part.

    Raises:
      ValueError: if a part has no labels or another number of them, or they are no classes.
    """
    if not labels:
        return {}, None
    if set(labels) != set(sizes):
        raise ValueError(
            f"Every part must have labels, or none: there are events for {', '.join(sizes)} and "
            f"labels for {', '.join(labels)}."
        )
    flat = {part: _flat(part, np.asarray(labels[part]), sizes[part]) for part in sizes}
    if all(values.dtype.kind == "U" for values in flat.values()):
        names = in_natural_order(
            name for values in flat.values() for name in np.unique(values).tolist()
        )
        index = {name: number for number, name in enumerate(names)}
        return {
            part: np.array([index[name] for name in values.tolist()], np.int64)
            for part, values in flat.items()
        }, names
    return {part: _integers(part, values) for part, values in flat.items()}, None


def _flat(part, values, size):
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and len(values) == size:
        raise ValueError(
            f"The labels of the {part} part must have shape ({size},), got {values.shape}; one-hot "
            "rows become classes by `np.argmax(labels, axis=-1)`."
        )
    if values.shape != (size,):
        raise ValueError(
            f"The labels of the {part} part must have shape ({size},), one for each event, got "
            f"{values.shape}."
        )
    return values


def _integers(part, values):
    if values.dtype.kind not in "biu":
        raise ValueError(
            f"The labels of the {part} part must be integers, or strings in every part, got "
            f"{values.dtype}; whole numbers become integers by `labels.astype(int)`."
        )
    if values.size and values.min() < 0:
        raise ValueError(
            f"The labels of the {part} part must be classes from 0, got {values.min()} for event "
            f"{int(values.argmin())}."
        )
    if values.size and values.max() >= max(_MANY, len(values)):
        raise ValueError(
            f"The labels of the {part} part must be classes from 0, numbered without large gaps, "
            f"got {values.max()}; `np.unique(labels, return_inverse=True)[1]` numbers them."
        )
    return values.astype(np.int64)
