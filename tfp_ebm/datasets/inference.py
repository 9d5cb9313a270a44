"""What the columns of a table are, found from the values or as told."""

import numbers
import warnings
from typing import Any

import numpy as np

from tfp_ebm.datasets.columns import KINDS, MAX_LEVELS, Column, off_steps
from tfp_ebm.datasets.labels import in_natural_order
from tfp_ebm.datasets.raw_columns import RawColumn
from tfp_ebm.datasets.steps import decimal_step
from tfp_ebm.internal import checks

__all__ = ["check_told", "condition_column", "infer_column"]

_MAX_CATEGORIES = 100
_MIN_NUMBERED = 10  # Fewer rows may be in such an order by chance.
# A value that a continuous column has in this share of its rows is worth a warning.
_REPEAT_SHARE, _MIN_REPEATS = 0.05, 5


def infer_column(
    raw: RawColumn, told: Any, is_training: np.ndarray
) -> tuple[Column, np.ndarray, str | None]:
    """Returns what a column is, its codes, and a note on what was found out.

    Args:
      raw: the column as the file has it, of different values.
      told: what the user says of it: a kind, a step, a whole `Column`, or None.
      is_training: `[N]`, which rows are of the training part; they give the location, the scale and
        the offset.

    Returns:
      The column, its codes, float32 `[N]`, and a sentence or None.

    Raises:
      ValueError: if values are missing, constant in the training part, or other than the column
        must have.
    """
    if isinstance(told, Column):
        return told, told.encode(_values(raw, told)), None
    values = None if told == "category" else raw.as_numbers()
    if told is None and values is None:
        return _category(raw, is_told=False)
    if told == "category":
        return _category(raw, is_told=True)
    if values is None:
        raw.refuse(
            np.ones([raw.size], bool),
            "is no number",
            f'read the column as "category", not {told!r}',
        )
    step, note = _step(raw.name, values, told)
    if step is None:
        column = _continuous(raw.name, values, values[is_training])
        note = note or _repeats_note(raw.name, values)
        if note:
            warnings.warn(note, stacklevel=2)
        return column, column.encode(values), note
    if told is None and _numbers_rows(values):
        note = (
            f"Column {raw.name!r} numbers the rows, of which there is nothing to learn; leave it "
            f'out by columns={{{raw.name!r}: "ignore"}}.'
        )
        warnings.warn(note, stacklevel=2)
    column = _stepped(raw.name, values[is_training], step)
    return column, column.encode(values), note


def condition_column(raw: RawColumn, told: Any, is_training: np.ndarray) -> tuple[Column, Any]:
    """Returns what a column is that events are given, and its values.

    Numbers are numbers whatever their step, as no density of them is asked for.

    Args:
      raw: the column as the file has it.
      told: what the user says of it: "category", another kind or a step, a `Column`, or None.
      is_training: `[N]`, which rows are of the training part; they give the location and the scale.

    Raises:
      ValueError: as `infer_column`.
    """
    if isinstance(told, Column):
        return told, _values(raw, told)
    values = None if told == "category" else raw.as_numbers()
    if values is None:
        column = _category(raw, is_told=told == "category")[0]
        return column, _values(raw, column)
    return _continuous(raw.name, values, values[is_training]), values


def _step(name, values, told):
    """Returns the step of a column, or None, and a note."""
    if told == "continuous":
        return None, None
    step = decimal_step(values) if told is None else 1.0 if told == "integer" else told
    if step is None:
        return None, None
    step = checks.positive_number(f"columns[{name!r}]", step)
    wrong = off_steps(values, float(values.min()), step)
    if told == "integer":
        wrong = values != np.rint(values)
    RawColumn(name, values).refuse(
        wrong, f"is off the steps of {step:g}", 'give a finer step, or read it as "continuous"'
    )
    levels = (float(values.max()) - float(values.min())) / step + 1
    if levels <= MAX_LEVELS:
        found = f"Column {name!r} has steps of {step:g}"
        override = f'columns={{{name!r}: "continuous"}} or another step overrides it'
        return step, None if told is not None or step == 1 else f"{found}; {override}."
    if told is not None:
        raise ValueError(
            f"Column {name!r} must have at most 2^23 = {MAX_LEVELS} levels, got {levels:.0f} steps "
            "of "
            f'{step:g} from {values.min():g} to {values.max():g}; read it as "continuous".'
        )
    return None, (
        f"Column {name!r} has steps of {step:g}, but {levels:.0f} levels, more than 2^23, so it is "
        f"taken for continuous; a coarser step, columns={{{name!r}: step}}, overrides it where all "
        "values have it."
    )


