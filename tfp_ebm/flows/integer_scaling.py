"""Where whole numbers lie: their levels, middle and spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal.types import TensorLike

__all__ = ["IntegerScaling"]


class IntegerScaling(NamedTuple):
    """Levels, middle and spread of whole numbers, of all entries alike or of each.

    >>> from tfp_ebm import flows
    >>> flows.IntegerScaling(num_levels=17, location=8.0, scale=4.0).has_levels
    True

    Attributes:
      num_levels: number of levels, 0 ... num_levels - 1; a tuple has one for each entry, or None:
        any whole number. None: any, of all entries.
      location: the middle, a number or an array.
      scale: the spread, likewise.
    """

    num_levels: int | tuple[int | None, ...] | None
    location: TensorLike
    scale: TensorLike

    @classmethod
    def of(
        cls,
        num_levels: int | Sequence[int | None] | None,
        location: TensorLike | None = None,
        scale: TensorLike | None = None,
    ) -> "IntegerScaling":
        """Returns the scaling; what is not given follows from the levels.

        >>> IntegerScaling.of(17)[1:]
        (8.0, 4.25)

        Args:
          num_levels: see `IntegerScaling`.
          location: the middle; None: of the levels, 0 where there are none.
          scale: the spread; None: a quarter of the levels, 1 where there are none.
        """
        is_single = num_levels is None or isinstance(num_levels, int)
        counts = [num_levels] if is_single else list(num_levels)
        middle = [0.0 if count is None else (count - 1) / 2 for count in counts]
        spread = [1.0 if count is None else count / 4 for count in counts]
        # Levels tell more than what data happened to be.
        if location is not None:
            given = np.broadcast_to(location, [len(counts)])
            middle = [m if c else float(g) for m, g, c in zip(middle, given, counts, strict=True)]
        if scale is not None:
            given = np.broadcast_to(scale, [len(counts)])
            spread = [s if c else float(g) for s, g, c in zip(spread, given, counts, strict=True)]
        if is_single:
            return cls(num_levels, middle[0], spread[0])
        return cls(tuple(counts), np.array(middle), np.array(spread))

    @property
    def has_levels(self) -> bool:
        """Whether every entry has a number of levels."""
        counts = self.num_levels if isinstance(self.num_levels, tuple) else (self.num_levels,)
        return None not in counts

    def levels(self, places: Sequence[int]) -> int | list[int | None] | None:
        """Returns the levels of some entries."""
        if not isinstance(self.num_levels, tuple):
            return self.num_levels
        return [self.num_levels[place] for place in places]

    def entries(self, places: Sequence[int]) -> tuple[TensorLike, TensorLike]:
        """Returns middle and spread of some entries."""
        if not isinstance(self.num_levels, tuple):
            return self.location, self.scale
        return self.location[places], self.scale[places]
