import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, models, training
from tfp_ebm.internal.keras import keras

tfb, tfd = tfp.bijectors, tfp.distributions


def trainer_of(model, rate=0.01, **options):
    trainer = training.LikelihoodModel(model, seed=(0, 1), **options)
    trainer.compile(optimizer=keras.optimizers.SGD(rate))
    return trainer


def scaled(*bijectors, base=None):
    base = base or tfd.MultivariateNormalDiag(tf.zeros([2]))
    return tfd.TransformedDistribution(base, tfb.Invert(tfb.Chain(bijectors[::-1])))


def test_a_loss_that_is_not_finite_names_the_layer_and_spares_the_weights():
    first = tfb.Scale(tf.Variable([2.0, 2.0]), name="first")
    logarithm = tfb.Invert(tfb.Exp(), name="logarithm")
    trainer = trainer_of(scaled(first, logarithm))
    data = np.ones([30, 2], np.float32)
    data[17] = -1.0  # Its logarithm is not a number.
    before = first.scale.numpy()
    with pytest.raises(training.NonFiniteError, match=r"update 1, first in bijector 2 of 2.*exp"):
        trainer.fit(
            data,
            batch_size=10,
            shuffle=False,
            verbose=0,
            callbacks=[training.TerminateOnNonFinite()],
        )
    assert np.all(np.isfinite(first.scale.numpy())) and np.any(first.scale.numpy() != before)


def test_without_the_callback_the_loss_shows_it_and_the_weights_survive():
    scale = tf.Variable([1.0, 1.0])
    trainer = trainer_of(scaled(tfb.Scale(scale), tfb.Invert(tfb.Exp())))
    data = np.ones([20, 2], np.float32)
    data[3] = -1.0
    history = trainer.fit(data, batch_size=10, epochs=2, verbose=0).history
    assert np.all(np.isnan(history["loss"])) and np.all(np.isfinite(scale.numpy()))


def test_no_checkpoint_is_written_after_it(tmp_path):
    trainer = trainer_of(scaled(tfb.Scale(tf.Variable([1.0, 1.0])), tfb.Invert(tfb.Exp())))
    checkpoints = training.Checkpoints(tmp_path, every=1)
    good, bad = np.ones([20, 2], np.float32), -np.ones([10, 2], np.float32)
    with pytest.raises(training.NonFiniteError):
        trainer.fit(
            np.concatenate([good, bad]),
            batch_size=10,
            shuffle=False,
            verbose=0,
            callbacks=[training.TerminateOnNonFinite(), checkpoints],
        )
    assert checkpoints.latest.name == "update-000000002"


def test_variables_gradients_and_bases_are_named():
    model = scaled(tfb.Scale(tf.Variable([1.0, float("nan")], name="broken")))
    assert "broken" in training.first_nonfinite(model)
    assert training.first_nonfinite(scaled(tfb.Exp()), tf.ones([3, 2])) is None

    root = tf.Variable([0.0, 0.0], name="root")
    shift = tfb.Shift(tfp.util.DeferredTensor(root, tf.sqrt))  # d sqrt(x) / dx at 0 is infinite.
    assert "gradient of the variable root" in training.first_nonfinite(
        scaled(shift), tf.ones([3, 2])
    )
    narrow = tfd.Independent(tfd.Normal(tf.zeros([2]), 0.0), 1, name="narrow")
    assert "narrow" in training.first_nonfinite(scaled(tfb.Exp(), base=narrow), tf.ones([3, 2]))


