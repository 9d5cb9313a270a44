"""A Keras callback that saves the whole state of training, and takes it up again."""

import pathlib
import shutil
import signal
import tempfile
from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.replicas import num_replicas
from tfp_ebm.training.saving import checkpoint
from tfp_ebm.training.saving.replica_states import ReplicaStates
from tfp_ebm.training.strategies import is_chief

__all__ = ["Checkpoints"]

_PATTERN = "update-*[0-9]"


class Checkpoints(keras.callbacks.Callback):
    """Saves everything that training needs to go on, at the end of every epoch or more often.

    Saved are the weights, the optimizers' slots, the moving average, the persistent chains of
    every replica and replay buffers, log Z with its error and what it belongs to, the flags of
    `ActNorm`, the seed, the metrics of an unfinished epoch and the position in the data. A
    checkpoint is a folder that appears under its name only when it is whole; the last `keep` stay.

    While `fit` runs, the first Ctrl-C or SIGTERM saves after the update in progress and raises
    KeyboardInterrupt; the second one interrupts at once.

        checkpoints = Checkpoints("runs/mine/training")
        checkpoints.restore(trainer)          # False where there is nothing yet
        trainer.fit(images, epochs=40, callbacks=[checkpoints])

    Training an array that was taken up again gives the digits of training that never stopped, on
    one machine and with deterministic operations. With a `tf.data.Dataset` an epoch that was
    interrupted begins again.

    >>> import numpy as np, tempfile, tf_keras
    >>> from tfp_ebm import distributions, training
    >>> trainer = training.LikelihoodModel(distributions.DiscreteMixture.create(2), seed=(0, 1))
    >>> trainer.compile(optimizer=tf_keras.optimizers.Adam(0.1))
    >>> checkpoints = training.Checkpoints(tempfile.mkdtemp())
    >>> checkpoints.restore(trainer)  # nothing there yet
    False
    >>> _ = trainer.fit(np.zeros([32, 2], np.float32), callbacks=[checkpoints], verbose=0)
    >>> checkpoints.restore(trainer)
    True
    """

    def __init__(
        self,
        folder: str | pathlib.Path,
        keep: int = 3,
        every: int | None = None,
        config: dict[str, Any] | None = None,
        **further: tf.Module,
    ) -> None:
        """Constructs the callback.

        Args:
          folder: where the checkpoints are.
          keep: how many of them stay.
          every: updates between two of them within an epoch; None: at the ends of epochs only.
          config: what the model was made from, JSON-able, compared by `restore`.
          **further: modules whose variables belong to the state, such as a `BestWeights`.
        """
        super().__init__()
        self._folder = pathlib.Path(folder)
        self._keep = checks.positive_integer("keep", keep)
        self._every = every if every is None else checks.positive_integer("every", every)
        self._config = config
        self._further = further
        # Of the next update, epoch and step in it.
        self._position = tf.Variable([0, 0], trainable=False, dtype=tf.int64, name="position")
        self._metrics = None
        self._epoch, self._step = 0, 0
        self._interrupted = False
        self._handlers = {}

    @property
    def latest(self) -> pathlib.Path | None:
        """The newest whole checkpoint, or None."""
        return max(self._folder.glob(_PATTERN), default=None)

    def _state(self, trainer):
        state = tf.Module(name="training")
        state.trainer, state.position, state.further = trainer, self._position, self._further
        state.replicas = ReplicaStates(trainer.energy_based)
        return state

    def restore(self, trainer: keras.Model) -> bool:
        """Puts the newest checkpoint in place, so that the next `fit` goes on from there.

        Args:
          trainer: a compiled `LikelihoodModel`, made as the one that was saved.

        Returns:
          Whether there was a checkpoint.

        Raises:
          CheckpointError: if it is damaged or belongs to another model or configuration.
        """
        with trainer.distribute_strategy.scope():
            folder = self._agreed_latest()
            if folder is None:
                return False
            state = self._state(trainer)
            checkpoint.restore(state, folder, self._config)
            state.replicas.scatter()
        epoch, step = (int(value) for value in self._position.numpy())
        trainer.resume_at(epoch, step)
        if step:
            self._metrics = [variable.numpy() for variable in _metric_variables(trainer)]
        return True

    def _agreed_latest(self):
        """Returns the newest checkpoint of the first worker, whose word counts."""
        latest = self.latest
        if num_replicas() > 1:
            update = -1 if latest is None else int(latest.name.split("-")[1])
            context = tf.distribute.get_strategy()
            updates = context.gather(context.run(lambda: tf.constant([update])), axis=0)
            latest = None if updates[0] < 0 else self._path(int(updates[0]))
        return latest

    def _path(self, update):
        return self._folder / f"update-{update:09d}"

    def save(self, epoch: int, step: int) -> None:
        """Writes a checkpoint.

        Args:
          epoch: epoch of the next update, from 0.
          step: step of the next update in its epoch, from 0.

        Raises:
          CheckpointError: if it cannot be written; earlier ones stay.
        """
        self._position.assign([epoch, step])
        state = self._state(self.model)
        state.replicas.gather()
        if not is_chief(self.model.distribute_strategy):
            # Sums over workers need all of them, though one writes.
            with tempfile.TemporaryDirectory() as folder:
                checkpoint.save(state, pathlib.Path(folder) / "other")
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(int(self.model.num_updates.numpy()))
        checkpoint.save(state, path, self._config)
        for old in sorted(self._folder.glob(_PATTERN))[: -self._keep]:
            shutil.rmtree(old)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts to listen to signals."""
        self._interrupted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._handlers[number] = signal.signal(number, self._interrupt)
            except ValueError:  # Not in the main thread: signals go elsewhere.
                return

    def _interrupt(self, number, frame):
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def _stop_listening(self):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Puts back the metrics of an epoch that was interrupted."""
        self._epoch, self._step = epoch, 0
        if self._metrics is not None:
            for variable, value in zip(_metric_variables(self.model), self._metrics, strict=True):
                variable.assign(value)
            self._metrics = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves if it is time, or if somebody wants to stop."""
        step = batch + 1
        if step == self.params.get("steps"):  # The epoch is to be validated before it counts.
            return
        is_time = self._every is not None and step // self._every > self._step // self._every
        self._step = step
        if is_time or self._interrupted:
            self.save(self._epoch, step)
        self._raise_if_interrupted()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves."""
        self.save(epoch + 1, 0)
        self._raise_if_interrupted()

    def _raise_if_interrupted(self):
        if self._interrupted:
            self._stop_listening()
            raise KeyboardInterrupt

    def on_train_end(self, logs: dict | None = None) -> None:
        """Stops listening to signals."""
        self._stop_listening()


def _metric_variables(trainer):
    return [variable for metric in trainer.metrics for variable in metric.variables]
