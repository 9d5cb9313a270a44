import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.training.test_data_checks import Table
from tfp_ebm import distributions, training
from tfp_ebm.internal.keras import keras

tfd = tfp.distributions
DATA = np.random.default_rng(0).normal(size=[12, 2]).astype(np.float32)
BATCHES = np.split(DATA, 3)


class Sequence(keras.utils.Sequence):
    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, index):
        return BATCHES[index]


KINDS = {
    "array": lambda: DATA,
    "float64": lambda: DATA.astype(np.float64),
    "tensor": lambda: tf.constant(DATA),
    "list": DATA.tolist,
    "table": lambda: Table(a=DATA[:, 0], b=DATA[:, 1]),
    "pair": lambda: (DATA, np.arange(12)),
    "data set": lambda: tf.data.Dataset.from_tensor_slices(DATA).batch(4),
    "pairs": lambda: tf.data.Dataset.from_tensor_slices((DATA, np.arange(12))).batch(4),
    "float64 data set": lambda: tf.data.Dataset.from_tensor_slices(DATA.astype(float)).batch(4),
    "unknown rank": lambda: tf.data.Dataset.from_generator(
        lambda: iter(BATCHES), output_types=tf.float32
    ),
    "generator": lambda: iter(BATCHES),
    "sequence": Sequence,
}


def make_trainer(**options):
    density = tfd.MultivariateNormalDiag(tf.Variable([5.0, 5.0]), tf.constant([2.0, 2.0]))
    trainer = training.LikelihoodModel(density, seed=(0, 1), **options)
    # Eager updates: a trace of each kind of data would take longer than the test.
    trainer.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    return trainer


def exact_loss(loc, data=DATA):
    squares = ((data - loc) / 2) ** 2
    return np.mean(np.sum(squares / 2 + np.log(2) + np.log(2 * np.pi) / 2, axis=1))


@pytest.fixture(scope="module")
def reference():
    """Three steps of gradient descent by hand."""
    loc = np.array([5.0, 5.0])
    for batch in BATCHES:
        loc = loc - 0.1 * np.mean(loc - batch, axis=0) / 4
    return loc


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_trains_and_is_judged_alike(kind, reference):
    trainer = make_trainer()
    history = trainer.fit(
        KINDS[kind](), validation_data=KINDS[kind](), batch_size=4, shuffle=False, verbose=0
    ).history
    loc = trainer.distribution.loc.numpy()
    np.testing.assert_allclose(loc, reference, rtol=1e-6)
    np.testing.assert_allclose(history["val_loss"], [exact_loss(loc)], rtol=1e-5)
    loss = trainer.evaluate(KINDS[kind](), batch_size=4, verbose=0)[0]
    np.testing.assert_allclose(loss, exact_loss(loc), rtol=1e-5)
    nats = trainer.predict(KINDS[kind](), batch_size=4, verbose=0)
    np.testing.assert_allclose(nats, trainer.distribution.log_prob(DATA), rtol=1e-5)


def test_the_last_events_are_split_off_for_validation():
    trainer, other = make_trainer(), make_trainer()
    history = trainer.fit(DATA, validation_split=0.25, batch_size=3, verbose=0).history
    expected = other.fit(DATA[:9], validation_data=DATA[9:], batch_size=3, verbose=0).history
    assert history == expected
    assert trainer.num_updates.numpy() == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": KINDS["data set"](), "validation_split": 0.1}, "needs an array; .*data.take"),
        ({"x": DATA, "validation_split": 1.5}, "`validation_split` must be a number in"),
        ({"x": DATA[:1], "validation_split": 0.9}, "leaves none of 1 events"),
        ({"x": DATA, "y": np.arange(12)}, "`y` means nothing"),
        ({"x": DATA, "sample_weight": np.ones(12)}, "`sample_weight` means nothing"),
        ({"x": None}, "`x` must hold events of the model, got None"),
        ({"x": DATA, "batch_size": 0}, "`batch_size` must be"),
        ({"x": KINDS["data set"](), "horizontal_flips": True}, "`horizontal_flips` needs an array"),
        ({"x": DATA, "validation_data": DATA[:, :1]}, "`validation_data` must have shape"),
        ({"x": DATA, "validation_data": DATA * np.nan}, "`validation_data` must be finite"),
    ],
)
def test_what_fit_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        make_trainer().fit(**options, verbose=0)


def test_what_evaluate_and_predict_refuse():
    trainer = make_trainer()
    with pytest.raises(ValueError, match="`y` means nothing"):
        trainer.evaluate(DATA, np.arange(12), verbose=0)
    for judge in (trainer.evaluate, trainer.predict):
        for data, message in (
            (DATA[:, :1], "`x` must have shape"),
            (DATA.astype(np.int32), "density, got int32"),
            (DATA[:0], "`x` is empty"),
            (None, "got None"),
        ):
            with pytest.raises(ValueError, match=message):
                judge(data, verbose=0)


