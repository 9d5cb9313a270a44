"""Vectors that events are given, from columns of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfp_ebm.datasets.columns import Column

__all__ = ["condition_vectors"]


def condition_vectors(columns: Sequence[Column], rows: Mapping[str, Any]) -> np.ndarray:
    """Returns the vectors that events are given, of values in the units of their table.

    Numbers become (value - location) / scale, a category a one-hot vector.

    >>> age = Column("age", "continuous", location=40.0, scale=10.0)
    >>> works = Column("works", "category", categories=("no", "yes"))
    >>> condition_vectors([age, works], {"age": [50.0], "works": ["yes"]}).tolist()
    [[1.0, 0.0, 1.0]]

    Args:
      columns: the columns, numbers or categories.
      rows: values `[N]` for each name.

    Returns:
      Float32 `[N, C]`.

    Raises:
      ValueError: if a column is missing, or a value is missing or no category.
    """
    names = [column.name for column in columns]
    if odd := set(names) ^ set(rows):
        raise ValueError(
            f"The condition must have the columns {', '.join(names)}, and no others, got "
            f"{', '.join(rows) or 'none'}; see {', '.join(map(repr, sorted(odd)))}."
        )
    parts = []
    for column in columns:
        codes = column.encode(np.asarray(rows[column.name]))
        if column.categories:
            codes = np.eye(len(column.categories), dtype=np.float32)[codes.astype(np.int64)]
        parts.append(codes.reshape(len(codes), -1))
    return np.concatenate(parts, axis=1).astype(np.float32)
