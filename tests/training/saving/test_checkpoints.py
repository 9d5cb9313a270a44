import json
import os
import resource
import signal

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, networks, training
from tfp_ebm.bijectors import Coupling
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import checkpoint

tfb, tfd = tfp.bijectors, tfp.distributions
EPOCHS, BATCH = 3, 10
DATA = np.random.default_rng(0).normal(size=[37, 28]).astype(np.float32)


def affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=tf.tanh(log_scale)))


class NoisyMLP(networks.MLP):
    """An MLP with dropout, whose masks must come back too."""

    def call(self, x, training=None):
        y = super().call(x)
        if training:
            from tfp_ebm.internal.seeds import sanitize_seed

            kept = tf.random.stateless_uniform(tf.shape(y), sanitize_seed(None)) < 0.8
            y *= tf.cast(kept, y.dtype)
        return y


def make_trainer(sampler="replay", seed=(3, 4), **options):
    keras.utils.set_random_seed(7)
    base = distributions.SmoothedRBM.create(14, 14, sampler=sampler, num_chains=8, seed=(0, 1))
    flow = Coupling(tfb.Split(2), affine, NoisyMLP(14, 28, [8]))
    model = tfd.TransformedDistribution(base, tfb.Invert(flow))
    trainer = training.LikelihoodModel(model, gibbs_steps=2, ema_momentum=0.9, seed=seed, **options)
    optimizers = {"flow": keras.optimizers.Adam(0.01), "base": keras.optimizers.SGD(0.05, 0.9)}
    trainer.compile(optimizer=optimizers)
    return trainer


class StopAfter(keras.callbacks.Callback):
    def __init__(self, updates):
        super().__init__()
        self.left = updates

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise TimeoutError


def run(folder, stop_after=None, **options):
    trainer = make_trainer(**options)
    best = training.BestWeights(folder=folder / "best")
    checkpoints = training.Checkpoints(folder / "training", keep=2, every=2, best=best)
    resumed = checkpoints.restore(trainer)
    callbacks = [
        training.LogPartitionCallback(num_chains=8, num_steps=10, seed=(0, 3)),
        training.MetricsFile(folder / "metrics.csv"),
        best,
        checkpoints,
    ]
    if stop_after:
        callbacks.append(StopAfter(stop_after))
    fit = {"validation_data": DATA[:9], "epochs": EPOCHS, "batch_size": BATCH, "verbose": 0}
    try:
        trainer.fit(DATA, callbacks=callbacks, **fit)
    except TimeoutError:
        pass
    return trainer, resumed


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder and the trainer of a run that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(folder)[0]


def assert_the_same(one, trainer, other, expected):
    """The same metrics, byte by byte, and the same variables."""
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    assert len(trainer.variables) == len(expected.variables) > 20
    for variable, same in zip(trainer.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), same.numpy(), err_msg=variable.name)


def test_training_taken_up_again_repeats_every_digit(whole, tmp_path):
    # Within the first epoch; once more before the next checkpoint; between the last update of an
    # epoch and its end, when its validation is still to come; and within a later epoch.
    # The seed is that of the checkpoint, whatever the trainer that takes it up was made with.
    for stop_after, update, seed in (
        (3, 2, (3, 4)),
        (1, 2, (3, 4)),
        (2, 4, (5, 6)),
        (3, 6, (3, 4)),
    ):
        run(tmp_path, stop_after, seed=seed)
        assert (tmp_path / "training" / f"update-{update:09d}").is_dir()
    again, resumed = run(tmp_path, seed=(7, 8))
    assert resumed
    assert_the_same(tmp_path, again, *whole)
    names = sorted(path.name for path in (tmp_path / "training").iterdir())
    assert names == ["update-000000010", "update-000000012"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tempering", "contrastive"])
def test_chains_of_every_kind_are_taken_up_again(tmp_path, sampler):
    def fit(name, stop_after=99):
        base = distributions.SmoothedRBM.create(14, 14, sampler=sampler, num_chains=8, seed=(0, 1))
        trainer = training.LikelihoodModel(base, gibbs_steps=2, seed=(3, 4))
        trainer.compile(optimizer=keras.optimizers.SGD(0.05, 0.9))
        checkpoints = training.Checkpoints(tmp_path / name, every=2)
        resumed = checkpoints.restore(trainer)
        callbacks = [checkpoints, StopAfter(stop_after)]
        try:
            trainer.fit(DATA, epochs=2, batch_size=BATCH, verbose=0, callbacks=callbacks)
        except TimeoutError:
            pass
        return trainer, resumed

    expected, resumed = fit("whole")
    assert not resumed
    fit("interrupted", stop_after=7)
    again, resumed = fit("interrupted")
    assert resumed and len(again.variables) == len(expected.variables) > 6
    for variable, same in zip(again.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), same.numpy(), err_msg=variable.name)


