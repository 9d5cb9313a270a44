"""A CSV file with one row an epoch."""

import csv
import pathlib

__all__ = ["read_epoch_rows", "write_epoch_row"]


def read_epoch_rows(path: pathlib.Path) -> list[dict[str, str]]:
    """Returns the rows of the file, none if there is no file.

    Args:
      path: the file.

    Raises:
      ValueError: if it is damaged: a row without a number of an epoch, or with too few columns.
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if not (row.get("epoch") or "").isdecimal() or None in row or None in row.values():
            raise ValueError(
                f"{path} is damaged: its first line must name the columns, among them `epoch`, and "
                f"the others hold a number for each, got {list(row.values())}; restore it from a "
                "copy, or remove it."
            )
    return rows


def write_epoch_row(path: pathlib.Path, row: dict[str, float]) -> None:
    """Adds a row to the file, which is replaced whole or not at all.

    Rows of the same epoch and of later ones, which training that was interrupted may have left,
    are dropped. Rows need not have the same columns.

    Args:
      path: the file.
      row: column to value, with the number of the epoch under `epoch`.

    Raises:
      ValueError: if the file is damaged.
    """
    rows = [old for old in read_epoch_rows(path) if int(old["epoch"]) < row["epoch"]]
    rows.append(row)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="") as file:
        names = dict.fromkeys(name for one in rows for name in one)
        writer = csv.DictWriter(file, fieldnames=list(names))
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)
