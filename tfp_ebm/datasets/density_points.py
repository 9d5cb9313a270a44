"""Fixed sets of points of a density over the plane."""

import numpy as np

from tfp_ebm.datasets.dataset import Dataset
from tfp_ebm.datasets.densities import density_2d
from tfp_ebm.datasets.splits import PARTS

__all__ = ["load_points"]

_SIZES = (10_000, 2_000, 2_000)


def load_points(name: str, seed: int = 0) -> Dataset:
    """Returns 10,000, 2,000 and 2,000 points, float32 `[N, 2]`, of a density over the plane.

    For data without limit, and the log-density where it is known, see `density_2d`.

    >>> load_points("rings")
    Dataset 'rings': 10000 + 2000 + 2000 events of shape (2,), real numbers

    Args:
      name: one of `density_names()`.
      seed: seed of the draws, each part by one of its own.

    Raises:
      ValueError: if no density has this name.
    """
    density = density_2d(name)
    seeds = np.random.SeedSequence(seed).generate_state(len(PARTS))
    draws = zip(PARTS, _SIZES, seeds.tolist(), strict=True)
    return Dataset(name, **{part: density.sample(size, seed) for part, size, seed in draws})
