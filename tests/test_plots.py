import importlib

import numpy as np
import pytest
from matplotlib.image import imread

from tfp_ebm import plots
from tfp_ebm.plots import tables

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
        lambda path: plots.gibbs_chain({"one": IMAGES, "other": IMAGES[:7]}, path, 17, 4),
        lambda path: plots.curves([1, 2, 3], {"a": [3.0, 2.0, 1.0], "b": [3.0, 2.5, 2.4]}, path),
        lambda path: plots.curves([1], {"a": [3.0]}, path),
        lambda path: plots.sample_grids({"a": IMAGES, "b": IMAGES[:2], "c": IMAGES}, path, 17),
        lambda path: plots.curve_panels(
            {"bits": {"a": ([1, 2], [3.0, 2.0], [0.1, 0.2])}, "score": {"a": ([1], [2.0], [0.0])}},
            path,
        ),
        lambda path: plots.scatter_2d({"a": IMAGES[:, 0, :2, 0]}, range(10), path),
        lambda path: plots.density_2d(lambda x: -np.sum(x**2, axis=-1), path, resolution=20),
    ],
)
def test_pictures_are_written(draw, tmp_path):
    path = draw(tmp_path / "picture.png")
    assert imread(path)[..., :3].std() > 0.02


def test_a_chain_is_read_from_left_to_right_and_down(tmp_path):
    states = np.zeros([6, 4, 4, 1], np.int64)
    states[3] = 16
    picture = imread(plots.gibbs_chain({"chain": states}, tmp_path / "chain.png", 17, 3))
    height, width = picture.shape[:2]
    grey = picture[..., 0]
    # The fourth of six states, three in a row, is the first of the second row.
    lower_left = grey[int(0.6 * height) :, : width // 4].mean()
    assert lower_left > grey[int(0.6 * height) :, width // 2 :].mean() + 0.2


def test_a_label_looks_alike_in_all_panels(tmp_path, monkeypatch):
    module = importlib.import_module("tfp_ebm.plots.curves")  # The function has its name.
    drawn = []
    monkeypatch.setattr(module, "save", lambda figure, path: drawn.append(figure) or path)
    line = ([1, 2, 3], [3.0, 2.0, 1.0], [0.1, 0.1, 0.1])
    panels = {"bits": {"one": line, "other": line}, "score": {"other": line}}
    plots.curve_panels(panels, tmp_path / "panels.png")
    left, right = drawn[0].axes
    assert right.lines[0].get_color() == left.containers[1].lines[0].get_color()
    assert right.lines[0].get_color() != left.containers[0].lines[0].get_color()
    assert [text.get_text() for text in drawn[0].legends[0].texts] == ["one", "other"]
    assert all(place == round(place) for place in left.get_xticks())


def test_columns_of_tables_alone_and_in_pairs(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(tables, "save", lambda figure, path: drawn.append(figure) or path)
    rng = np.random.default_rng(0)
    data = {"price": rng.integers(0, 9, 40), "cut": np.array(list("abcd" * 10))}
    samples = {"price": rng.integers(0, 9, 20), "cut": np.array(list("ab" * 10))}
    path = tmp_path / "pairs.png"
    assert plots.table_pairs({"data": data, "samples": samples}, path) == path
    axes = np.reshape(drawn[0].axes, [2, 2])
    cuts = [patch.get_xy() for patch in axes[1, 1].patches]
    assert [np.max(cut[:, 1]) for cut in cuts] == pytest.approx([0.25, 0.5])
    below, above = (panel.collections[0].get_offsets() for panel in (axes[1, 0], axes[0, 1]))
    assert len(below) == 40 and len(above) == 20  # Data below the diagonal, samples above it.
    np.testing.assert_array_equal(below[:, 0], data["price"])
    assert [label.get_text() for label in axes[1, 1].get_xticklabels()] == list("abcd")
    assert len({patch.get_linestyle() for patch in axes[1, 1].patches}) == 2
    monkeypatch.undo()
    assert plots.table_pairs({"data": data, "samples": samples}, path).stat().st_size > 1000


def test_pairs_of_categories_fill_their_cells(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(tables, "save", lambda figure, path: drawn.append(figure) or path)
    one = {"cut": np.full(200, "a"), "colour": np.full(200, "b")}
    plots.table_pairs({"data": one}, tmp_path / "pairs.png")
    for axes in (drawn[0].axes[1], drawn[0].axes[2]):
        beside, below = np.transpose(axes.collections[0].get_offsets())
        assert min(np.std(beside), np.std(below)) > 0.1  # Uniform on 0.6 has 0.17.
        assert abs(np.corrcoef(beside, below)[0, 1]) < 0.25
