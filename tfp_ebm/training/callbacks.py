"""Callbacks for Keras `fit`."""

import pathlib
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import checkpoint
from tfp_ebm.training.checkpoints import is_chief
from tfp_ebm.training.epoch_loss import Annealing, log_partition_record
from tfp_ebm.training.epoch_table import write_epoch_row

__all__ = ["BestWeights", "LogPartitionCallback", "MetricsFile"]


class LogPartitionCallback(keras.callbacks.Callback):
    """Sets how log Z is renewed at the end of each epoch, and reports it.

    The weights in place are then those that are evaluated, averaged or not, so that the metrics
    are those of one normalised model. The records of all machines are summed in the epoch's logs:
    `log_partition` and `log_partition_error`, nats.
    """

    def __init__(self, num_chains: int = 256, num_steps: int = 500, seed: Any = None) -> None:
        """Constructs the callback.

        Args:
          num_chains: number of annealed chains.
          num_steps: number of temperatures.
          seed: seed of the estimates; a pair of integers repeats exactly.
        """
        super().__init__()
        num_chains = checks.positive_integer("num_chains", num_chains, minimum=2)
        self._annealing = Annealing(
            num_chains, checks.positive_integer("num_steps", num_steps), seed
        )

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes the place of the trainer's own choice, until `fit` ends."""
        self.model.annealing = self._annealing

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Reports."""
        if logs is None or not self.model.energy_based:
            return
        with self.model.as_evaluated():
            records = [log_partition_record(part) for part in self.model.energy_based]
        logs["log_partition"] = sum(float(record.value) for record in records)
        logs["log_partition_error"] = sum(float(record.standard_error) for record in records)


class MetricsFile(keras.callbacks.Callback):
    """Writes one row of metrics an epoch to a CSV file, whole or not at all.

    Rows of the epoch itself and of later ones, which training that was interrupted may have left,
    are replaced.
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


class BestWeights(keras.callbacks.Callback, tf.Module):
    """Keeps the weights of the best validation, stops when it no longer improves, restores them.

    What is kept are the weights as they were evaluated (averaged, if the trainer averages), with
    the chains and the estimate of log Z. At the end of training they are put in place, of the
    average too. Its variables, the best value and epoch, belong into the checkpoints of training.
    """

    def __init__(
        self, patience: int | None = None, folder: str | pathlib.Path | None = None
    ) -> None:
        """Constructs the callback.

        Args:
          patience: epochs without improvement after which training stops; None: never.
          folder: a checkpoint that always holds the best weights so far; None: memory only.
        """
        keras.callbacks.Callback.__init__(self)
        tf.Module.__init__(self, name="best_weights")
        self._patience = patience
        self._folder = None if folder is None else pathlib.Path(folder)
        self._best = tf.Variable(float("inf"), trainable=False, dtype=tf.float64, name="best")
        self._best_epoch = tf.Variable(0, trainable=False, dtype=tf.int64, name="best_epoch")
        self._values = None

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, from 1."""
        return int(self._best_epoch.numpy())

    @property
    def best(self) -> float:
        """The best validation loss, nats an event."""
        return float(self._best.numpy())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compares the validation loss with the best one."""
        loss = (logs or {}).get("val_loss")
        if loss is None:
            raise ValueError("BestWeights needs `validation_data` in `fit`, got none.")
        if loss < self.best:
            self._best.assign(float(loss))
            self._best_epoch.assign(epoch + 1)
            with self.model.averaged_weights():
                self._values = [v.numpy() for v in self.model.distribution.variables]
                if self._folder is not None and is_chief(self.model.distribute_strategy):
                    checkpoint.save(self.model.distribution, self._folder)
        elif self._patience is not None and epoch + 1 - self.best_epoch >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Puts the best weights in place."""
        if self._values is not None:
            for variable, value in zip(
                self.model.distribution.variables, self._values, strict=True
            ):
                variable.assign(value)
        elif self._folder is not None and self.best_epoch:
            checkpoint.restore(self.model.distribution, self._folder)
        self.model.restart_average()
