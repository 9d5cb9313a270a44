import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, distributions, models, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.training.data import evaluation_batches

tfd = tfp.distributions
IMAGES = np.random.default_rng(0).integers(0, 17, size=[12, 2]).astype(np.uint8)


def make_trainer(**options):
    density = tfd.MultivariateNormalDiag(tf.Variable([5.0, 5.0]), tf.constant([2.0, 2.0]))
    model = distributions.Dequantized(density, num_levels=17)
    trainer = training.LikelihoodModel(model, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.SGD(0.1), **options)
    return trainer


def batches_of(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(4)


@pytest.fixture(scope="module")
def reference():
    """A trainer that has been fitted to an array."""
    trainer = make_trainer()
    trainer.fit(IMAGES, batch_size=4, shuffle=False, epochs=2, verbose=0)
    return trainer


@pytest.mark.parametrize(
    "data",
    [
        IMAGES,
        batches_of(IMAGES),
        batches_of(IMAGES, np.arange(12)),
        batches_of({"image": IMAGES, "label": np.arange(12)}),
    ],
    ids=["array", "tensors", "tuples", "dictionaries"],
)
def test_arrays_and_data_sets_train_alike(data, reference):
    trainer = make_trainer()
    trainer.fit(data, batch_size=4, shuffle=False, epochs=2, verbose=0)
    assert trainer.num_updates.numpy() == 6
    loc = trainer.distribution.distribution.loc.numpy()
    np.testing.assert_array_equal(loc, reference.distribution.distribution.loc.numpy())
    assert trainer.evaluate(data, batch_size=4, verbose=0)[0] == pytest.approx(
        reference.evaluate(IMAGES, batch_size=4, verbose=0)[0], rel=1e-6
    )


def test_predict_gives_log_probabilities_that_repeat():
    trainer = make_trainer()
    first, second = (trainer.predict(IMAGES, verbose=0) for _ in range(2))
    assert first.shape == (12,)
    np.testing.assert_array_equal(first, second)
    spread = 0.6  # Of the bound over one draw of noise.
    exact = trainer.distribution.importance_log_prob(IMAGES, 500, seed=(0, 1))
    assert np.abs(first - exact).mean() < spread


def test_a_batch_of_one():
    trainer = make_trainer()
    trainer.fit(IMAGES[:3], batch_size=1, verbose=0)
    assert trainer.num_updates.numpy() == 3
    assert np.all(np.isfinite(trainer.distribution.distribution.loc.numpy()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (batches_of(np.zeros([8, 3], np.uint8)), r"`x` must have shape \[N, 2\].*\(None, 3\)"),
        (batches_of(IMAGES / 17.0), "must hold integers from 0 to 16, got a data set of float64"),
        (batches_of(IMAGES).take(0), "`x` is empty"),
        (batches_of(IMAGES).filter(lambda x: False), "`x` is empty"),
        (batches_of({"picture": IMAGES}), 'must have a key "image".*picture'),
        (IMAGES[:0], "`x` is empty"),
    ],
)
def test_bad_data_sets(data, message):
    with pytest.raises(ValueError, match=message):
        make_trainer().fit(data, verbose=0)


def test_steps_per_execution_changes_nothing():
    results = []
    for steps in (1, 3):
        trainer = make_trainer(steps_per_execution=steps)
        trainer.fit(IMAGES, batch_size=2, epochs=2, verbose=0)
        results.append(trainer.distribution.distribution.loc.numpy())
    np.testing.assert_array_equal(*results)


@pytest.mark.slow
def test_compiled_by_xla():
    """Without draws, whose generator XLA may choose otherwise."""
    results = []
    for jit_compile in (None, True):
        density = tfd.MultivariateNormalDiag(tf.Variable([5.0, 5.0]), tf.constant([2.0, 2.0]))
        trainer = training.LikelihoodModel(density, seed=(0, 1))
        trainer.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        trainer.fit(IMAGES.astype(np.float32), batch_size=4, epochs=2, verbose=0)
        results.append(density.loc.numpy())
    assert np.all(results[0] != 5.0)
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_one_trace_for_a_signature():
    """Eight batches of four and four epochs of them: traced once."""
    traces = []

    class Counted(tfd.MultivariateNormalDiag):
        def _log_prob(self, value):
            traces.append(value.shape)
            return super()._log_prob(value)

    model = distributions.Dequantized(Counted(tf.Variable([5.0, 5.0])), num_levels=17)
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=keras.optimizers.Adam(0.1))
    traces.clear()  # The call that makes variables is none.
    data = np.tile(IMAGES, [3, 1])[:32]
    for _ in range(2):
        trainer.fit(data, batch_size=4, epochs=2, verbose=0)
    assert len(traces) == 1


