"""Columns of CSV and Parquet files, read by pyarrow."""

import contextlib
import csv
import pathlib
import re
from collections.abc import Collection, Iterator

import numpy as np

from tfp_ebm.datasets.growing_columns import GrowingColumn
from tfp_ebm.datasets.raw_columns import RawColumn

__all__ = ["read_columns"]

# Of larger CSV files, a piece at a time is read, and numbers are kept in files.
_LARGE = 1 << 28


def read_columns(path: pathlib.Path, ignored: Collection[str] = ()) -> dict[str, RawColumn]:
    """Returns the columns of a CSV or Parquet file by name.

    Args:
      path: the file; its first line names the columns, if it is a CSV file.
      ignored: names of columns to leave out.

    Raises:
      ValueError: if it is damaged or empty, its header is none, or a column is of a type that is
        neither numbers nor texts.
      FileNotFoundError: if it is not there.
    """
    is_csv = path.suffix.lower() == ".csv"
    if is_csv and path.stat().st_size > _LARGE:
        with _told_in_one_line(path):
            return _read_large_csv(path, ignored)
    with _told_in_one_line(path):
        table = _read_csv(path) if is_csv else _Parquet(path)
    _check_names(path, table.column_names)
    if not table.num_rows:
        raise ValueError(f"{path} has a header and no rows.")
    names = [name for name in table.column_names if name not in ignored]
    _check_named(path, names)
    with _told_in_one_line(path):
        is_large = not is_csv and 8 * table.num_rows * len(names) > _LARGE
        columns = (_column(path, name, table[name]) for name in names)
        return {c.name: c.kept() if is_large else c for c in columns}


@contextlib.contextmanager
def _told_in_one_line(path: pathlib.Path) -> Iterator[None]:
    """Turns what pyarrow and files raise into an error that names the file."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, UnicodeDecodeError, csv.Error) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(f"{path} could not be read as a table in UTF-8: {reason}") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ValueError(f"{path} could not be read as a table: {error}") from None


def _read_csv(path):
    import pyarrow
    import pyarrow.csv

    header = _header(path)
    table = pyarrow.csv.read_csv(path, **_as_texts(header))
    return table.rename_columns([name.strip() for name in header])


def _as_texts(header):
    """Returns how to read, so that the type of a column never rests on its first rows alone."""
    import pyarrow
    import pyarrow.csv

    texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pyarrow.string()))
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return {"convert_options": texts, "parse_options": parsing}


def _header(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file), [])
    if not header:
        raise ValueError(f"{path} is empty; it must start with a line that names the columns.")
    _check_header(path, header)
    return header


def _read_large_csv(path, ignored):
    """Returns the columns of a file that is read piece by piece."""
    import pyarrow.csv

    header = _header(path)
    names = [name.strip() for name in header]
    places = {name: place for place, name in enumerate(names) if name not in ignored}
    _check_named(path, list(places))
    columns = {name: GrowingColumn(name) for name in places}
    with pyarrow.csv.open_csv(path, **_as_texts(header)) as reader:
        for batch in reader:
            for name, place in places.items():
                columns[name].append(batch.column(place))
    return {name: column.finished() for name, column in columns.items()}


class _Parquet:
    """A Parquet file that gives one column at a time."""

    def __init__(self, path):
        import pyarrow.parquet

        with open(path, "rb") as file:
            opened = pyarrow.parquet.ParquetFile(file)
            self.num_rows, self.column_names = opened.metadata.num_rows, opened.schema_arrow.names
        self._path = path

    def __getitem__(self, name):
        import pyarrow.parquet

        pyarrow.default_memory_pool().release_unused()  # What the column before has left.
        with open(self._path, "rb") as file:
            table = pyarrow.parquet.ParquetFile(file).read(columns=[name])
        return table.column(table.column_names.index(name))


def _check_header(path, header):
    def is_number(text):
        try:
            float(text)
        except ValueError:
            return False
        return True

    if all(is_number(name) for name in header):
        raise ValueError(
            f"{path} must start with a line that names the columns, got {', '.join(header[:10])}; "
            "add one, or save the numbers as an array: `np.save`."
        )
    if len(header) == 1 and re.search("[;\t|]", header[0]):
        raise ValueError(
            f"{path} must have commas between columns, got {header[0]!r}; write it with commas."
        )
    _check_names(path, [name.strip() for name in header])


def _check_names(path, names):
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{path} must name every column differently, got {name!r} twice.")
        seen.add(name)


def _check_named(path, names):
    for name in names:
        if not name or name.startswith("__index_level_"):
            raise ValueError(
                f"{path} must name every column, got {name!r} for column {names.index(name) + 1}; "
                "so does pandas write its index: write the table with index=False, or leave the "
                f'column out by columns={{{name!r}: "ignore"}}.'
            )


def _column(path, name, values):
    import pyarrow.compute
    import pyarrow.types as types

    kind = values.type
    if types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = kind.value_type
    values = values.combine_chunks()
    if types.is_boolean(kind):
        values, kind = values.cast("string"), "text"
    if kind == "text" or types.is_string(kind) or types.is_large_string(kind):
        return _text_column(name, pyarrow.compute.utf8_trim_whitespace(values))
    if types.is_decimal(kind):
        values = values.cast("float64")
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        raise ValueError(
            f"Column {name!r} of {path} must hold numbers or texts, got {kind}; make it one of "
            "them, "
            f'or leave it out by columns={{{name!r}: "ignore"}}.'
        )
    numbers = values.to_numpy(zero_copy_only=False)  # With NaN, as float64, where one is missing.
    return RawColumn(name, np.asarray(numbers))


def _text_column(name, values):
    import pyarrow

    encoded = values.dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return RawColumn(name, texts=tuple(encoded.dictionary.to_pylist()), index=index)
