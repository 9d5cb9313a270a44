import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm import distributions, training
from tfp_ebm.distributions import boltzmann_machine
from tfp_ebm.internal.keras import keras
from tfp_ebm.mcmc import PersistentChains
from tfp_ebm.partition import LogPartition
from tfp_ebm.training.epoch_loss import (
    Annealing,
    annealing_of_an_epoch,
    confirm,
    epoch_logs,
    log_partition_record,
    sample_batches,
)

DELTA = 2.9
DATA = np.random.default_rng(0).normal(0.6, 1.0, size=[40, 5]).astype(np.float32)


def machine_with_chains(num_chains=32):
    """Small enough to be summed by an oracle, with chains, so that log Z is an estimate."""
    parameters = tf.Variable(tf.zeros([3, 2])), tf.Variable(tf.zeros([5]))
    machine = distributions.SmoothedRBM(*parameters, DELTA).machine()
    chains = PersistentChains.start(machine, num_chains, (0, 1))
    base = distributions.SmoothedRBM(*parameters, DELTA, chains=chains)
    base.estimate_log_partition()
    return base


def trainer_of(base, rate=0.1, **options):
    trainer = training.LikelihoodModel(base, gibbs_steps=3, seed=(0, 1), **options)
    trainer.compile(optimizer=keras.optimizers.SGD(rate))
    return trainer


def exact_loss(base, data=DATA):
    values = base.weights.numpy(), base.bias.numpy()
    return -oracles.smoothed_log_prob(*values, DELTA, data).mean()


class Recorder(keras.callbacks.Callback):
    """The exact loss at the end of every epoch, and what updates show."""

    def __init__(self):
        super().__init__()
        self.exact, self.shown = [], set()

    def on_train_batch_end(self, batch, logs=None):
        self.shown |= set(logs)

    def on_epoch_end(self, epoch, logs=None):
        with self.model.averaged_weights():
            self.exact.append(exact_loss(self.model.distribution))


@pytest.mark.parametrize("momentum", [None, 0.8])
def test_the_loss_of_an_epoch_is_that_of_the_model_at_its_end(momentum, tmp_path):
    """The last epochs go the wrong way, so that the best one is not the last."""
    trainer = trainer_of(machine_with_chains(), ema_momentum=momentum)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 if epoch < 3 else -0.1)
    recorder = Recorder()
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}"), monitor="loss", save_best_only=True, save_weights_only=True
    )
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    callbacks = [rate, recorder, best, log]
    history = trainer.fit(
        DATA, epochs=5, batch_size=8, validation_data=DATA, verbose=0, callbacks=callbacks
    ).history
    np.testing.assert_allclose(history["loss"], recorder.exact, rtol=2e-5)
    np.testing.assert_allclose(history["val_loss"], recorder.exact, rtol=2e-5)
    bits = np.array(recorder.exact) / (5 * np.log(2))
    np.testing.assert_allclose(history["bits_per_dimension"], bits, rtol=2e-5)
    assert best.best == pytest.approx(min(recorder.exact), rel=2e-5)
    assert max(recorder.exact) > min(recorder.exact) + 0.1
    logged = np.genfromtxt(tmp_path / "log.csv", delimiter=",", names=True)
    np.testing.assert_allclose(logged["loss"], recorder.exact, rtol=2e-5)
    assert recorder.shown == {"unnormalized_loss"}


@pytest.mark.slow
def test_an_annealed_loss_is_right_within_its_error(monkeypatch):
    monkeypatch.setattr(boltzmann_machine, "_MAX_SUMMED_UNITS", 0)
    base = machine_with_chains()
    recorder = Recorder()
    history = (
        trainer_of(base).fit(DATA, epochs=3, batch_size=8, verbose=0, callbacks=[recorder]).history
    )
    record = base.stored_log_partition.read()
    assert record.method == "BAR" and record.num_steps == 100
    errors = np.array(history["loss"]) - recorder.exact
    assert np.all(np.abs(errors) < 4 * np.array(history["loss_error"]))
    sampling = DATA.shape[0] ** -0.5 * np.std(base.log_prob(DATA))
    expected = np.hypot(sampling, record.standard_error)
    np.testing.assert_allclose(history["loss_error"][-1], expected, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["data set", "generator", "sequence"])
