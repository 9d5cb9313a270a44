"""Grids of images."""

import pathlib
from typing import Any

import numpy as np

from tfp_ebm.internal.types import Data, TensorLike
from tfp_ebm.plots.figure import new_figure, save

__all__ = ["code_columns", "data_and_samples", "gibbs_chain", "sample_grid", "sample_grids"]


def _tile(images, num_columns, num_levels):
    """Returns one array [H', W', C] in [0, 1] of images [N, H, W, C] in rows, with thin gaps."""
    images = np.asarray(images, np.float64) / (num_levels - 1)
    count, height, width, channels = images.shape
    num_rows = -(-count // num_columns)
    canvas = np.ones([num_rows * (height + 1) + 1, num_columns * (width + 1) + 1, channels])
    for index, image in enumerate(images):
        row, column = divmod(index, num_columns)
        top, left = row * (height + 1) + 1, column * (width + 1) + 1
        canvas[top : top + height, left : left + width] = image
    return canvas


def _show(axes, canvas, title):
    axes.imshow(
        canvas.squeeze(-1) if canvas.shape[-1] == 1 else canvas, cmap="gray", vmin=0, vmax=1
    )
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()


def sample_grid(
    images: TensorLike,
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 16,
    title: str = "",
) -> pathlib.Path:
    """Saves a grid of images and returns its path.

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> images = np.random.default_rng(0).integers(0, 17, [16, 8, 8, 1])
    >>> plots.sample_grid(images, f"{tempfile.mkdtemp()}/grid.png", num_levels=17).is_file()
    True

    Args:
      images: `[N, H, W, C]` integers from 0 to num_levels - 1, C 1 or 3.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row.
      title: title of the picture.
    """
    canvas = _tile(images, num_columns, num_levels)
    figure = new_figure(8, 8 * canvas.shape[0] / canvas.shape[1] + 0.4)
    _show(figure.subplots(), canvas, title)
    return save(figure, path)


def sample_grids(
    images: dict[str, Any],
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 10,
) -> pathlib.Path:
    """Saves grids of several models side by side, two in a row, and returns the path.

    The picture of figure 2 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> images = np.random.default_rng(0).integers(0, 17, [20, 8, 8, 1])
    >>> grids = {"one": images, "other": images}
    >>> plots.sample_grids(grids, f"{tempfile.mkdtemp()}/grids.png", num_levels=17).is_file()
    True

    Args:
      images: title to `[N, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row of a grid.
    """
    canvases = {title: _tile(part, num_columns, num_levels) for title, part in images.items()}
    num_rows = -(-len(canvases) // 2)
    height, width = next(iter(canvases.values())).shape[:2]
    figure = new_figure(8, num_rows * (4 * height / width + 0.4))
    panels = figure.subplots(num_rows, 2, squeeze=False).ravel()
    for axes, (title, canvas) in zip(panels, canvases.items(), strict=False):
        _show(axes, canvas, title)
    for axes in panels[len(canvases) :]:
        axes.set_axis_off()
    return save(figure, path)


def data_and_samples(
    data: Data,
    samples: TensorLike,
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 16,
) -> pathlib.Path:
    """Saves a grid of data above a grid of samples and returns its path.

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> images = np.random.default_rng(0).integers(0, 17, [16, 8, 8, 1])
    >>> plots.data_and_samples(images, images, f"{tempfile.mkdtemp()}/both.png", 17).is_file()
    True

    Args:
      data: `[N, H, W, C]` integers from 0 to num_levels - 1.
      samples: the same of the model.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row.
    """
    canvases = [_tile(images, num_columns, num_levels) for images in (data, samples)]
    ratio = sum(canvas.shape[0] / canvas.shape[1] for canvas in canvases)
    figure = new_figure(8, 8 * ratio + 0.8)
    for axes, canvas, title in zip(
        figure.subplots(2, 1), canvases, ("data", "samples"), strict=True
    ):
        _show(axes, canvas, title)
    return save(figure, path)


def code_columns(
    samples: TensorLike, path: str | pathlib.Path, num_levels: int = 256
) -> pathlib.Path:
    """Saves samples whose columns share one discrete code each, and returns the path.

    The picture of figure 3 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> samples = np.random.default_rng(0).integers(0, 17, [3, 5, 8, 8, 1])  # 3 rows of 5 codes
    >>> plots.code_columns(samples, f"{tempfile.mkdtemp()}/codes.png", num_levels=17).is_file()
    True

    Args:
      samples: `[num_rows, num_columns, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
    """
    samples = np.asarray(samples)
    num_columns = samples.shape[1]
    canvas = _tile(samples.reshape(-1, *samples.shape[2:]), num_columns, num_levels)
    figure = new_figure(8, 8 * canvas.shape[0] / canvas.shape[1] + 0.4)
    _show(figure.subplots(), canvas, "each column: one discrete code, noise redrawn")
    return save(figure, path)


def gibbs_chain(
    chains: dict[str, Any], path: str | pathlib.Path, num_levels: int = 256, num_columns: int = 20
) -> pathlib.Path:
    """Saves the consecutive states of Markov chains as images, one above the other.

    The picture of figure 1 of "EB-and-Flow": time runs along the rows, left to right.

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> chains = np.random.default_rng(0).integers(0, 17, [12, 8, 8, 1])
    >>> path = f"{tempfile.mkdtemp()}/chains.png"
    >>> plots.gibbs_chain({"model": chains}, path, 17, num_columns=6).is_file()
    True

    Args:
      chains: title to `[num_steps, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: states in a row.
    """
    canvases = {title: _tile(states, num_columns, num_levels) for title, states in chains.items()}
    ratio = sum(canvas.shape[0] / canvas.shape[1] for canvas in canvases.values())
    figure = new_figure(8, 8 * ratio + 0.4 * len(canvases))
    axes = figure.subplots(len(canvases), 1, squeeze=False)[:, 0]
    for part, (title, canvas) in zip(axes, canvases.items(), strict=True):
        _show(part, canvas, title)
    return save(figure, path)
