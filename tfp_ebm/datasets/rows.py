"""Rows of a table as codes, as values, and as a file."""

import csv
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfp_ebm.datasets.columns import Column
from tfp_ebm.internal.types import TensorLike

__all__ = ["decode_rows", "encode_rows", "write_table"]


def encode_rows(columns: Sequence[Column], rows: Mapping[str, Any]) -> np.ndarray:
    """Returns values by column as codes, float32 `[N, D]`.

    Args:
      columns: the D columns.
      rows: values `[N]` for each name.

    Raises:
      ValueError: if columns are missing, unknown or of different lengths, or a value does not fit.
    """
    names = [column.name for column in columns]
    given = [str(name) for name in (rows.keys() if hasattr(rows, "keys") else rows)]
    for problem, odd in (
        ("lacks", [name for name in names if name not in given]),
        ("must not have", [name for name in given if name not in names]),
    ):
        if odd:
            raise ValueError(
                f"`rows` {problem} the columns {', '.join(map(repr, odd))}; the table has "
                f"{', '.join(names)}."
            )
    codes = [column.encode(np.asarray(rows[column.name])) for column in columns]
    if len({len(code) for code in codes}) > 1:
        sizes = ", ".join(f"{n} {len(code)}" for n, code in zip(names, codes, strict=True))
        raise ValueError(f"`rows` must have columns of one length, got {sizes}.")
    return np.stack(codes, axis=-1)


def decode_rows(columns: Sequence[Column], codes: TensorLike) -> dict[str, np.ndarray]:
    """Returns codes as values `[N]` by column.

    Args:
      columns: the D columns.
      codes: `[N, D]`.

    Raises:
      ValueError: if the shape does not fit, or a code stands for nothing.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != len(columns):
        raise ValueError(f"`codes` must have shape [N, {len(columns)}], got {codes.shape}.")
    return {column.name: column.decode(codes[:, i]) for i, column in enumerate(columns)}


def write_table(
    path: str | os.PathLike, rows: Mapping[str, Any] | Any, columns: Sequence[Column] | None = None
) -> None:
    """Writes rows as a CSV file with a header, whole or not at all.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "rows.csv")
    ...     write_table(path, [[0.0], [2.0]], [Column("age", "integer", offset=18)])
    ...     print(path.read_text().split())
    ['age', '18', '20']

    Args:
      path: the file, which is replaced if it exists.
      rows: values `[N]` for each name; or, with `columns`, codes `[N, D]`.
      columns: the columns that the codes are of, `dataset.columns`.

    Raises:
      ValueError: if the columns are of different lengths, or a code stands for nothing; then
        nothing is written.
      OSError: if the folder is not there or cannot be written to.
    """
    if columns is not None:
        rows = decode_rows(columns, rows)
    values = {str(name): np.asarray(rows[name]).tolist() for name in rows}
    if len({len(column) for column in values.values()}) != 1:
        sizes = ", ".join(f"{name} {len(column)}" for name, column in values.items())
        raise ValueError(f"`rows` must have columns of one length, got {sizes or 'none'}.")
    path = pathlib.Path(path)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with open(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(values)
            writer.writerows(zip(*values.values(), strict=True))
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _umask():
    """Returns the mask of new files, which only setting it tells."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
