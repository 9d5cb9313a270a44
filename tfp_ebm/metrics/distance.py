"""A distance between two sets of features, with its error."""

from typing import NamedTuple

__all__ = ["Distance"]


class Distance(NamedTuple):
    """A distance between two sets of features, and what it was measured on.

    Attributes:
      value: the distance.
      standard_error: of the value, both sets taken as random.
      num_samples: sizes of the two sets.
      num_features: F.
    """

    value: float
    standard_error: float
    num_samples: tuple[int, int]
    num_features: int
