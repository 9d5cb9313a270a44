"""Pictures: sample grids, columns of one discrete code, training curves."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "code_columns",
    "curve_panels",
    "curves",
    "data_and_samples",
    "density_2d",
    "gibbs_chain",
    "sample_grid",
    "sample_grids",
    "scatter_2d",
]


def _figure(width, height):
    """Returns a figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


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
    images: Any,
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 16,
    title: str = "",
) -> pathlib.Path:
    """Saves a grid of images and returns its path.

    Args:
      images: `[N, H, W, C]` integers from 0 to num_levels - 1, C 1 or 3.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row.
      title: title of the picture.
    """
    canvas = _tile(images, num_columns, num_levels)
    figure = _figure(8, 8 * canvas.shape[0] / canvas.shape[1] + 0.4)
    _show(figure.subplots(), canvas, title)
    return _save(figure, path)


def sample_grids(
    images: dict[str, Any],
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 10,
) -> pathlib.Path:
    """Saves grids of several models side by side, two in a row, and returns the path.

    The picture of figure 2 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    Args:
      images: title to `[N, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row of a grid.
    """
    canvases = {title: _tile(part, num_columns, num_levels) for title, part in images.items()}
    num_rows = -(-len(canvases) // 2)
    height, width = next(iter(canvases.values())).shape[:2]
    figure = _figure(8, num_rows * (4 * height / width + 0.4))
    panels = figure.subplots(num_rows, 2, squeeze=False).ravel()
    for axes, (title, canvas) in zip(panels, canvases.items(), strict=False):
        _show(axes, canvas, title)
    for axes in panels[len(canvases) :]:
        axes.set_axis_off()
    return _save(figure, path)


def data_and_samples(
    data: Any,
    samples: Any,
    path: str | pathlib.Path,
    num_levels: int = 256,
    num_columns: int = 16,
) -> pathlib.Path:
    """Saves a grid of data above a grid of samples and returns its path.

    Args:
      data: `[N, H, W, C]` integers from 0 to num_levels - 1.
      samples: the same of the model.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: images in a row.
    """
    canvases = [_tile(images, num_columns, num_levels) for images in (data, samples)]
    ratio = sum(canvas.shape[0] / canvas.shape[1] for canvas in canvases)
    figure = _figure(8, 8 * ratio + 0.8)
    for axes, canvas, title in zip(
        figure.subplots(2, 1), canvases, ("data", "samples"), strict=True
    ):
        _show(axes, canvas, title)
    return _save(figure, path)


def code_columns(samples: Any, path: str | pathlib.Path, num_levels: int = 256) -> pathlib.Path:
    """Saves samples whose columns share one discrete code each, and returns the path.

    The picture of figure 3 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    Args:
      samples: `[num_rows, num_columns, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
    """
    samples = np.asarray(samples)
    num_columns = samples.shape[1]
    canvas = _tile(samples.reshape(-1, *samples.shape[2:]), num_columns, num_levels)
    figure = _figure(8, 8 * canvas.shape[0] / canvas.shape[1] + 0.4)
    _show(figure.subplots(), canvas, "each column: one discrete code, noise redrawn")
    return _save(figure, path)


def gibbs_chain(
    chains: dict[str, Any], path: str | pathlib.Path, num_levels: int = 256, num_columns: int = 20
) -> pathlib.Path:
    """Saves the consecutive states of Markov chains as images, one above the other.

    The picture of figure 1 of "EB-and-Flow": time runs along the rows, left to right.

    Args:
      chains: title to `[num_steps, H, W, C]` integers from 0 to num_levels - 1.
      path: PNG file.
      num_levels: number of pixel levels.
      num_columns: states in a row.
    """
    canvases = {title: _tile(states, num_columns, num_levels) for title, states in chains.items()}
    ratio = sum(canvas.shape[0] / canvas.shape[1] for canvas in canvases.values())
    figure = _figure(8, 8 * ratio + 0.4 * len(canvases))
    axes = figure.subplots(len(canvases), 1, squeeze=False)[:, 0]
    for part, (title, canvas) in zip(axes, canvases.items(), strict=True):
        _show(part, canvas, title)
    return _save(figure, path)


def density_2d(
    log_prob: Callable[[np.ndarray], Any],
    path: str | pathlib.Path,
    limit: float = 4.0,
    resolution: int = 150,
    title: str = "",
) -> pathlib.Path:
    """Saves a picture of a density over the plane and returns its path.

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
    figure = _figure(4, 4.3)
    axes = figure.subplots()
    # A few points of a noisy estimate must not set the scale of all others.
    highest = np.quantile(density, 0.999)
    axes.imshow(density, origin="lower", vmax=highest, extent=[-limit, limit] * 2)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return _save(figure, path)


def scatter_2d(
    panels: dict[str, Any], labels: Sequence[int], path: str | pathlib.Path
) -> pathlib.Path:
    """Saves points over the plane, coloured by label, in panels side by side; returns the path.

    Args:
      panels: title to points `[N, 2]`.
      labels: `[N]` integers.
      path: PNG file.
    """
    figure = _figure(3.2 * len(panels), 3.5)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, points) in zip(grid, panels.items(), strict=True):
        axes.scatter(*np.asarray(points).T, c=labels, cmap="tab10", s=1.5, linewidths=0)
        axes.set_title(title, fontsize=10)
        axes.set_aspect("equal", adjustable="datalim")
    return _save(figure, path)


def curves(
    epochs: Sequence[float],
    series: dict[str, Sequence[float]],
    path: str | pathlib.Path,
    ylabel: str = "bits per dimension",
    xlabel: str = "epoch",
) -> pathlib.Path:
    """Saves curves over epochs, or over anything else, and returns the path.

    The first quarter of eight points or more may leave the picture.

    Args:
      epochs: abscissae.
      series: label to values, one for each abscissa.
      path: PNG file.
      ylabel: unit of the values.
      xlabel: what the abscissae are.
    """
    figure = _figure(6, 4)
    axes = figure.subplots()
    is_short = len(epochs) < 8
    for label, values in series.items():
        axes.plot(epochs, values, label=label, marker="o" if is_short else None)
    # The first part of training would flatten the rest.
    skipped = 0 if is_short else len(epochs) // 4
    everything = np.concatenate([np.asarray(values)[skipped:] for values in series.values()])
    if is_short:
        axes.set_xticks(epochs)
    low, high = everything.min(), everything.max()
    axes.set_ylim(low - 0.05 * (high - low) - 1e-3, high + 0.1 * (high - low) + 1e-3)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    axes.legend()
    return _save(figure, path)


def curve_panels(
    panels: dict[str, dict[str, Any]], path: str | pathlib.Path, xlabel: str = "epoch"
) -> pathlib.Path:
    """Saves one panel of curves for each quantity, side by side, and returns the path.

    The picture of figure 1 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    Args:
      panels: quantity to curves, each a label to `(abscissae, values, errors)`.
      path: PNG file.
      xlabel: what the abscissae are.
    """
    figure = _figure(4 * len(panels), 3.6)
    for axes, (ylabel, series) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for label, (positions, values, errors) in series.items():
            axes.errorbar(
                positions,
                values,
                errors,
                label=label,
                capsize=2,
                linewidth=1,
                marker=".",
                alpha=0.8,
            )
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return _save(figure, path)


def _save(figure, path):
    path = pathlib.Path(path)
    figure.savefig(path, dpi=120)
    return path