def test_the_loss_of_an_epoch_of_batches(kind):
    batches = [DATA[start : start + 8] for start in range(0, 40, 8)]

    class Sequence(keras.utils.Sequence):
        def __len__(self):
            return len(batches)

        def __getitem__(self, index):
            return batches[index]

    made = {
        "data set": lambda: tf.data.Dataset.from_tensor_slices(DATA).batch(8),
        "generator": lambda: iter(batches),
        "sequence": Sequence,
    }[kind]()
    base = machine_with_chains()
    loss = trainer_of(base).fit(made, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(loss, [exact_loss(base)], rtol=2e-5)
    arrays = machine_with_chains()
    trainer_of(arrays).fit(DATA, batch_size=8, verbose=0, shuffle=False)
    np.testing.assert_allclose(base.weights, arrays.weights, rtol=1e-6)


@pytest.mark.slow
def test_a_semi_supervised_epoch_is_judged_by_its_objective():
    labels = np.random.default_rng(1).integers(-1, 3, size=40)
    machine = distributions.LabeledRBM.create(5, 2, 3, seed=(0, 1)).machine()
    chains = PersistentChains.start(machine, 16, (0, 1))
    made = distributions.LabeledRBM.create(5, 2, 3, seed=(0, 1))
    names = "weights", "visible_bias", "hidden_bias", "label_weights", "label_bias", "scale"
    base = distributions.LabeledRBM(*(made.parameters[name] for name in names), chains=chains)
    base.estimate_log_partition()
    trainer = training.SemiSupervisedModel(base, label_weight=3.0, gibbs_steps=2, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.SGD(0.05))
    loss = trainer.fit(DATA, labels, batch_size=8, epochs=2, verbose=0).history["loss"]
    log_z = base.machine().enumerate_log_partition() + base.log_partition_offset()
    terms = base.unnormalized_log_prob(DATA, labels=labels) - log_z
    expected = -np.mean(np.where(labels < 0, terms, 3.0 * terms))
    np.testing.assert_allclose(loss[-1], expected, rtol=2e-5)


def test_an_update_that_is_not_finite_shows():
    data = DATA.copy()
    data[3] = np.finfo(np.float32).max
    logs = trainer_of(machine_with_chains()).fit(data, batch_size=8, verbose=0).history
    assert all(np.isnan(values[-1]) for values in logs.values())
    with pytest.raises(training.NonFiniteError):
        trainer_of(machine_with_chains()).fit(
            data, batch_size=8, verbose=0, callbacks=[training.TerminateOnNonFinite()]
        )


def test_records_are_of_the_whole_log_z():
    """The stored one leaves out what has a closed form."""
    base = machine_with_chains()
    base.bias.assign_add(tf.ones([5]))
    fresh = base.estimate_log_partition()
    assert float(log_partition_record(base).value) == pytest.approx(float(fresh.value), rel=1e-6)
    exact = distributions.SmoothedRBM(base.weights, base.bias, DELTA)
    assert float(log_partition_record(exact).value) == pytest.approx(float(fresh.value), rel=1e-5)


def test_errors_add_up():
    """Of independent things in squares; of machines, which share their seeds, as they are."""
    zero = tf.constant(0.0)
    records = [
        LogPartition(zero, tf.constant(error), zero, "AIS", "", 1, 2) for error in (1.0, 3.0)
    ]
    logs = epoch_logs({"unnormalized_loss": 0.5}, {"loss": tf.constant(7.0)}, 3.0, records)
    assert logs == {"loss": 7.0, "loss_error": 5.0, "log_partition_gap": 0.0}
    torn = [
        one._replace(is_consistent=tf.constant(False), lower=zero, upper=zero + 2)
        for one in records
    ]
    logs = epoch_logs({"unnormalized_loss": 0.5}, {"loss": tf.constant(7.0)}, 3.0, torn)
    assert logs["log_partition_gap"] == 4.0
    lost = epoch_logs({"unnormalized_loss": np.nan}, {"loss": tf.constant(7.0)}, 3.0, records)
    assert set(lost) == set(logs) and np.all(np.isnan(list(lost.values())))


@pytest.mark.parametrize("is_off", [False, True])
def test_what_the_chains_followed_is_confirmed(is_off):
    base = distributions.SmoothedRBM.create(13, 13, num_chains=64, seed=(0, 1))
    base.update_chains(seed=(0, 2))
    if is_off:
        stored = base.stored_log_partition
        stored.value.assign_add(0.5)
    exact = 26 * np.log(2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        confirm(base, Annealing(64, 100), (0, 3))
    said = [str(each.message) for each in caught]
    assert len(said) == is_off
    if is_off:
        assert "by 0.5 nats" in said[0] and base.name in said[0]
    record = base.stored_log_partition.read()
    assert record.method == "exact" and float(record.value) == pytest.approx(exact, abs=1e-3)


@pytest.mark.slow
def test_the_health_of_weighted_chains_is_told():
    base = distributions.SmoothedRBM.create(13, 13, num_chains=64, seed=(0, 1))
    trainer = trainer_of(base)
    data = np.random.default_rng(0).normal(size=[40, 26]).astype(np.float32)
    history = trainer.fit(data, batch_size=8, verbose=0).history
    chains = base.chains
    assert history["chains_acceptance"] == [pytest.approx(float(chains.acceptance))]
    assert history["chains_effective_share"] == [pytest.approx(float(chains.effective_share))]
    assert history["chains_resamplings"] == [float(chains.num_resamplings)]
    exact = -float(tf.reduce_mean(base.unnormalized_log_prob(data) - base.log_partition()))
    assert history["loss"][-1] == pytest.approx(exact, abs=0.3)


def test_exact_models_keep_the_mean_over_updates():
    base = distributions.SmoothedRBM.create(3, 2)
    history = trainer_of(base).fit(DATA, verbose=0).history
    assert sorted(history) == ["bits_per_dimension", "loss"]


def test_annealing_takes_a_twentieth_of_the_sweeps():
    parts = [machine_with_chains(num_chains=64)]
    assert annealing_of_an_epoch(parts, 2000, 25).num_steps == 2000 * 25 * 64 / 256 / 20
    assert annealing_of_an_epoch(parts, 10, 1).num_steps == 100
    assert annealing_of_an_epoch(parts, None, 25).num_steps == 100
    assert annealing_of_an_epoch(parts, 10**6, 25).num_steps == 1000


def test_samples_are_spread_over_arrays_and_lose_nothing_of_generators():
    data = np.arange(6000).reshape(6000, 1)
    batches, same = sample_batches((data, data[:, 0]), 50)
    rows = np.concatenate([batch[1] for batch in batches])
    assert same[0] is data and len(rows) == 300 and len(batches) == 6
    assert rows[0] == 0 and rows[-1] == 5999 and set(np.diff(rows)) <= {19, 20, 21}
    assert np.array_equal(batches[0][0][:, 0], rows[:50])
    assert sum(len(batch[1]) for batch in sample_batches((data, data), 50, None, True)[0]) == 6000
    kept, rest = sample_batches(iter(np.split(data, 60)), 50)
    np.testing.assert_array_equal(np.concatenate(list(rest)), data)
    rows = np.concatenate(kept.take())[:, 0]
    assert len(rows) == 300 and rows[0] == 0 and rows[-1] == 5999 and not kept


SORTED = np.concatenate([DATA[:20] - 1, DATA[20:] + 3]).repeat(50, axis=0)


def sorted_by_class(kind):
    """Two classes, one after the other, a hundred batches of 20."""
    batches = np.split(SORTED, 100)

    class Sequence(keras.utils.Sequence):
        def __len__(self):
            return len(batches)

        def __getitem__(self, index):
            return batches[index]

    dataset = tf.data.Dataset.from_tensor_slices(SORTED).batch(20)
    return {
        "data set": lambda: dataset,
        "unknown length": lambda: dataset.filter(lambda x: True),
        "sequence": Sequence,
        "generator": lambda: iter(batches),
    }[kind]()


@pytest.fixture
def dear_densities(monkeypatch):
    """As of a flow, which only a twentieth of the events are judged by."""

    def sampled(data, batch_size, num_updates, is_cheap):
        assert is_cheap
        return sample_batches(data, batch_size, num_updates)

    monkeypatch.setattr("tfp_ebm.training.likelihood_model.sample_batches", sampled)


def assert_of_all_classes(history, base):
    """The loss is right within its error, by which that of the first batches would be far off."""
    error, exact = history["loss_error"][-1], exact_loss(base, SORTED)
    assert abs(history["loss"][-1] - exact) < 3 * error
    assert abs(exact_loss(base, SORTED[:260]) - exact) > 10 * error


@pytest.mark.slow
@pytest.mark.usefixtures("dear_densities")
@pytest.mark.parametrize("kind", ["data set", "unknown length", "sequence", "generator"])
def test_data_sorted_by_class_give_the_loss_of_all_classes(kind):
    base = machine_with_chains()
    options = {"epochs": 1 if kind == "generator" else 2, "verbose": 0, "shuffle": False}
    history = trainer_of(base, rate=1e-3).fit(sorted_by_class(kind), **options).history
    assert_of_all_classes(history, base)


@pytest.mark.slow
@pytest.mark.usefixtures("dear_densities")
def test_replicas_share_the_sample_of_a_data_set(strategy):
    with strategy.scope():
        base = machine_with_chains()
        trainer = training.LikelihoodModel(base, gibbs_steps=3, seed=(0, 1))
        trainer.compile(optimizer=keras.optimizers.SGD(1e-3))
    history = trainer.fit(sorted_by_class("data set"), epochs=2, verbose=0).history
    assert_of_all_classes(history, base)


@pytest.mark.slow
def test_replicas_share_the_sample(strategy):
    with strategy.scope():
        base = machine_with_chains()
        trainer = training.LikelihoodModel(base, gibbs_steps=3, seed=(0, 1))
        trainer.compile(optimizer=keras.optimizers.SGD(0.1))
    loss = trainer.fit(DATA[:39], batch_size=8, epochs=2, verbose=0).history["loss"][-1]
    np.testing.assert_allclose(loss, exact_loss(base, DATA[:39]), rtol=2e-5)
