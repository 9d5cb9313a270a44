"""A Keras callback that keeps the weights of the best validation."""

import pathlib

import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.training.saving import checkpoint
from tfp_ebm.training.strategies import is_chief

__all__ = ["BestWeights"]


class BestWeights(keras.callbacks.Callback, tf.Module):
    """Keeps the weights of the best validation, stops when it no longer improves, restores them.

    What is kept are the weights as they were evaluated (averaged, if the trainer averages), with
    the chains and the estimate of log Z. At the end of training they are put in place, of the
    average too. Its variables, the best value and epoch, belong into the checkpoints of training.

    >>> import numpy as np, tf_keras
    >>> from tfp_ebm import distributions, training
    >>> points = np.random.default_rng(0).normal(size=[32, 2]).astype("float32")
    >>> trainer = training.LikelihoodModel(distributions.DiscreteMixture.create(2))
    >>> trainer.compile(optimizer=tf_keras.optimizers.Adam(0.1))
    >>> best = training.BestWeights(patience=2)
    >>> _ = trainer.fit(points, validation_data=points, callbacks=[best], verbose=0)
    >>> best.best_epoch
    1
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
