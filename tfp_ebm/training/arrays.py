"""Arrays from what looks like one: tensors, lists, tables."""

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.types import Data

__all__ = ["as_array"]

_NUMBERS = "biuf"  # Kinds of NumPy dtypes: bool, integers, floats.
_DENSE = {tf.RaggedTensor: "`.to_tensor()`", tf.SparseTensor: "`tf.sparse.to_dense`"}


def as_array(name: str, data: Data) -> np.ndarray:
    """Returns data as an array of numbers.

    Args:
      name: name of the argument, for messages.
      data: an array, a tensor, a list, or a table with `columns`, such as a pandas DataFrame.

    Raises:
      ValueError: if it is none, saying what it is and what to do.
    """
    for kind, fix in _DENSE.items():
        if isinstance(data, kind):
            raise ValueError(
                f"`{name}` must be a dense array of events of one shape, got a {kind.__name__}; "
                f"make it one by {fix}."
            )
    if np.ma.is_masked(data):
        raise ValueError(f"`{name}` must be known everywhere, got a masked array; fill or drop.")
    try:
        array = np.asarray(data)
    except (ValueError, TypeError):
        raise ValueError(
            f"`{name}` must be an array of events of one shape, got a {type(data).__name__} that "
            "does not make one; cut or pad its rows to one length."
        ) from None
    if array.dtype.kind in _NUMBERS and array.ndim:
        return array
    if hasattr(data, "columns"):
        return _from_columns(name, data)
    if array.dtype.kind == "O" or not array.ndim:
        raise ValueError(
            f"`{name}` must be an array of numbers, a `tf.data.Dataset` of batches or a generator "
            f"of them, got {type(data).__name__}."
        )
    raise ValueError(f"`{name}` must hold numbers, got an array of {array.dtype}.")


def _from_columns(name, table):
    """Returns columns of several kinds as one array, if all of them are numbers."""
    columns = {str(column): np.asarray(table[column]) for column in table.columns}
    odd = [column for column, values in columns.items() if values.dtype.kind not in _NUMBERS]
    if odd:
        raise ValueError(
            f"`{name}` must be a table of numbers, which the columns {', '.join(odd)} are not: "
            "drop them, or turn them into numbers."
        )
    return np.stack([values.astype(np.float64) for values in columns.values()], axis=-1)