def test_evaluate_and_predict_use_the_average(reference):
    trainer = make_trainer(ema_momentum=0.5)
    trainer.fit(DATA, batch_size=4, shuffle=False, verbose=0)
    raw = exact_loss(trainer.distribution.loc.numpy())
    with trainer.averaged_weights():
        averaged = exact_loss(trainer.distribution.loc.numpy())
    assert averaged > 1.01 * raw
    np.testing.assert_allclose(trainer.evaluate(DATA, verbose=0)[0], averaged, rtol=1e-5)
    np.testing.assert_allclose(-trainer.predict(DATA, verbose=0).mean(), averaged, rtol=1e-5)
    np.testing.assert_allclose(trainer.distribution.loc.numpy(), reference, rtol=1e-6)


def test_the_seed_belongs_to_the_state(tmp_path):
    """Saved with the trainer, it decides over the order of data; another one may take its place."""
    first, second = make_trainer(), make_trainer()
    second.reseed((7, 8))
    for trainer in (first, second):
        trainer.fit(DATA, batch_size=4, verbose=0)
    assert np.any(first.training_batch(3) != second.training_batch(3))
    path = tf.train.Checkpoint(model=first).write(str(tmp_path / "state"))
    tf.train.Checkpoint(model=second).read(path).assert_existing_objects_matched()
    second.fit(DATA, batch_size=4, verbose=0)
    np.testing.assert_array_equal(first.training_batch(3), second.training_batch(3))


def test_the_order_of_data_goes_on_in_another_fit():
    once, twice = make_trainer(), make_trainer()
    once.fit(DATA, batch_size=4, epochs=2, verbose=0)
    for _ in range(2):
        twice.fit(DATA, batch_size=4, verbose=0)
    np.testing.assert_array_equal(once.distribution.loc, twice.distribution.loc)
    assert np.any(np.sort(once.training_batch(0), 0) != np.sort(once.training_batch(3), 0))


def test_sequences_are_shuffled_only_if_asked():
    seen = []

    class Watched(Sequence):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    make_trainer().fit(Watched(), shuffle=False, epochs=2, verbose=0)
    assert seen[-6:] == [0, 1, 2, 0, 1, 2]


def test_pairs_of_arrays_stay_pairs():
    """Events and labels, mirrored, shuffled and split together."""
    base = distributions.LabeledRBM.create(4, 2, 3, seed=(0, 1))
    trainer = training.SemiSupervisedModel(base, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    labels = np.arange(12) % 3
    points = np.repeat(labels[:, np.newaxis], 4, axis=1).astype(np.float32)
    seen = []
    trainer._inputs = lambda data: seen.append(data) or (data[0], data[1])
    trainer.fit((points, labels), validation_split=0.25, batch_size=3, verbose=0)
    assert len(seen) == 3
    for events, its_labels in seen:
        np.testing.assert_array_equal(events[:, 0], its_labels)
    np.testing.assert_array_equal(trainer.training_batch(0)[:, 0], seen[0][1])


@pytest.mark.parametrize("method", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_trainer_says_what_to_copy_instead(method):
    trainer = training.LikelihoodModel(tfd.MultivariateNormalDiag(tf.zeros([2])))
    with pytest.raises(TypeError, match=r"copy or pickle `trainer\.distribution`"):
        method(trainer)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model"])
def test_keras_formats_that_lose_the_model_are_refused(tmp_path, name):
    trainer = _trainer()
    with pytest.raises(TypeError, match=r"tfp_ebm\.save\(trainer\.distribution"):
        trainer.save(tmp_path / name)
    callback = keras.callbacks.ModelCheckpoint(str(tmp_path / name))
    with pytest.raises(TypeError, match=r"tfp_ebm\.save\(trainer\.distribution"):
        trainer.fit(np.zeros([4, 2], np.float32), verbose=0, callbacks=[callback])
    assert not any(tmp_path.iterdir())


def test_weights_in_the_format_of_tensorflow_come_back_and_in_hdf5_are_refused(tmp_path):
    trainer, again = _trainer(), _trainer()
    trainer.distribution.loc.assign([1.0, 2.0])
    trainer.save_weights(tmp_path / "weights")
    again.load_weights(tmp_path / "weights")
    np.testing.assert_array_equal(again.distribution.loc, [1.0, 2.0])
    for options in ({"filepath": tmp_path / "w.h5"}, {"filepath": "w", "save_format": "h5"}):
        with pytest.raises(TypeError, match="loses what a distribution owns"):
            trainer.save_weights(**options)


def _trainer():
    model = tfp.distributions.MultivariateNormalDiag(loc=tf.Variable([0.0, 0.0]))
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=keras.optimizers.SGD(0.1))
    return trainer
