"""Columns of tables, alone and in pairs."""

import pathlib
from typing import Any

import numpy as np

from tfp_ebm.plots.figure import new_figure, save

__all__ = ["table_pairs"]


def table_pairs(
    panels: dict[str, dict[str, Any]], path: str | pathlib.Path, num_columns: int = 5
) -> pathlib.Path:
    """Saves the columns of tables, each alone and in pairs, side by side; returns the path.

    On the diagonal are shares of values, in bins or categories that the tables have in common;
    below it pairs of the first table, above it those of the last.

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
                color = f"C{0 if row > column else len(titles) - 1}"
                pair = values[title][beside], values[title][below]
                axes.scatter(*pair, s=2, alpha=0.4, linewidths=0, color=color)
            axes.tick_params(labelsize=6)
            if row == len(names) - 1:
                axes.set_xlabel(beside, fontsize=8)
            if column == 0:
                axes.set_ylabel("share" if len(names) == 1 else below, fontsize=8)
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


def _shares(axes, columns, categories):
    """Draws what share of the values of each table lies where."""
    if categories is None:
        bins = np.histogram_bin_edges(np.concatenate(list(columns.values())), 30)
    else:
        bins = np.arange(len(categories) + 1) - 0.5
        axes.set_xticks(range(len(categories)), categories, rotation=60)
    for title, column in columns.items():
        weights = np.full(len(column), 1 / len(column))
        axes.hist(column, bins, weights=weights, histtype="step", label=title)
