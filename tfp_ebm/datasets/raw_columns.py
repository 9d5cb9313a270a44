"""A column as a file has it: numbers, or texts that may be numbers."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_ebm.datasets.memory import is_mapped, new_array, release

__all__ = ["RawColumn"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_MISSING = {"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>"}


class RawColumn(NamedTuple):
    """A column of a file, before anything is made of it.

    Attributes:
      name: its name in the header.
      numbers: `[N]` integers or floating-point numbers, where the file has numbers; NaN is missing.
      texts: the different texts, where it has texts.
      index: `[N]` the place of each row's text among them; -1 is missing.
    """

    name: str
    numbers: np.ndarray | None = None
    texts: tuple[str, ...] = ()
    index: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.index if self.numbers is None else self.numbers)

    @property
    def is_constant(self) -> bool:
        """Whether every row has the same value."""
        values = self.index if self.numbers is None else self.numbers
        is_constant = bool(np.all(values == values[0]))
        release(values)
        return is_constant and not (self.numbers is None and values[0] < 0)

    def as_numbers(self) -> np.ndarray | None:
        """Returns the numbers, all finite; None if these are texts.

        Raises:
          ValueError: if a value is missing or infinite, or few among numbers are texts.
        """
        if self.numbers is not None:
            return self._checked(self.numbers)
        kinds = np.array([_kind(text) for text in self.texts] + ["missing"])[self.index]
        is_number = (kinds == "number") | (kinds == "infinite")
        if 2 * is_number.sum() < len(kinds) or not is_number.any():
            return None
        self.refuse(kinds == "missing", "is missing", _FILL)
        self.refuse(
            kinds == "text",
            "is no number, unlike most of the column",
            f'correct it, or read the column as columns={{{self.name!r}: "category"}}',
        )
        is_integer = all(re.fullmatch(r"[+-]?\d+", text) for text in self.texts)
        numbers = np.array([float(text) for text in self.texts])[self.index]
        self._checked(numbers, is_integer)
        return numbers.astype(np.int64) if is_integer else numbers

    def numbers_of(self, texts: Sequence[str], start: int | None) -> np.ndarray:
        """Returns texts of a column of numbers as float64; a missing one is NaN.

        Args:
          texts: the texts, of rows in order or, without a start, different ones.
          start: number of the first row, from 0, for the message; None: they are no rows.

        Raises:
          ValueError: if a text is neither a number nor missing; it names the row.
        """
        kinds = [_kind(text) for text in texts]
        if "text" in kinds:
            place = kinds.index("text")
            row = "" if start is None else f" in row {start + place + 1} after the header"
            raise ValueError(
                f"Column {self.name!r} must have numbers, or at most 100 different texts, got "
                f'{texts[place]!r}{row}; leave it out by columns={{{self.name!r}: "ignore"}}.'
            )
        numbers = zip(texts, kinds, strict=True)
        return np.array([np.nan if kind == "missing" else float(text) for text, kind in numbers])

    def kept(self) -> "RawColumn":
        """Returns the column with its rows in a file."""
        name = "index" if self.numbers is None else "numbers"
        rows = getattr(self, name)
        array = new_array(rows.shape, rows.dtype, in_file=True)
        if not is_mapped(array):
            return self
        array[:] = rows
        release(array)
        return self._replace(**{name: array})

    def _checked(self, numbers, is_integer=False):
        is_integer |= numbers.dtype.kind in "iu"
        self.refuse(np.isnan(numbers), "is missing (NaN)", _FILL)
        self.refuse(np.isinf(numbers), "is infinite", _FILL)
        self.refuse(
            np.abs(numbers.astype(np.float64)) > (2.0**53 if is_integer else _LARGEST),
            "has more digits than a double" if is_integer else "is too large for arithmetic",
            f'leave the column out by columns={{{self.name!r}: "ignore"}}, or take "category"',
        )
        return numbers

    def as_texts(self, may_be_named_missing: bool = False) -> tuple[list[str], np.ndarray]:
        """Returns the different texts, and the place of each row's `[N]` among them.

        Args:
          may_be_named_missing: whether texts such as "NA" count as they are.

        Raises:
          ValueError: if a value is missing.
        """
        if self.numbers is not None:
            self.refuse(~np.isfinite(self.numbers), "is missing or infinite", _FILL)
            values, index = np.unique(self.numbers, return_inverse=True)
            return [_text(value) for value in values.tolist()], index
        if damaged := [text for text in self.texts if "\0" in text]:
            raise ValueError(
                f"Column {self.name!r} has bytes of 0 in its texts, such as {damaged[0]!r}: the "
                "file is damaged, or in another encoding than UTF-8."
            )
        missing = {""} if may_be_named_missing else _MISSING
        is_missing = np.array([text.lower() in missing for text in self.texts] + [True])
        self.refuse(is_missing[self.index], "is missing", _FILL)
        return list(self.texts), self.index

    def refuse(self, wrong: np.ndarray, problem: str, fix: str) -> None:
        """Raises ValueError, naming the first row where something is wrong, if there is one."""
        if not wrong.any():
            return
        row = int(np.argmax(wrong))
        got = repr(self.numbers[row].item() if self.numbers is not None else self._text_of(row))
        more = f" (and in {wrong.sum() - 1} more rows)" if wrong.sum() > 1 else ""
        raise ValueError(
            f"Column {self.name!r} has a value that {problem} in row {row + 1} after the header"
            f"{more}: {got}; {fix}."
        )

    def _text_of(self, row):
        return self.texts[self.index[row]] if self.index[row] >= 0 else None


_LARGEST = 1e150  # Whose square is finite.
_FILL = "drop such rows or fill them"


def _kind(text):
    if _NUMBER.fullmatch(text):
        return "number" if np.isfinite(float(text)) else "infinite"
    if _INFINITE.fullmatch(text):
        return "infinite"
    return "missing" if text.lower() in _MISSING else "text"


def _text(value):
    """Returns whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else str(value)
