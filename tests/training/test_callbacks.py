"""The callbacks, called by hand on a stand-in for the trainer."""

import contextlib
import csv

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, training
from tfp_ebm.distributions import boltzmann_machine
from tfp_ebm.internal.keras import keras

tfd = tfp.distributions


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


@pytest.mark.slow
def test_log_z_is_estimated_once_an_epoch_and_reported(monkeypatch):
    monkeypatch.setattr(boltzmann_machine, "_MAX_SUMMED_UNITS", 0)
    parts = [
        distributions.SmoothedRBM.create(13, 13, sampler="persistent", num_chains=4, seed=(0, n))
        for n in (1, 2)
    ]
    asked = []

    def estimate(part, num_chains, num_steps, seed=None, max_rounds=2):
        asked.append((parts.index(part), num_chains, num_steps, tuple(seed.numpy())))
        return original(part, num_chains, num_steps, seed=seed, max_rounds=max_rounds)

    original = distributions.SmoothedRBM.estimate_log_partition
    monkeypatch.setattr(distributions.SmoothedRBM, "estimate_log_partition", estimate)
    trainer = training.LikelihoodModel(tfd.Blockwise(parts), gibbs_steps=1)
    trainer.compile(optimizer=keras.optimizers.SGD(0.01), run_eagerly=True)
    data = np.random.default_rng(0).normal(size=[8, 52]).astype(np.float32)
    callback = training.LogPartitionCallback(num_chains=7, num_steps=11, seed=(0, 1))
    for validation in (data, None):
        asked.clear()
        history = trainer.fit(
            data, epochs=2, validation_data=validation, verbose=0, callbacks=[callback]
        ).history
        assert [call[:3] for call in asked] == [(0, 7, 11), (1, 7, 11)] * 2
        assert asked[:2] == asked[2:] and asked[0][3] != asked[1][3]
    records = [part.stored_log_partition.read() for part in parts]
    values = [
        float(r.value + p.log_partition_offset()) for r, p in zip(records, parts, strict=True)
    ]
    assert history["log_partition"][-1] == pytest.approx(sum(values))
    errors = [float(record.standard_error) for record in records]
    assert history["log_partition_error"][-1] == pytest.approx(sum(errors)) and min(errors) > 0
    assert trainer.annealing.num_steps == 1000


def test_best_weights_are_saved_with_training():
    best = training.BestWeights()
    assert {variable.name for variable in best.variables} == {"best:0", "best_epoch:0"}
    assert np.isinf(best.best)
