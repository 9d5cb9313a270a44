"""Points and densities over the plane."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tfp_ebm.internal.types import TensorLike
from tfp_ebm.plots.figure import COLORS, name_plane, new_figure, save

__all__ = ["density_2d", "scatter_2d"]


def density_2d(
    log_prob: Callable[[np.ndarray], Any],
    path: str | pathlib.Path,
    limit: float = 4.0,
    resolution: int = 150,
    title: str = "",
) -> pathlib.Path:
    """Saves a picture of a density over the plane and returns its path.

    >>> import tempfile
    >>> from tfp_ebm import datasets, plots
    >>> rings = datasets.density_2d("rings")
    >>> path = f"{tempfile.mkdtemp()}/density.png"
    >>> plots.density_2d(rings.log_prob, path, resolution=20).is_file()
    True

    Args:
      log_prob: function of float32 `[N, 2]` that returns nats, `[N]`.
      path: PNG file.
      limit: the picture shows [-limit, limit]^2.
      resolution: points along a side.
      title: title of the picture.
    """
    ticks = (np.arange(resolution, dtype=np.float32) + 0.5) / resolution * 2 * limit - limit
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    density = np.exp(np.asarray(log_prob(grid), np.float64)).reshape(resolution, resolution)
    figure = new_figure(4.6, 4)
    axes = figure.subplots()
    # A few points of a noisy estimate must not set the scale of all others.
    highest = np.quantile(density, 0.999)
    picture = axes.imshow(density, origin="lower", vmax=highest, extent=[-limit, limit] * 2)
    figure.colorbar(picture, shrink=0.8).set_label("density", fontsize=8)
    axes.set_title(title, fontsize=10)
    name_plane(axes)
    return save(figure, path)


def scatter_2d(
    panels: dict[str, Any], labels: TensorLike, path: str | pathlib.Path
) -> pathlib.Path:
    """Saves points over the plane, coloured by label, in panels side by side; returns the path.

    >>> import tempfile
    >>> from tfp_ebm import datasets, plots
    >>> points = datasets.density_2d("rings").sample(20, seed=0)
    >>> path = f"{tempfile.mkdtemp()}/points.png"
    >>> plots.scatter_2d({"samples": points}, np.zeros(20, int), path).is_file()
    True

    Args:
      panels: title to points `[N, 2]`.
      labels: `[N]` integers.
      path: PNG file.
    """
    from matplotlib.colors import ListedColormap

    num_labels = int(np.max(labels, initial=0)) + 1
    colors = ListedColormap(COLORS) if num_labels <= len(COLORS) else "tab20"
    limit = (len(COLORS) if num_labels <= len(COLORS) else 20) - 0.5
    figure = new_figure(3.2 * len(panels), 3.5)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, points) in zip(grid, panels.items(), strict=True):
        axes.scatter(
            *np.asarray(points).T, c=labels, cmap=colors, vmin=-0.5, vmax=limit, s=2, linewidths=0
        )
        axes.set_title(title, fontsize=10)
        axes.set_aspect("equal", adjustable="datalim")
        name_plane(axes)
    return save(figure, path)