def _continuous(name, values, training):
    location, scale = float(np.mean(training, dtype=np.float64)), float(np.std(training))
    if not training.min() < training.max() or not scale > 0:
        raise ValueError(_constant(name, training[0].item()))
    return Column(name, "continuous", location=location, scale=scale)


def _stepped(name, training, step):
    low, high = float(training.min()) + 0.0, float(training.max())  # 0 in place of -0.
    if low == high:
        raise ValueError(_constant(name, training[0].item()))
    # The shortest text of a multiple of the step, of which a float32 column has only some digits.
    offset = float(f"{low:.7g}") if training.dtype == np.float32 else low
    return Column(name, "integer", step, offset, num_levels=round((high - low) / step) + 1)


def _category(raw, is_told):
    texts, index = raw.as_texts(may_be_named_missing=is_told)
    size = len(index)
    all_differ = len(texts) == size and size > 2
    if all_differ or (len(texts) > _MAX_CATEGORIES and not is_told):
        few = ", ".join(map(repr, texts[:3]))
        keep = "" if all_differ else f', or keep it by columns={{{raw.name!r}: "category"}}'
        raise ValueError(
            f"Column {raw.name!r} must have at most {_MAX_CATEGORIES} categories that repeat, got "
            f"{len(texts)} different texts in {size} rows, such as {few}; leave it out by "
            f'columns={{{raw.name!r}: "ignore"}}{keep}.'
        )
    categories = in_natural_order(texts)
    place = {category: code for code, category in enumerate(categories)}
    codes = np.array([place[text] for text in texts], np.float32)[index]
    return Column(raw.name, "category", categories=categories), codes, None


def _values(raw, column):
    """Returns the values that a column of a known kind must have."""
    if column.kind == "category":
        texts, index = raw.as_texts(may_be_named_missing=True)
        return np.asarray(texts)[index]
    values = raw.as_numbers()
    if values is None:
        raw.refuse(np.ones([raw.size], bool), "is no number", f"the column is {column.kind}")
    return values


def _repeats_note(name, values):
    unique, counts = np.unique(values, return_counts=True)
    largest = int(counts.argmax())
    is_spread = counts[largest] < max(_MIN_REPEATS, _REPEAT_SHARE * len(values))
    if is_spread and 2 * len(unique) > len(values):
        return None
    return (
        f"Column {name!r} is continuous, but {len(values)} rows have only {len(unique)} different "
        f"values, and {counts[largest]} of them {unique[largest]:g}: a density of values that "
        "repeat has no upper bound, so that likelihoods of this column mean little. If they are "
        f"rounded, give the step: columns={{{name!r}: step}}."
    )


def _numbers_rows(values):
    return len(values) >= _MIN_NUMBERED and bool(np.all(np.diff(values) == 1))


def _constant(name, value):
    return (
        f"Column {name!r} must vary, got {value!r} in every row of the training part; leave it out "
        f'by columns={{{name!r}: "ignore"}}.'
    )


def check_told(told: dict[str, Any]) -> None:
    """Raises ValueError unless what is told of each column is a kind, a step or a `Column`."""
    for name, value in told.items():
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if is_number:
            checks.positive_number(f"columns[{name!r}]", value)
        elif not isinstance(value, Column):
            checks.choice(f"columns[{name!r}]", value, (*KINDS, "ignore"))
