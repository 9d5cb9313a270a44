"""The callback, called by hand on a stand-in for the trainer."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import training


class Trainer:
    """What the callbacks use of a `LikelihoodModel`, with an average 10 above the weights."""

    def __init__(self):
        self.distribution = tf.Module()
        self.distribution.weight = tf.Variable(0.0)
        self.distribute_strategy = tf.distribute.get_strategy()
        self.stop_training = False
        self.restarts = 0

    @contextlib.contextmanager
    def averaged_weights(self):
        self.distribution.weight.assign_add(10.0)
        yield
        self.distribution.weight.assign_sub(10.0)

    def restart_average(self):
        self.restarts += 1


def run(callback, losses, trainer):
    callback.set_model(trainer)
    for epoch, loss in enumerate(losses):
        trainer.distribution.weight.assign(float(epoch))
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if trainer.stop_training:
            return epoch + 1
    return None


@pytest.mark.parametrize("patience", [None, 1, 2])
def test_best_weights_stop_after_as_many_epochs_without_improvement(patience):
    best, trainer = training.BestWeights(patience), Trainer()
    stopped = run(best, [3.0, 2.0, 2.0, 2.5, 2.1], trainer)
    assert stopped == (None if patience is None else 2 + patience)
    assert best.best == 2.0 and best.best_epoch == 2


@pytest.mark.parametrize("in_folder", [False, True])
def test_best_weights_are_the_averaged_ones_of_the_best_epoch(tmp_path, in_folder):
    folder = tmp_path / "best" if in_folder else None
    best, trainer = training.BestWeights(folder=folder), Trainer()
    run(best, [3.0, 1.0, 2.0], trainer)
    if in_folder:  # As after an interruption, where only the folder holds them.
        best._values = None
    best.on_train_end()
    assert float(trainer.distribution.weight) == 11 and trainer.restarts == 1


def test_a_loss_of_nan_is_never_the_best():
    best, trainer = training.BestWeights(), Trainer()
    run(best, [float("nan"), 4.0, float("nan")], trainer)
    assert best.best_epoch == 2


def test_best_weights_are_saved_with_training():
    best = training.BestWeights()
    assert {variable.name for variable in best.variables} == {"best:0", "best_epoch:0"}
    assert np.isinf(best.best)
