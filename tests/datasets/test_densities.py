import numpy as np
import pytest

from tfp_ebm import datasets


@pytest.mark.parametrize("name", datasets.density_names())
def test_samples_repeat_and_stay_in_view(name):
    density = datasets.density_2d(name)
    points = density.sample(2_000, seed=3)
    np.testing.assert_array_equal(points, density.sample(2_000, seed=3))
    assert points.shape == (2_000, 2) and points.dtype == np.float32
    assert np.mean(np.all(np.abs(points) < 4.5, axis=-1)) > 0.95
    assert np.all(points.std(0) > 0.5)


@pytest.mark.parametrize("name", ["checkerboard", "eight_gaussians"])
def test_known_densities_integrate_to_1_and_agree_with_samples(name):
    density = datasets.density_2d(name)
    ticks = (np.arange(400) + 0.5) / 400 * 10 - 5
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    mass = np.exp(density.log_prob(grid)) * (10 / 400) ** 2
    assert mass.sum() == pytest.approx(1, abs=1e-3)
    points = density.sample(50_000, seed=0)
    upper = (grid[:, 0] > 1) & (grid[:, 1] > -1)
    share = np.mean((points[:, 0] > 1) & (points[:, 1] > -1))
    assert share == pytest.approx(mass[upper].sum(), abs=0.01)
    assert np.all(np.isfinite(density.log_prob(points)))


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'two_moons'"):
        datasets.density_2d("moons")
