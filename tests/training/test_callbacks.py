"""The callbacks, called by hand on a stand-in for the trainer."""

import contextlib
import csv

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import training
from tfp_ebm.partition import LogPartition


class Estimated:
    """An energy-based part that counts its estimates."""

    def __init__(self):
        self.asked = []

    def estimate_log_partition(self, num_chains, num_steps, seed=None):
        self.asked.append((num_chains, num_steps, None if seed is None else tuple(seed.numpy())))
        return LogPartition.exact(tf.constant(3.0))._replace(standard_error=tf.constant(0.5))


class Trainer:
    """What the callbacks use of a `LikelihoodModel`, with an average 10 above the weights."""

    def __init__(self, parts=()):
        self.distribution = tf.Module()
        self.distribution.weight = tf.Variable(0.0)
        self.energy_based = list(parts)
        self.distribute_strategy = tf.distribute.get_strategy()
        self.stop_training = False
        self.renews_log_partition = True
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


def test_rows_number_epochs_from_1(tmp_path):
    path, trainer = tmp_path / "metrics.csv", Trainer()
    callback = training.MetricsFile(path)
    callback.set_model(trainer)
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": tf.constant(0.5 + epoch)})
    with path.open() as file:
        assert list(csv.DictReader(file)) == [
            {"epoch": "1", "loss": "0.5"},
            {"epoch": "2", "loss": "1.5"},
        ]


def test_log_z_is_estimated_once_an_epoch_and_reported():
    parts = [Estimated(), Estimated()]
    trainer = Trainer(parts)
    callback = training.LogPartitionCallback(num_chains=7, num_steps=11, seed=(0, 1))
    callback.set_model(trainer)
    callback.on_train_begin()
    assert not trainer.renews_log_partition
    for validates in (True, False):
        callback.on_epoch_begin(0)
        if validates:
            callback.on_test_begin()
        logs = {}
        callback.on_epoch_end(0, logs)
        assert logs["log_partition"] == 6.0 and logs["log_partition_error"] >= 0.5
    assert [len(part.asked) for part in parts] == [2, 2]
    assert parts[0].asked[0][:2] == (7, 11) and parts[0].asked[0] == parts[0].asked[1]
    callback.on_train_end()
    assert trainer.renews_log_partition


def test_best_weights_are_saved_with_training():
    best = training.BestWeights()
    assert {variable.name for variable in best.variables} == {"best:0", "best_epoch:0"}
    assert np.isinf(best.best)
