"""Figures that need no display."""

import pathlib
from typing import Any

__all__ = ["COLORS", "name_plane", "new_figure", "save"]

# Those of Okabe and Ito, which colour-blind eyes tell apart, also in grey.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")


def new_figure(width: float, height: float) -> Any:
    """Returns a figure of a size in inches that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def name_plane(axes: Any) -> None:
    """Names the coordinates of a picture of the plane."""
    axes.set_xlabel("first coordinate", fontsize=8)
    axes.set_ylabel("second coordinate", fontsize=8)
    axes.tick_params(labelsize=7)


def save(figure: Any, path: str | pathlib.Path) -> pathlib.Path:
    """Saves a figure and returns the path."""
    path = pathlib.Path(path)
    figure.savefig(path, dpi=120)
    return path
