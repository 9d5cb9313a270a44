"""A CSV file with one row an epoch."""

import csv
import pathlib

__all__ = ["write_epoch_row"]


def write_epoch_row(path: pathlib.Path, row: dict[str, float]) -> None:
    """Adds a row to the file, which is replaced whole or not at all.

    Rows of the same epoch and of later ones, which training that was interrupted may have left,
    are dropped. Rows need not have the same columns.

    Args:
      path: the file.
      row: column to value, with the number of the epoch under `epoch`.
    """
    rows = []
    if path.exists():
        with path.open(newline="") as file:
            rows = [old for old in csv.DictReader(file) if int(old["epoch"]) < row["epoch"]]
    rows.append(row)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="") as file:
        names = dict.fromkeys(name for one in rows for name in one)
        writer = csv.DictWriter(file, fieldnames=list(names))
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)