@pytest.mark.slow
def test_groups_train_at_rates_of_their_own():
    small = {"num_filters": 4, "num_components": 2, "num_blocks": 1, "num_couplings": (1, 0, 0)}
    model = models.rbm_flow((4, 4, 1), num_levels=5, noise="variational", **small)
    groups = training.parameter_groups(model)
    assert all(groups.values())
    everything = [variable.ref() for part in groups.values() for variable in part]
    assert sorted(map(id, [r.deref() for r in everything])) == sorted(
        map(id, model.trainable_variables)
    )
    before = {name: [v.numpy() for v in part] for name, part in groups.items()}
    trainer = training.LikelihoodModel(model, gibbs_steps=1)
    trainer.compile(
        optimizer={
            "flow": keras.optimizers.SGD(0.0),
            "base": keras.optimizers.SGD(1e-3),
            "noise": keras.optimizers.SGD(0.0),
        },
        run_eagerly=True,  # One update, quicker than its trace.
    )
    images = np.random.default_rng(0).integers(0, 5, [8, 4, 4, 1]).astype(np.uint8)
    trainer.fit(images, batch_size=8, verbose=0)
    moved = {
        name: any(np.any(v.numpy() != old) for v, old in zip(part, before[name], strict=True))
        for name, part in groups.items()
    }
    assert moved == {"flow": False, "base": True, "noise": False}


def test_bad_groups():
    trainer = make_trainer()
    with pytest.raises(ValueError, match="none for flow"):
        trainer.compile(optimizer={"base": keras.optimizers.SGD(0.1)})
    with pytest.raises(ValueError, match="Did you mean 'flow'"):
        trainer.compile(optimizer={"flo": keras.optimizers.SGD(0.1)})


def test_learning_rate_schedules():
    cosine = training.learning_rate_schedule("cosine", 1.0, 110, warmup_steps=10)
    assert float(cosine(0)) == 0 and float(cosine(10)) == pytest.approx(1)
    assert float(cosine(60)) == pytest.approx(0.5) and float(cosine(110)) == pytest.approx(0)
    falling = training.learning_rate_schedule("exponential", 2.0, 100, 4, decay_rate=0.9)
    assert float(falling(3)) == 2 and float(falling(14)) == pytest.approx(2 * 0.9**10, rel=1e-5)
    constant = training.learning_rate_schedule("constant", 2.0, 100, 4)
    assert float(constant(0)) == 0.5 and float(constant(99)) == 2
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        training.learning_rate_schedule("cosin", 1.0, 10)
    with pytest.raises(ValueError, match="`decay_rate` must be at most 1"):
        training.WarmupDecay(1.0, decay_rate=2.0)


def test_batches_are_a_function_of_their_number():
    images = np.arange(23, dtype=np.uint8)[:, np.newaxis]
    whole = list(datasets.training_batches(images, 5, (0, 1)).take(15).as_numpy_iterator())
    later = datasets.training_batches(images, 5, (0, 1), start=7).take(8).as_numpy_iterator()
    for one, two in zip(whole[7:], later, strict=True):
        np.testing.assert_array_equal(one, two)
    epochs = [np.concatenate(whole[start : start + 5]).ravel() for start in (0, 5, 10)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(23)) and list(epoch) != list(range(23))
    assert list(epochs[0]) != list(epochs[1])
    assert whole[0].dtype == np.uint8


def test_flips_mirror_half_of_the_images():
    images = np.arange(400 * 2 * 3).reshape(400, 2, 3, 1).astype(np.int32)
    batches = datasets.training_batches(images, 400, (0, 1), shuffle=False, horizontal_flips=True)
    batch = next(batches.as_numpy_iterator())
    same = np.all(batch == images, axis=(1, 2, 3))
    mirrored = np.all(batch == images[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(same ^ mirrored) and 150 < same.sum() < 250
    with pytest.raises(ValueError, match="`horizontal_flips` needs images"):
        datasets.training_batches(images[:, 0, :, 0], 4, (0, 1), horizontal_flips=True)


@pytest.mark.parametrize("with_labels", [False, True])
def test_mapped_arrays_are_evaluated_a_batch_at_a_time(tmp_path, with_labels, monkeypatch):
    rows = np.arange(20, dtype=np.float32).reshape(10, 2)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    labels = np.arange(10)
    given = (mapped, labels) if with_labels else mapped

    def refuse(*args):
        raise AssertionError("the file was read whole")

    monkeypatch.setattr(tf.data.Dataset, "from_tensor_slices", refuse)
    batches = list(evaluation_batches(given, 4))
    assert [len(batch[0] if with_labels else batch) for batch in batches] == [4, 4, 2]
    seen = [batch[0] if with_labels else batch for batch in batches]
    np.testing.assert_array_equal(np.concatenate(seen), rows)
