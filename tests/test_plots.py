import numpy as np
import pytest
from matplotlib.image import imread

from tfp_ebm import plots

IMAGES = np.random.default_rng(0).integers(0, 17, size=[10, 4, 4, 1])


def test_grids_show_the_images(tmp_path):
    for channels in (1, 3):
        path = plots.sample_grid(
            np.repeat(IMAGES, channels, axis=-1), tmp_path / f"{channels}.png", 17, num_columns=5
        )
        picture = imread(path)
        assert picture.ndim == 3 and picture[..., :3].std() > 0.05
    white = plots.sample_grid(np.full_like(IMAGES, 16), tmp_path / "white.png", 17)
    assert imread(white)[..., :3].mean() > 0.95


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: plots.data_and_samples(IMAGES, IMAGES[:3], path, 17),
        lambda path: plots.code_columns(IMAGES.reshape(2, 5, 4, 4, 1), path, 17),
        lambda path: plots.curves([1, 2, 3], {"a": [3.0, 2.0, 1.0], "b": [3.0, 2.5, 2.4]}, path),
        lambda path: plots.curves([1], {"a": [3.0]}, path),
        lambda path: plots.sample_grids({"a": IMAGES, "b": IMAGES[:2], "c": IMAGES}, path, 17),
        lambda path: plots.curve_panels(
            {"bits": {"a": ([1, 2], [3.0, 2.0], [0.1, 0.2])}, "score": {"a": ([1], [2.0], [0.0])}},
            path,
        ),
        lambda path: plots.density_2d(lambda x: -np.sum(x**2, axis=-1), path, resolution=20),
    ],
)
def test_pictures_are_written(draw, tmp_path):
    path = draw(tmp_path / "picture.png")
    assert imread(path)[..., :3].std() > 0.02
