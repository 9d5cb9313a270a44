"""Figures that need no display."""

import pathlib
from typing import Any

__all__ = ["new_figure", "save"]


def new_figure(width: float, height: float) -> Any:
    """Returns a figure of a size in inches that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: str | pathlib.Path) -> pathlib.Path:
    """Saves a figure and returns the path."""
    path = pathlib.Path(path)
    figure.savefig(path, dpi=120)
    return path
