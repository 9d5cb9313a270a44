"""Two-dimensional densities to learn, without limit of data."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from tfp_ebm.internal import checks

__all__ = ["Density2D", "density_2d", "density_names"]


class _Sample(Protocol):
    """How a density is sampled."""

    def __call__(self, num_points: int, seed: int = 0) -> np.ndarray:
        """Returns float32 `[num_points, 2]`."""


class Density2D(NamedTuple):
    """A density over the plane.

    >>> from tfp_ebm import datasets
    >>> rings = datasets.density_2d("rings")
    >>> rings.name, rings.sample(5, seed=0).shape
    ('rings', (5, 2))

    Attributes:
      name: its name.
      sample: `sample(num_points, seed)` returns float32 `[num_points, 2]`.
      log_prob: `log_prob(points)` in nats where the density is known, or None.
    """

    name: str
    sample: _Sample
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


_CURVE_SCALE, _NUM_NODES = 0.1, 400


@functools.cache
def _nodes(low, high):
    """Returns points and weights of Gauss-Legendre quadrature, dense against `_CURVE_SCALE`."""
    points, weights = np.polynomial.legendre.leggauss(_NUM_NODES)
    return low + (high - low) * (points + 1) / 2, (high - low) * weights / 2


def _mixture_log_prob(points, centers, weights, scale):
    """Returns the log-density of a mixture of normals, some thousand points at a time."""
    points = np.asarray(points, np.float64)
    flat = points.reshape(-1, 2)
    parts = []
    for start in range(0, len(flat), 4096):
        difference = flat[start : start + 4096, None] - centers
        exponent = np.log(weights) - 0.5 * np.sum((difference / scale) ** 2, axis=-1)
        parts.append(np.logaddexp.reduce(exponent, axis=-1))
    total = np.concatenate(parts) - math.log(2 * math.pi * scale**2)
    return total.reshape(points.shape[:-1])


def _two_moons(num_points, rng):
    angle = rng.uniform(0, np.pi, num_points)
    upper = rng.integers(0, 2, num_points) == 1
    points = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points = np.where(upper[:, None], points, [1.0, 0.5] - points)
    return 2 * (points - [0.5, 0.25]) + _CURVE_SCALE * rng.normal(size=[num_points, 2])


def _two_moons_log_prob(points):
    angle, weight = _nodes(0, np.pi)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    curve = 2 * (np.concatenate([upper, [1.0, 0.5] - upper]) - [0.5, 0.25])
    return _mixture_log_prob(points, curve, np.tile(weight / (2 * np.pi), 2), _CURVE_SCALE)


_RADII, _RADIUS_SCALE = 0.75 * np.arange(1, 5), 0.08


def _rings(num_points, rng):
    noise = _RADIUS_SCALE * rng.normal(size=num_points)
    radius = _RADII[rng.integers(0, 4, num_points)] + noise
    angle = rng.uniform(0, 2 * np.pi, num_points)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _rings_log_prob(points):
    radius = np.linalg.norm(np.asarray(points, np.float64), axis=-1)
    # The point at radius r came from r, or from -r by a draw beyond the centre.
    signed = np.stack([radius, -radius], axis=-1)[..., None]
    exponent = -0.5 * ((signed - _RADII) / _RADIUS_SCALE) ** 2
    total = np.logaddexp.reduce(exponent, axis=(-2, -1))
    constant = math.log(4 * math.sqrt(2 * math.pi) * _RADIUS_SCALE * 2 * math.pi)
    with np.errstate(divide="ignore"):
        return total - constant - np.log(radius)


def _arm(angle):
    return np.stack([-np.cos(angle) * angle, np.sin(angle) * angle], axis=-1) / 3


def _spirals(num_points, rng):
    arm = _arm(3 * np.pi * np.sqrt(rng.uniform(0, 1, num_points)))
    sign = rng.choice([-1.0, 1.0], size=[num_points, 1])
    return sign * arm + _CURVE_SCALE * rng.normal(size=[num_points, 2])


def _spirals_log_prob(points):
    angle, weight = _nodes(0, 3 * np.pi)
    curve = np.concatenate([_arm(angle), -_arm(angle)])
    return _mixture_log_prob(
        points, curve, np.tile(weight * angle / (9 * np.pi**2), 2), _CURVE_SCALE
    )


_EIGHT_CENTERS = 2.8 * np.stack([f(np.arange(8) * np.pi / 4) for f in (np.cos, np.sin)], axis=-1)
_EIGHT_SCALE = 0.35


def _eight_gaussians(num_points, rng):
    noise = _EIGHT_SCALE * rng.normal(size=[num_points, 2])
    return _EIGHT_CENTERS[rng.integers(0, 8, num_points)] + noise


def _eight_gaussians_log_prob(points):
    return _mixture_log_prob(points, _EIGHT_CENTERS, np.full(8, 1 / 8), _EIGHT_SCALE)


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
    "rings": (_rings, _rings_log_prob),
    "spirals": (_spirals, _spirals_log_prob),
    "two_moons": (_two_moons, _two_moons_log_prob),
}


def density_names() -> tuple[str, ...]:
    """Returns the names that `density_2d` knows.

    >>> from tfp_ebm import datasets
    >>> "two_moons" in datasets.density_names()
    True
    """
    return tuple(_DENSITIES)


def density_2d(name: str) -> Density2D:
    """Returns a density over the plane, most of it within [-4, 4]^2.

    >>> checkerboard = density_2d("checkerboard")
    >>> points = checkerboard.sample(1000, seed=0)
    >>> points.shape, round(float(checkerboard.log_prob(points).mean()), 4)
    ((1000, 2), -3.4657)

    Args:
      name: `"checkerboard"`, `"eight_gaussians"`, `"rings"` (known in closed form), `"spirals"`,
        `"two_moons"` (known by quadrature along their curves, to 1e-6), or `"pinwheel"` (only
        samples).

    Raises:
      ValueError: if no density has this name; the nearest one is suggested.
    """
    draw, log_prob = _DENSITIES[checks.choice("name", name, _DENSITIES)]

    def sample(num_points, seed=0):
        num_points = checks.positive_integer("num_points", num_points)
        return draw(num_points, np.random.default_rng(seed)).astype(np.float32)

    return Density2D(name, sample, log_prob)
