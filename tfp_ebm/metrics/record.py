"""One measured figure with everything needed to measure it again."""

import math
from typing import NamedTuple

from tfp_ebm.internal.json_numbers import json_fields

__all__ = ["Record", "difference"]

_SHARED = ("metric", "network", "network_sha256", "resize", "num_samples", "num_reference", "split")


class Record(NamedTuple):
    """A measured figure, its error, and what it was measured with and on.

    >>> from tfp_ebm import metrics
    >>> record = metrics.Record(
    ...     metric="kernel_distance", value=1.4, error=0.02, error_kind="standard error",
    ...     num_samples=5000, num_reference=5000, split="test", network="classifier",
    ...     network_sha256="", resize="none",
    ... )
    >>> record.to_dict()["value"]
    1.4

    Attributes:
      metric: name of the metric.
      value: the figure.
      error: its error; NaN where it is unknown, as from one split.
      error_kind: what the error is.
      num_samples: number of images judged.
      num_reference: number of images they were compared with; 0 if the metric compares with none.
      split: part of the data set that the images compared with, or judged, come from.
      network: name of the feature network.
      network_sha256: SHA-256 of its weights; empty where it has none that can be read.
      resize: how images became the network's input.
    """

    metric: str
    value: float
    error: float
    error_kind: str
    num_samples: int
    num_reference: int
    split: str
    network: str
    network_sha256: str
    resize: str

    to_dict = json_fields


def difference(first: Record, second: Record) -> tuple[float, float]:
    """Returns `first.value - second.value` and its error, both errors taken as independent.

    The error is NaN, unknown, where that of one record is.

    >>> one = Record("kernel_distance", 0.5, 0.03, "", 100, 100, "test", "net", "ab", "none")
    >>> two = one._replace(value=0.3, error=0.04)
    >>> [round(number, 3) for number in difference(one, two)]
    [0.2, 0.05]

    Args:
      first: a record.
      second: a record of the same metric, measured in the same way.

    Raises:
      ValueError: if the two differ in metric, network or its weights, resize rule, numbers of
        images or split: then their difference says nothing about the models.
    """
    for field in _SHARED:
        one, other = getattr(first, field), getattr(second, field)
        if one != other:
            raise ValueError(
                f"Records can be compared if they share their `{field}`, got {one!r} and "
                f"{other!r}; measure both runs again with the same network, images and rule."
            )
    return first.value - second.value, math.hypot(first.error, second.error)
