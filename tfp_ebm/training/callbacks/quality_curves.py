"""The callback that judges samples while a model trains."""

import pathlib

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Seed
from tfp_ebm.metrics import SampleQuality
from tfp_ebm.training.callbacks.epoch_table import write_epoch_row
from tfp_ebm.training.sampling import BatchSampler
from tfp_ebm.training.strategies import is_chief

__all__ = ["QualityCurves"]


class QualityCurves(keras.callbacks.Callback):
    """Writes bits per dimension and the quality of samples over epochs to a CSV file.

    Columns: `epoch`, `bits_per_dimension` (of the validation part where there is one), and for each
    metric of the judge its value and its error, such as `kernel_distance` and
    `kernel_distance_error`. Samples are drawn with the weights that are evaluated, averaged or not,
    and with one seed, so that rows differ by the weights only. An epoch that is trained again after
    an interruption replaces its row and those after it.

    >>> import numpy as np, pathlib, tempfile
    >>> from tfp_ebm import metrics, training
    >>> network = metrics.as_network(lambda images: images[:, 0, 0, :])
    >>> images = np.zeros([8, 2, 2, 3], np.uint8)
    >>> judge = metrics.SampleQuality(network, images)
    >>> path = pathlib.Path(tempfile.mkdtemp(), "quality.csv")
    >>> curves = training.QualityCurves(judge, path, num_samples=8)  # fit(..., callbacks=[curves])
    """

    def __init__(
        self,
        judge: SampleQuality,
        path: str | pathlib.Path,
        num_samples: int = 2048,
        every: int = 1,
        batch_size: int = 256,
        seed: Seed = (0, 2),
    ) -> None:
        """Constructs the callback.

        Args:
          judge: what judges the samples.
          path: the CSV file.
          num_samples: number of samples.
          every: epochs from one row to the next.
          batch_size: samples drawn at a time.
          seed: seed of the samples.

        Raises:
          ValueError: if a number is no positive integer.
        """
        super().__init__()
        self._judge = judge
        self._path = pathlib.Path(path)
        self._num_samples = checks.positive_integer("num_samples", num_samples)
        self._every = checks.positive_integer("every", every)
        self._batch_size = checks.positive_integer("batch_size", batch_size)
        self._seed = seed
        self._sampler = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draws, judges, and writes the row."""
        if (epoch + 1) % self._every:
            return
        if self._sampler is None:
            self._sampler = BatchSampler(self.model.sample_source, self._batch_size)
        with self.model.averaged_weights():
            samples = self._sampler(self._num_samples, seed=self._seed)
        logs = logs or {}
        bits = logs.get("val_bits_per_dimension", logs.get("bits_per_dimension"))
        row = {"epoch": epoch + 1, "bits_per_dimension": float(bits)}
        for record in self._judge(samples):
            row |= {record.metric: record.value, f"{record.metric}_error": record.error}
        if is_chief(self.model.distribute_strategy):
            write_epoch_row(self._path, row)
