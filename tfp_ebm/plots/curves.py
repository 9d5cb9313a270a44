"""Curves over training."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfp_ebm.plots.figure import COLORS, new_figure, save

__all__ = ["curve_panels", "curves"]

_MARKERS = "os^Dv<>*"  # Curves are told apart in print too.


def curves(
    epochs: Sequence[float],
    series: Mapping[str, Sequence[float]],
    path: str | pathlib.Path,
    ylabel: str = "bits per dimension",
    xlabel: str = "epoch",
) -> pathlib.Path:
    """Saves curves over epochs, or over anything else, and returns the path.

    The first quarter of eight points or more may leave the picture.

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> path = f"{tempfile.mkdtemp()}/curves.png"
    >>> plots.curves([1, 2, 3], {"test": [3.0, 2.5, 2.4]}, path).is_file()
    True

    Args:
      epochs: abscissae.
      series: label to values, one for each abscissa.
      path: PNG file.
      ylabel: unit of the values.
      xlabel: what the abscissae are.
    """
    figure = new_figure(6, 4)
    axes = figure.subplots()
    is_short = len(epochs) < 8
    axes.set_prop_cycle(color=COLORS)
    for (label, values), marker in zip(series.items(), itertools.cycle(_MARKERS)):
        axes.plot(epochs, values, label=label, marker=marker, markevery=1 if is_short else 0.1)
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
    return save(figure, path)


def curve_panels(
    panels: dict[str, dict[str, Any]], path: str | pathlib.Path, xlabel: str = "epoch"
) -> pathlib.Path:
    """Saves one panel of curves for each quantity, side by side, and returns the path.

    The picture of figure 1 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base
    Spaces".

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> panels = {"bits per dimension": {"rbm": ([1, 2], [3.0, 2.5], [0.1, 0.1])}}
    >>> plots.curve_panels(panels, f"{tempfile.mkdtemp()}/panels.png").is_file()
    True

    Args:
      panels: quantity to curves, each a label to `(abscissae, values, errors)`.
      path: PNG file.
      xlabel: what the abscissae are.
    """
    figure = new_figure(4 * len(panels), 3.9)
    # One look for a label, in whichever panels it is.
    labels = dict.fromkeys(label for series in panels.values() for label in series)
    styles = zip(itertools.cycle(COLORS), itertools.cycle(_MARKERS), strict=True)
    looks = dict(zip(labels, styles, strict=False))
    drawn = {}
    for axes, (ylabel, series) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for label, (positions, values, errors) in series.items():
            color, marker = looks[label]
            drawn[label] = axes.errorbar(
                positions,
                values,
                errors,
                capsize=2,
                linewidth=1,
                color=color,
                marker=marker,
                markersize=4,
                alpha=0.8,
            )
        axes.xaxis.get_major_locator().set_params(integer=True, steps=[1, 2, 5, 10])
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(alpha=0.3)
    # Below the panels: within one it would lie on a curve.
    figure.legend(
        [drawn[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=len(labels),
        fontsize=8,
    )
    return save(figure, path)
