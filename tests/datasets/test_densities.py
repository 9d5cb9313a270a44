import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from tfp_ebm import datasets


@pytest.mark.parametrize("name", datasets.density_names())
def test_samples_repeat_and_stay_in_view(name):
    density = datasets.density_2d(name)
    points = density.sample(2_000, seed=3)
    np.testing.assert_array_equal(points, density.sample(2_000, seed=3))
    assert points.shape == (2_000, 2) and points.dtype == np.float32
    assert np.mean(np.all(np.abs(points) < 4.5, axis=-1)) > 0.95
    assert np.all(points.std(0) > 0.5)


KNOWN = [name for name in datasets.density_names() if datasets.density_2d(name).log_prob]


def test_all_but_the_pinwheel_are_known():
    assert set(datasets.density_names()) - set(KNOWN) == {"pinwheel"}


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_known_densities_integrate_to_1_and_agree_with_samples(name):
    density = datasets.density_2d(name)
    # Finer than every density, and cells end where the checkerboard and the windows below do.
    ticks = (np.arange(192) + 0.5) / 16 - 6
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    mass = np.exp(density.log_prob(grid)) / 16**2
    assert mass.sum() == pytest.approx(1, abs=1e-3)
    points = density.sample(50_000, seed=0)
    for low in ((1.0, -1.0), (-1.5, 0.5), (0.25, 1.75)):
        expected = mass[np.all((grid > low) & (grid < np.add(low, 2)), axis=-1)].sum()
        share = np.mean(np.all((points > low) & (points < np.add(low, 2)), axis=-1))
        assert share == pytest.approx(expected, abs=0.01)
    assert np.all(np.isfinite(density.log_prob(points[:5_000])))


@pytest.mark.parametrize("name", ["two_moons", "spirals"])
def test_curves_against_adaptive_quadrature(name):
    density = datasets.density_2d(name)
    for x, y in density.sample(5, seed=1).astype(np.float64):

        def integrand(t, x=x, y=y):
            if name == "two_moons":
                ends = [(2 * c - 1, 2 * s - 0.5) for c, s in [(np.cos(t), np.sin(t))]]
                ends += [(1 - 2 * c, 0.5 - 2 * s) for c, s in [(np.cos(t), np.sin(t))]]
                weight = 1 / (2 * np.pi)
            else:
                ends = [(s * t * np.cos(t) / 3, -s * t * np.sin(t) / 3) for s in (1, -1)]
                weight = t / (9 * np.pi**2)
            return weight * sum(np.exp(-50 * ((x - a) ** 2 + (y - b) ** 2)) for a, b in ends)

        ticks = np.linspace(0, np.pi if name == "two_moons" else 3 * np.pi, 41)
        total = sum(quad(integrand, *ends)[0] for ends in itertools.pairwise(ticks))
        expected = np.log(total / (2 * np.pi * 0.01))
        assert density.log_prob([x, y]) == pytest.approx(expected, abs=1e-6)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'two_moons'"):
        datasets.density_2d("moons")
