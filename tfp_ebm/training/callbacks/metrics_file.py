"""A Keras callback that writes the metrics of every epoch to a table."""

import pathlib

from tfp_ebm.internal.keras import keras
from tfp_ebm.training.callbacks.epoch_table import write_epoch_row
from tfp_ebm.training.strategies import is_chief

__all__ = ["MetricsFile"]


class MetricsFile(keras.callbacks.Callback):
    """Writes one row of metrics an epoch to a CSV file, whole or not at all.

    Rows of the epoch itself and of later ones, which training that was interrupted may have left,
    are replaced.

    >>> import pathlib, tempfile
    >>> from tfp_ebm import training
    >>> path = pathlib.Path(tempfile.mkdtemp(), "metrics.csv")
    >>> rows = training.MetricsFile(path)  # fit(..., callbacks=[rows])
    """

    def __init__(self, path: str | pathlib.Path) -> None:
        """Constructs the callback.

        Args:
          path: the file; rows of earlier epochs stay.
        """
        super().__init__()
        self._path = pathlib.Path(path)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the row."""
        if not is_chief(self.model.distribute_strategy):
            return
        row = {"epoch": epoch + 1, **{key: float(v) for key, v in (logs or {}).items()}}
        write_epoch_row(self._path, row)
