"""A column of texts that comes piece by piece, and is kept as numbers where it holds them."""

import tempfile
from typing import Any

import numpy as np

from tfp_ebm.datasets.raw_columns import RawColumn

__all__ = ["GrowingColumn"]

# A column of more different texts must be one of numbers.
_MAX_TEXTS = 10_000


class GrowingColumn:
    """Collects the texts of a column, in a file: places among few texts, or else numbers.

    >>> import pyarrow
    >>> column = GrowingColumn("age")
    >>> column.append(pyarrow.array(["3", "5"])), column.append(pyarrow.array([" 3"]))
    (None, None)
    >>> column.finished().as_numbers().tolist()
    [3, 5, 3]
    """

    def __init__(self, name: str) -> None:
        """Starts an empty column.

        Args:
          name: its name.
        """
        self._name = name
        self._texts: dict[str, int] | None = {}
        self._size = 0
        self._file = tempfile.TemporaryFile(prefix="tfp_ebm")  # Kept open.

    def append(self, values: Any) -> None:
        """Adds texts.

        Args:
          values: a pyarrow array of strings.

        Raises:
          ValueError: if one of many different texts is no number.
        """
        import pyarrow
        import pyarrow.compute

        values = pyarrow.compute.utf8_trim_whitespace(values)
        if self._texts is not None:
            encoded = values.dictionary_encode()
            known = encoded.dictionary.to_pylist()
            places = [self._texts.setdefault(text, len(self._texts)) for text in known] + [-1]
            index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            self._write(np.array(places, np.int32)[index])
            if len(self._texts) > _MAX_TEXTS:
                self._become_numbers()
            return
        values = values.fill_null("")
        filled = pyarrow.compute.if_else(pyarrow.compute.equal(values, ""), None, values)
        try:
            numbers = filled.cast("float64").to_numpy(zero_copy_only=False)
        except pyarrow.ArrowInvalid:
            numbers = RawColumn(self._name).numbers_of(values.to_pylist(), self._size)
        self._write(numbers)

    def finished(self) -> RawColumn:
        """Returns the column, whose rows stay in the file."""
        self._file.flush()
        kind = np.float64 if self._texts is None else np.int32
        array = np.memmap(self._file, kind, "r", shape=(self._size,)) if self._size else None
        self._file.close()
        if array is None:
            array = np.empty([0], kind)
        if self._texts is None:
            return RawColumn(self._name, numbers=array)
        return RawColumn(self._name, texts=tuple(self._texts), index=array)

    def _write(self, rows):
        self._file.write(rows.tobytes())
        self._size += len(rows)

    def _become_numbers(self):
        """Turns places among texts into numbers, piece by piece."""
        values = RawColumn(self._name).numbers_of([*self._texts, ""], None)
        self._file.seek(0)
        numbers = tempfile.TemporaryFile(prefix="tfp_ebm")
        while piece := self._file.read(1 << 24):
            numbers.write(values[np.frombuffer(piece, np.int32)].tobytes())
        self._file.close()
        self._file, self._texts = numbers, None
