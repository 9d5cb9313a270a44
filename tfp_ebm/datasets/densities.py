"""Two-dimensional densities to learn, without limit of data."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal import checks

__all__ = ["Density2D", "density_2d", "density_names"]


class Density2D(NamedTuple):
    """A density over the plane.

    Attributes:
      name: its name.
      sample: `sample(num_points, seed)` returns float32 `[num_points, 2]`.
      log_prob: `log_prob(points)` in nats where the density is known, or None.
    """

    name: str
    sample: Callable[[int, int], np.ndarray]
    log_prob: Callable[[np.ndarray], np.ndarray] | None


def _checkerboard(num_points, rng):
    first = rng.uniform(-2, 2, num_points)
    second = rng.uniform(0, 1, num_points) - 2 * rng.integers(0, 2, num_points)
    return 2 * np.stack([first, second + np.floor(first) % 2], axis=-1)


def _checkerboard_log_prob(points):
    points = np.asarray(points)
    inside = np.all(np.abs(points) < 4, axis=-1)
    dark = np.sum(np.floor(points / 2), axis=-1) % 2 == 0
    return np.where(inside & dark, -math.log(32), -np.inf)


def _two_moons(num_points, rng):
    angle = rng.uniform(0, np.pi, num_points)
    upper = rng.integers(0, 2, num_points) == 1
    points = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points = np.where(upper[:, None], points, [1.0, 0.5] - points)
    return 2 * (points - [0.5, 0.25]) + 0.1 * rng.normal(size=[num_points, 2])


def _rings(num_points, rng):
    radius = rng.integers(1, 5, num_points) * 0.75 + 0.08 * rng.normal(size=num_points)
    angle = rng.uniform(0, 2 * np.pi, num_points)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _spirals(num_points, rng):
    angle = 3 * np.pi * np.sqrt(rng.uniform(0, 1, num_points))
    arm = np.stack([-np.cos(angle) * angle, np.sin(angle) * angle], axis=-1) / 3
    sign = rng.choice([-1.0, 1.0], size=[num_points, 1])
    return sign * arm + 0.1 * rng.normal(size=[num_points, 2])


_EIGHT_CENTERS = 2.8 * np.stack([f(np.arange(8) * np.pi / 4) for f in (np.cos, np.sin)], axis=-1)
_EIGHT_SCALE = 0.35


def _eight_gaussians(num_points, rng):
    noise = _EIGHT_SCALE * rng.normal(size=[num_points, 2])
    return _EIGHT_CENTERS[rng.integers(0, 8, num_points)] + noise


def _eight_gaussians_log_prob(points):
    difference = np.asarray(points)[..., None, :] - _EIGHT_CENTERS
    exponent = -0.5 * np.sum((difference / _EIGHT_SCALE) ** 2, axis=-1)
    return np.logaddexp.reduce(exponent, axis=-1) - math.log(16 * math.pi * _EIGHT_SCALE**2)


def _pinwheel(num_points, rng):
    blade = rng.integers(0, 5, num_points)
    along = 1 + 0.3 * rng.normal(size=num_points)
    across = 0.1 * rng.normal(size=num_points)
    angle = blade * 2 * np.pi / 5 + 0.25 * np.exp(along)
    cosine, sine = np.cos(angle), np.sin(angle)
    return 2 * np.stack([along * cosine - across * sine, along * sine + across * cosine], axis=-1)


_DENSITIES = {
    "checkerboard": (_checkerboard, _checkerboard_log_prob),
    "eight_gaussians": (_eight_gaussians, _eight_gaussians_log_prob),
    "pinwheel": (_pinwheel, None),
    "rings": (_rings, None),
    "spirals": (_spirals, None),
    "two_moons": (_two_moons, None),
}


def density_names() -> tuple[str, ...]:
    """Returns the names that `density_2d` knows."""
    return tuple(_DENSITIES)


def density_2d(name: str) -> Density2D:
    """Returns a density over the plane, most of it within [-4, 4]^2.

    >>> checkerboard = density_2d("checkerboard")
    >>> points = checkerboard.sample(1000, seed=0)
    >>> points.shape, round(float(checkerboard.log_prob(points).mean()), 4)
    ((1000, 2), -3.4657)

    Args:
      name: `"checkerboard"`, `"eight_gaussians"` (both with a known density), `"pinwheel"`,
        `"rings"`, `"spirals"` or `"two_moons"`.

    Raises:
      ValueError: if no density has this name; the nearest one is suggested.
    """
    draw, log_prob = _DENSITIES[checks.choice("name", name, _DENSITIES)]

    def sample(num_points, seed=0):
        num_points = checks.positive_integer("num_points", num_points)
        return draw(num_points, np.random.default_rng(seed)).astype(np.float32)

    return Density2D(name, sample, log_prob)