def test_parts_of_integer_models_are_followed():
    class BadNoise(tf.Module):
        def __call__(self, x):
            return tfd.Independent(tfd.Normal(tf.fill(tf.shape(x), float("nan")), 1.0), 1)

    density = tfd.MultivariateNormalDiag(tf.zeros([2]))
    model = distributions.Dequantized(density, num_levels=4, noise=BadNoise())
    assert "noise" in training.first_nonfinite(model, tf.zeros([3, 2], tf.uint8))
    joint = tfd.MultivariateNormalDiag(tf.zeros([4]))
    model = distributions.Augmented(joint, BadNoise(), 2)
    assert "posterior" in training.first_nonfinite(model, tf.zeros([3, 2]))


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    model = models.rbm_flow(
        (4, 4, 2),
        num_levels=5,
        num_filters=4,
        num_components=2,
        num_blocks=1,
        num_couplings=(1, 0, 0),
        sampler="tempering",
        num_chains=16,
    )
    trainer = trainer_of(model, gibbs_steps=2)
    data = np.random.default_rng(0).integers(0, 5, [24, 4, 4, 2]).astype(np.uint8)
    callbacks = [
        training.ChainHealth(num_steps=20),
        training.TensorBoard(folder / "tensorboard", num_samples=2),
    ]
    history = trainer.fit(data, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return folder, history.history


@pytest.mark.slow
def test_chain_health(watched):
    _, history = watched
    assert 0.3 < history["chains_moved"][-1] < 0.6
    assert history["chains_distinct"][-1] > 0.9
    assert history["chains_autocorrelation_time"][-1] > 0
    assert 0 < history["chains_swapped"][-1] <= 1


@pytest.mark.slow
def test_tensorboard(watched):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, history = watched
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()["tensors"]
    assert {"loss", "chains_moved", "SmoothedRBM/singular_values"} <= set(tags)
    steps = [event.step for event in events.Tensors("loss")]
    values = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("loss")]
    assert steps == [1, 2]
    np.testing.assert_allclose(values, history["loss"], rtol=1e-6)


@pytest.mark.slow
def test_every_coupling_of_every_machine_is_watched(tmp_path):
    """Machines of one name, and filters in place of a matrix."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    machines = [
        distributions.LabeledRBM.create(4, 2, 3, seed=(0, 1)),
        distributions.ConvolutionalRBM.create([(2, 2, 1)], num_filters=2, seed=(0, 1)),
        *[distributions.SmoothedRBM.create(14, 14, num_chains=8, seed=(0, n)) for n in (2, 3)],
    ]
    machines[2].weights.assign(tf.fill([14, 14], 0.1))
    trainer = trainer_of(tfd.Blockwise(machines))
    board, health = training.TensorBoard(tmp_path), training.ChainHealth(num_steps=8)
    logs = {}
    for callback in (health, board):
        callback.set_model(trainer)
        callback.on_epoch_end(0, logs)
    found = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    found.Reload()
    expected = ["LabeledRBM/singular_values", "LabeledRBM/singular_values_1"]
    expected += ["ConvolutionalRBM/singular_values_2"]
    expected += [f"SmoothedRBM/singular_values_{index}" for index in (3, 4)]
    assert set(expected) <= set(found.Tags()["tensors"])
    alone = []
    for machine in machines[2:]:
        one = {}
        health.set_model(trainer_of(machine))
        health.on_epoch_end(0, one)
        alone.append(one)
    assert alone[0]["chains_moved"] < alone[1]["chains_moved"]
    assert logs["chains_moved"] == alone[0]["chains_moved"]
    key = "chains_autocorrelation_time"
    assert logs[key] == max(one[key] for one in alone)


def test_sample_grids(tmp_path):
    density = tfd.Independent(tfd.Normal(tf.fill([3, 3, 1], 2.0), 1.0), 3)
    trainer = trainer_of(distributions.Dequantized(density, num_levels=5))
    grids = training.SampleGrids(tmp_path / "grids", num_samples=4)
    grids.set_model(trainer)
    for epoch in range(2):
        grids.on_epoch_end(epoch)
    names = sorted(path.name for path in (tmp_path / "grids").iterdir())
    assert names == ["epoch-0001.png", "epoch-0002.png"]
    first, second = ((tmp_path / "grids" / name).read_bytes() for name in names)
    assert len(first) > 500 and first != second  # The title differs.
