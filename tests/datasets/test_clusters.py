import numpy as np
import pytest

from tfp_ebm.datasets import clusters, on_circle


def test_points_lie_around_their_centres():
    centres = np.array([[0.0, 8.0, 1.0], [5.0, -5.0, 2.0]])
    points, labels = clusters(centres, 4000, noise=0.3, shares=[1, 3], seed=3)
    assert points.dtype == np.float32 and points.shape == (4000, 3)
    assert labels.mean() == pytest.approx(0.75, abs=0.03)
    residuals = points - centres[labels]
    assert np.abs(residuals.mean(axis=0)).max() < 0.02
    np.testing.assert_allclose(residuals.std(axis=0), 0.3, rtol=0.05)


def test_without_shares_all_centres_have_as_many():
    labels = clusters(on_circle(5), 10_000).labels
    np.testing.assert_allclose(np.bincount(labels) / 10_000, 0.2, atol=0.02)


def test_flips_change_signs_at_their_rate():
    points, _ = clusters(np.ones([1, 50]), 400, noise=0.0, flips=0.1)
    assert set(np.unique(points)) == {-1.0, 1.0}
    assert (points < 0).mean() == pytest.approx(0.1, abs=0.01)


def test_a_seed_repeats_and_a_generator_goes_on():
    one, other = (clusters(np.eye(3), 10, seed=1).points for _ in range(2))
    np.testing.assert_array_equal(one, other)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(clusters(np.eye(3), 10, seed=rng).points, one)
    assert not np.array_equal(clusters(np.eye(3), 10, seed=rng).points, one)


def test_centres_of_a_circle():
    centres = on_circle(6, radius=2.0)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 2.0)
    np.testing.assert_allclose(np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1), 2.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"centres": [1.0, 2.0]}, r"`centres` must have shape \[K, D\], got \(2,\)"),
        ({"num_points": 0}, "`num_points` must be"),
        ({"flips": 1.5}, "`flips` must be from 0 to 1.*got 1.5"),
        ({"shares": [1.0]}, "`shares` must hold .* each of the 3 centres"),
        ({"shares": [0, 0, 0]}, "not all of them 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        clusters(**{"centres": np.eye(3), "num_points": 4, **arguments})
