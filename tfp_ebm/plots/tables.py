"""Columns of tables, alone and in pairs."""

import itertools
import pathlib
from typing import Any

import numpy as np

from tfp_ebm.plots.figure import COLORS, new_figure, save

__all__ = ["table_pairs"]

# Letters of a category that are written at an axis, and of all names that fit beside each other.
_MAX_NAME = 8
_MAX_ROW = 14


def table_pairs(
    panels: dict[str, dict[str, Any]], path: str | pathlib.Path, num_columns: int = 5
) -> pathlib.Path:
    """Saves the columns of tables, each alone and in pairs, side by side; returns the path.

    On the diagonal are shares of values, in bins or categories that the tables have in common;
    below it pairs of the first table, above it those of the last.

    >>> import tempfile
    >>> from tfp_ebm import plots
    >>> rows = {"price": np.arange(20.0), "weight": np.arange(20.0) ** 2}
    >>> path = f"{tempfile.mkdtemp()}/pairs.png"
    >>> plots.table_pairs({"data": rows}, path).is_file()
    True

    Args:
      panels: title to a table, which is a column of values `[N]` for each name.
      path: PNG file.
      num_columns: the first columns are drawn, at most this many.
    """
    titles = list(panels)
    names = list(panels[titles[0]])[:num_columns]
    # Categories become places, in the order of their names.
    categories = {name: _categories(panels, name) for name in names}
    values = {
        title: {name: _places(table[name], categories[name]) for name in names}
        for title, table in panels.items()
    }
    figure = new_figure(2 * len(names) + 0.6, 2 * len(names) + 0.4)
    grid = figure.subplots(len(names), len(names), squeeze=False)
    for row, below in enumerate(names):
        for column, beside in enumerate(names):
            axes = grid[row][column]
            if row == column:
                _shares(axes, {title: values[title][below] for title in titles}, categories[below])
            else:
                title = titles[0] if row > column else titles[-1]
                color = COLORS[0 if row > column else len(titles) - 1]
                # Noise of its own for each column: equal noise would lie on a line.
                pair = [
                    _apart(values[title][name], categories[name], seed)
                    for name, seed in ((beside, column), (below, row))
                ]
                size = min(8, 2000 / len(pair[0]))
                axes.scatter(*pair, s=size, alpha=0.5, linewidths=0, color=color)
                _name_places(axes.set_yticks, categories[below])
            _name_places(axes.set_xticks, categories[beside])
            axes.tick_params(labelsize=6)
            if sum(map(len, categories[beside] or ())) > _MAX_ROW:
                axes.tick_params(axis="x", labelrotation=90)
            if row == len(names) - 1:
                axes.set_xlabel(beside, fontsize=8)
            # The first cell of the diagonal shows shares; its row is named at the next one.
            if column == (1 if row == 0 else 0):
                axes.set_ylabel(below, fontsize=8)
            elif row == column == 0:
                axes.set_ylabel("share", fontsize=8)
    grid[0][0].legend(fontsize=6)
    return save(figure, path)


def _categories(panels, name):
    """Returns the names of the categories of a column, or None of numbers."""
    values = [np.asarray(table[name]) for table in panels.values()]
    if all(column.dtype.kind in "iuf" for column in values):
        return None
    return sorted({str(value) for column in values for value in column})


def _places(values, categories):
    if categories is None:
        return np.asarray(values, np.float64)
    return np.array([categories.index(str(value)) for value in values], np.float64)


def _apart(places, categories, seed):
    """Spreads points of a category, which would hide each other."""
    if categories is None:
        return places
    return places + np.random.default_rng(seed).uniform(-0.3, 0.3, len(places))


def _name_places(set_ticks, categories):
    if categories is not None:
        set_ticks(range(len(categories)), [_short(name) for name in categories])


def _short(name):
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


def _shares(axes, columns, categories):
    """Draws what share of the values of each table lies where."""
    if categories is None:
        bins = np.histogram_bin_edges(np.concatenate(list(columns.values())), 30)
    else:
        bins = np.arange(len(categories) + 1) - 0.5
    axes.set_prop_cycle(color=COLORS)
    # Dashed, so that shares that agree are all seen.
    for (title, column), line in zip(columns.items(), itertools.cycle(("-", "--", ":"))):
        weights = np.full(len(column), 1 / len(column))
        axes.hist(column, bins, weights=weights, histtype="step", label=title, linestyle=line)