@pytest.mark.slow
def test_checkpoints_within_an_epoch_of_several_updates_at_a_time(tmp_path):
    trainer = make_trainer()
    trainer.compile(optimizer=keras.optimizers.SGD(0.01), steps_per_execution=3)
    checkpoints = training.Checkpoints(tmp_path, keep=9, every=4)
    trainer.fit(DATA, batch_size=3, verbose=0, callbacks=[checkpoints])  # 13 updates.
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"update-{update:09d}" for update in (6, 9, 12, 13)]


@pytest.mark.slow
def test_another_seed_gives_other_digits(whole):
    """The control: what the test above compares does depend on the draws."""
    trainer = make_trainer()
    trainer._seed.assign([9, 9])
    trainer.fit(DATA, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    kept = zip(whole[1].variables, trainer.variables, strict=True)
    assert sum(np.any(one.numpy() != two.numpy()) for one, two in kept) > 10


def test_first_signal_saves_and_stops(tmp_path):
    trainer = make_trainer()
    checkpoints = training.Checkpoints(tmp_path)

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(DATA, batch_size=BATCH, verbose=0, callbacks=[Interrupt(), checkpoints])
    assert signal.getsignal(signal.SIGINT) == before
    assert checkpoints.latest.name == "update-000000002"


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path):
    """Simulated by the limit on the size of files; what the system then says is an OSError."""
    model = tf.Module()
    model.weights = tf.Variable(tf.random.stateless_normal([1000], (0, 1)))
    folder = tmp_path / "checkpoint"
    checkpoint.save(model, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    model.weights.assign(tf.zeros([1000]))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(checkpoint.CheckpointError, match=r"could not be written.*untouched"):
            checkpoint.save(model, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    checkpoint.restore(model, folder)
    assert float(tf.reduce_sum(tf.abs(model.weights))) > 0


@pytest.mark.slow
def test_differing_keys_are_named(tmp_path):
    trainer = make_trainer()
    config = {"num_filters": 4, "seed": 1}
    checkpoints = training.Checkpoints(tmp_path, config=config)
    trainer.fit(DATA[:10], batch_size=BATCH, verbose=0, callbacks=[checkpoints])
    other = training.Checkpoints(tmp_path, config={**config, "num_filters": 8})
    with pytest.raises(checkpoint.CheckpointError, match="differs in num_filters"):
        other.restore(make_trainer())
    assert training.Checkpoints(tmp_path, config=config).restore(make_trainer())


def test_a_stop_between_two_renames_loses_nothing(tmp_path):
    model = tf.Module()
    model.weights = tf.Variable([1.0, 2.0])
    folder = tmp_path / "checkpoint"
    checkpoint.save(model, folder)
    folder.rename(tmp_path / "checkpoint.previous")
    model.weights.assign([0.0, 0.0])
    checkpoint.restore(model, folder)
    assert model.weights.numpy().tolist() == [1.0, 2.0]


def test_metrics_file_replaces_the_rows_of_epochs_run_again(tmp_path):
    path = tmp_path / "metrics.csv"
    writer = training.MetricsFile(path)
    writer.set_model(make_trainer())
    for epoch in (0, 1, 2, 1):
        writer.on_epoch_end(epoch, {"loss": 10.0 * epoch})
    assert path.read_text().split() == ["epoch,loss", "1,0.0", "2,10.0"]


def test_metrics_file_takes_epochs_with_and_without_validation(tmp_path):
    path = tmp_path / "metrics.csv"
    writer = training.MetricsFile(path)
    writer.set_model(make_trainer())
    for epoch, logs in enumerate([{"loss": 3.0}, {"loss": 2.0, "val_loss": 5.0}, {"loss": 1.0}]):
        writer.on_epoch_end(epoch, logs)
    assert path.read_text().split() == ["epoch,loss,val_loss", "1,3.0,", "2,2.0,5.0", "3,1.0,"]


def test_manifest_lists_every_file(tmp_path):
    model = tf.Module()
    model.weights = tf.Variable([1.0])
    checkpoint.save(model, tmp_path / "checkpoint", config={"a": 1})
    content = json.loads((tmp_path / "checkpoint" / "manifest.json").read_text())
    names = {path.name for path in (tmp_path / "checkpoint").iterdir()}
    assert set(content["files"]) == names - {"manifest.json"} and content["config"] == {"a": 1}
