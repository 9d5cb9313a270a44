"""Tables with a header as data sets of codes."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfp_ebm.datasets.columns import Column
from tfp_ebm.datasets.condition_vectors import condition_vectors
from tfp_ebm.datasets.dataset import Dataset
from tfp_ebm.datasets.inference import check_told, condition_column, infer_column
from tfp_ebm.datasets.labels import in_natural_order
from tfp_ebm.datasets.memory import fill_column, new_array, release
from tfp_ebm.datasets.raw_columns import RawColumn
from tfp_ebm.datasets.splits import PARTS, Division, check_classes, divide, take
from tfp_ebm.datasets.table_files import read_columns
from tfp_ebm.internal import checks

__all__ = ["load_table"]

_MAX_CLASSES = 1000


def load_table(
    files: Mapping[str, pathlib.Path],
    division: Division,
    columns: Mapping[str, Any] | Sequence[Column] | None = None,
    label: str | Column | None = None,
    condition: Sequence[str | Column] = (),
) -> Dataset:
    """Returns the rows of CSV or Parquet files.

    Args:
      files: the file of the training part, as `"train"`, or of everything; of other parts, if they
        have files of their own.
      division: how parts without a file are taken from the first.
      columns: what is told of columns by name; or all `Column`s, in order.
      label: name of the column that becomes labels; or a `Column` whose categories are the classes.
      condition: names of the columns that become what events are given; or `Column`s.

    Raises:
      ValueError: if anything is wrong with a file or a column, or a name is unknown.
      FileNotFoundError: if a file is not there.
    """
    told, wanted = _told(columns)
    raw, sizes = _read(files, [name for name, value in told.items() if value == "ignore"])
    path = files["train"]
    for name in [name for name in told if told[name] != "ignore"]:
        checks.choice("columns", name, raw)
    classes, label_names = None, None
    if label is not None:
        raw, classes, label_names = _without_label(raw, label)
    asked = _without(raw, condition)
    raw = {name: column for name, column in raw.items() if name not in asked}
    if not raw:
        raise ValueError(
            f"{path} must have a column besides those left out, the label and the condition, got "
            "none."
        )
    places = _rows_of_parts(divide(sizes, division), sizes)
    names = _names(path, raw, wanted)
    told |= {column.name: column for column in condition if isinstance(column, Column)}
    every = {**{name: raw[name] for name in names}, **asked}
    _refuse_constant([every[name] for name in every if not isinstance(told.get(name), Column)])
    size = sum(sizes.values())
    is_training = np.zeros([size], bool)
    is_training[places["train"][1]] = True
    codes = {part: _array_for(place, len(names), size) for part, (_, place) in places.items()}
    found = []
    for index, name in enumerate(names):
        column, values, note = infer_column(raw[name], told.get(name), is_training)
        found.append((column, note))
        release(raw[name].index if raw[name].numbers is None else raw[name].numbers)
        for part, (_, place) in places.items():
            fill_column(codes[part], index, values[place])
    labels = {} if classes is None else take({"all": classes}, places)
    check_classes(labels, division)
    given = {name: condition_column(asked[name], told.get(name), is_training) for name in asked}
    vectors = {}
    if given:
        columns = tuple(column for column, _ in given.values())
        rows = {name: values for name, (_, values) in given.items()}
        parts = take({"all": condition_vectors(columns, rows)}, places)
        vectors = {f"{part}_condition": parts[part] for part in parts}
        vectors["condition_columns"] = columns
    return Dataset(
        str(path),
        **codes,
        **{f"{part}_labels": labels[part] for part in labels},
        **vectors,
        columns=tuple(column for column, _ in found),
        label_names=label_names,
        notes=tuple(note for _, note in found if note),
    )


def _array_for(place, num_columns, size):
    """Returns an array for the rows at a place, to be filled."""
    count = len(range(size)[place]) if isinstance(place, slice) else len(place)
    return new_array([count, num_columns], np.float32)


def _told(columns):
    """Returns what is told of each column, and the names in order if all are told."""
    if columns is None:
        return {}, None
    if isinstance(columns, Mapping):
        told = dict(columns)
        check_told(told)
        return told, None
    columns = list(columns) if isinstance(columns, Sequence) else [columns]
    if not columns or not all(isinstance(column, Column) for column in columns):
        raise ValueError(
            "`columns` must be kinds or steps by name, such as "
            f'{{"carat": 0.01, "cut": "category"}}, or a `Column` for every column, got '
            f"{columns!r}."
        )
    return {column.name: column for column in columns}, [column.name for column in columns]


def _read(files, ignored):
    """Returns the columns of all files, one after the other, and the number of rows of each."""
    tables = {part: read_columns(path, ignored) for part, path in files.items()}
    first = tables["train"]
    for part, table in tables.items():
        if set(table) != set(first):
            odd = sorted(set(table) ^ set(first))
            raise ValueError(
                f"{files[part]} must have the columns of {files['train']}, {', '.join(first)}; "
                f"they differ in {', '.join(map(repr, odd))}."
            )
    sizes = {
        part: next(iter(table.values())).size if table else 0 for part, table in tables.items()
    }
    if len(tables) == 1:
        return first, sizes
    return {name: _joined([table[name] for table in tables.values()]) for name in first}, sizes


def _joined(columns):
    """Returns one column after the other as one; of mixed kinds, as texts."""
    name = columns[0].name
    if all(column.numbers is not None for column in columns):
        return RawColumn(name, np.concatenate([column.numbers for column in columns]))
    texts, indices = {}, []
    for column in columns:
        known, index = (column.texts, column.index)
        if column.numbers is not None:
            known, index = column.as_texts()
        places = np.array([texts.setdefault(text, len(texts)) for text in known] + [-1])
        indices.append(places[index])
    return RawColumn(name, texts=tuple(texts), index=np.concatenate(indices))


def _rows_of_parts(places, sizes):
    """Returns where the rows of each part are when all files come one after the other."""
    ends = np.cumsum([0, *sizes.values()]).tolist()
    starts = dict(zip(sizes, ends, strict=False))
    result = {}
    for part in PARTS:
        source, index = places[part]
        if isinstance(index, slice):
            low, high, _ = index.indices(sizes[source])
            result[part] = ("all", slice(starts[source] + low, starts[source] + high))
        else:
            result[part] = ("all", index)  # Of the training part, whose file comes first.
    return result


def _refuse_constant(columns):
    """Raises if columns have the same value in every row; it names all of them at once."""
    constant = [column for column in columns if column.is_constant]
    if constant:
        values = ", ".join(f"{c.name!r} {c.as_texts(True)[0][0]}" for c in constant[:10])
        ignored = ", ".join(f'{column.name!r}: "ignore"' for column in constant)
        raise ValueError(
            f"Columns must vary, got one value in every row of {values}; leave out what does not: "
            f"columns={{{ignored}}}."
        )


def _names(path, raw, wanted):
    """Returns the names of the columns in the order of their codes."""
    if wanted is None:
        return list(raw)
    unknown = [name for name in raw if name not in wanted]
    if unknown:
        raise ValueError(
            f"{path} must have the columns {', '.join(wanted)}, got also "
            f"{', '.join(map(repr, unknown))}; leave them out of the file."
        )
    return [name for name in wanted if name in raw]


def _without(raw, condition):
    """Returns the columns that events are given, by name."""
    if isinstance(condition, str | Column) or not isinstance(condition, Sequence):
        raise ValueError(f"`condition` must be names of columns of a table, got {condition!r}.")
    names = [name.name if isinstance(name, Column) else name for name in condition]
    for name in names:
        checks.choice("condition", name, raw)
    if len(set(names)) < len(names):
        raise ValueError(f"`condition` must name different columns, got {', '.join(names)}.")
    return {name: raw[name] for name in names}


def _without_label(raw, label):
    """Returns the other columns, classes `[N]`, and their names."""
    name = label.name if isinstance(label, Column) else label
    checks.choice("label", name, raw)
    rest = {other: column for other, column in raw.items() if other != name}
    if not isinstance(label, Column):
        return rest, *_labels(raw[name])
    texts, index = raw[name].as_texts(may_be_named_missing=True)
    if label.kind != "category":
        raise ValueError(f"`label` must be a column of categories, got one of kind {label.kind!r}.")
    return rest, label.encode(np.asarray(texts)[index]).astype(np.int64), label.categories


def _labels(raw):
    texts, index = raw.as_texts(may_be_named_missing=True)
    if len(texts) > _MAX_CLASSES or len(texts) == len(index):
        raise ValueError(
            f"`label` must be a column of at most {_MAX_CLASSES} classes that repeat, got "
            f"{raw.name!r} with {len(texts)} different values in {len(index)} rows."
        )
    names = in_natural_order(texts)
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[text] for text in texts], np.int64)[index], names
