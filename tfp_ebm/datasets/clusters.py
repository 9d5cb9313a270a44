"""Points around centres, for tests and studies of what samplers find."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["Clusters", "clusters", "on_circle"]


class Clusters(NamedTuple):
    """Points around centres.

    >>> from tfp_ebm import datasets
    >>> found = datasets.clusters(datasets.on_circle(3), num_points=20)
    >>> found.points.shape, found.labels.shape
    ((20, 2), (20,))

    Attributes:
      points: float32 `[N, D]`.
      labels: `[N]`, the centre of each point.
    """

    points: np.ndarray
    labels: np.ndarray


def clusters(
    centres: TensorLike,
    num_points: int,
    noise: float = 0.5,
    flips: float = 0.0,
    shares: Sequence[float] | None = None,
    seed: int | np.random.Generator = 0,
) -> Clusters:
    """Returns points around centres, in the units of the centres.

        x = s c_k + noise eps,   P(s_i = -1) = flips,   eps_i ~ Normal(0, 1)

    >>> points, labels = clusters(on_circle(8), 1000)
    >>> points.shape, len(set(labels.tolist()))
    ((1000, 2), 8)

    Args:
      centres: `[K, D]`.
      num_points: N.
      noise: standard deviation around a centre.
      flips: how often an entry of a centre changes its sign, of spins say, from 0 to 1.
      shares: how many of the points each centre has, up to a factor; None: equally many.
      seed: an integer, or a generator to go on with.

    Raises:
      ValueError: if the centres are no matrix, or a number is out of its range.
    """
    centres = np.asarray(centres, np.float64)
    if centres.ndim != 2 or not centres.size:
        raise ValueError(f"`centres` must have shape [K, D], got {centres.shape}.")
    num_points = checks.positive_integer("num_points", num_points)
    if not 0 <= flips <= 1 or noise < 0:
        raise ValueError(
            f"`flips` must be from 0 to 1, and `noise` at least 0, got {flips} and {noise}."
        )
    rng = np.random.default_rng(seed)
    if shares is None:
        labels = rng.integers(0, len(centres), size=num_points)
    else:
        if len(shares) != len(centres) or not (np.min(shares) >= 0 and np.sum(shares) > 0):
            raise ValueError(
                f"`shares` must hold a number of at least 0 for each of the {len(centres)} "
                f"centres, and not all of them 0, got {list(shares)}."
            )
        labels = rng.choice(len(centres), size=num_points, p=np.array(shares) / np.sum(shares))
    shape = [num_points, centres.shape[1]]
    signs = np.where(rng.random(shape) < flips, -1, 1) if flips else 1
    points = centres[labels] * signs + noise * rng.normal(size=shape)
    return Clusters(points.astype(np.float32), labels)


def on_circle(num_centres: int, radius: float = 10.0) -> np.ndarray:
    """Returns centres at equal distances on a circle around 0, `[num_centres, 2]`.

    >>> from tfp_ebm import datasets
    >>> datasets.on_circle(4, radius=2.0).round(6).tolist()[0]
    [2.0, 0.0]

    Args:
      num_centres: their number.
      radius: of the circle.

    Raises:
      ValueError: if there is none.
    """
    num_centres = checks.positive_integer("num_centres", num_centres)
    angles = 2 * np.pi * np.arange(num_centres) / num_centres
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
