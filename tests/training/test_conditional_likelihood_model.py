"""Training of conditional models: the loss, what is learnt, pairs of every kind, errors."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_conditional import MATRIX, normal_of_mean, small
from tfp_ebm import training
from tfp_ebm.internal.keras import keras
from tfp_ebm.models import Conditional
from tfp_ebm.training import ConditionalLikelihoodModel, LikelihoodModel

RNG = np.random.default_rng(0)
GIVEN = RNG.normal(size=[40, 3])
POINTS = GIVEN @ MATRIX + 0.1 * RNG.normal(size=[40, 2])
IMAGES = RNG.integers(0, 17, size=[12, 4, 4, 1]).astype(np.uint8)
LABELS = np.arange(12) % 3


def trainer_of(conditional, rate=0.0, **kwargs):
    trainer = ConditionalLikelihoodModel(conditional, seed=(0, 1), **kwargs)
    trainer.compile(optimizer=keras.optimizers.SGD(rate))
    return trainer


def of_images(**fields):
    return Conditional(small((4, 4, 1), flow="nice", num_levels=17, **fields), num_classes=3)


def test_the_loss_is_that_of_events_given_their_conditions():
    trainer = trainer_of(Conditional(normal_of_mean()))
    residual = POINTS - GIVEN @ MATRIX
    log_prob = -0.5 * (residual**2).sum(-1) - np.log(2 * np.pi)
    options = {"batch_size": 15, "verbose": 0}
    history = trainer.fit(POINTS, GIVEN, validation_data=(POINTS[:9], GIVEN[:9]), **options)
    np.testing.assert_allclose(history.history["loss"], -log_prob.mean(), rtol=1e-5)
    np.testing.assert_allclose(history.history["val_loss"], -log_prob[:9].mean(), rtol=1e-5)
    history = trainer.fit((POINTS, GIVEN), validation_split=0.25, **options)
    np.testing.assert_allclose(history.history["val_loss"], -log_prob[30:].mean(), rtol=1e-5)
    np.testing.assert_allclose(trainer.predict(POINTS, GIVEN, **options), log_prob, rtol=1e-5)
    loss, bits = trainer.evaluate((POINTS, GIVEN), **options)
    np.testing.assert_allclose([loss, bits * 2 * np.log(2)], -log_prob.mean(), rtol=1e-5)


def test_training_finds_least_squares_from_a_data_set():
    conditional = Conditional(normal_of_mean())
    for variable in conditional.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    trainer = trainer_of(conditional, 0.4)
    pairs = tf.data.Dataset.from_tensor_slices((POINTS, GIVEN)).batch(40).repeat(60)
    trainer.fit(pairs, epochs=1, verbose=0)
    found, *_ = np.linalg.lstsq(GIVEN, POINTS, rcond=None)
    second, first = conditional.trainable_variables
    np.testing.assert_allclose(np.hstack([-first, -second]), found, atol=1e-4)
    exact = -0.5 * ((POINTS - GIVEN @ found) ** 2).sum(-1) - np.log(2 * np.pi)
    loss, _ = trainer.evaluate(pairs.take(1), verbose=0)
    np.testing.assert_allclose(loss, -exact.mean(), rtol=1e-5)


@pytest.mark.slow
def test_labels_with_a_machine_whose_chains_move(tmp_path):
    conditional = of_images(base=("rbm", {"num_hidden": 8, "sampler": "persistent"}))
    trainer = trainer_of(conditional, 1e-3, ema_momentum=0.5)
    (machine,) = trainer.energy_based
    before = [variable.numpy() for variable in machine.variables if not variable.trainable]
    pairs = tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS}).batch(6)
    checkpoints = training.Checkpoints(tmp_path / "training")
    grids = training.SampleGrids(tmp_path / "grids", num_samples=4)
    history = trainer.fit(pairs, epochs=1, verbose=0, callbacks=[checkpoints, grids])
    after = [variable.numpy() for variable in machine.variables if not variable.trainable]
    assert any(np.any(new != old) for new, old in zip(after, before, strict=True))
    assert np.isfinite(history.history["loss"]).all() and "loss_error" in history.history
    assert (tmp_path / "grids" / "epoch-0001.png").is_file()
    assert trainer.conditional.sample(5, seed=(0, 1)).shape == (5, 4, 4, 1)


@pytest.mark.parametrize(
    ("x", "condition", "message"),
    [
        (POINTS, None, "A conditional model needs a condition for each event, vectors"),
        (POINTS, GIVEN[:5], "must have a condition for each of its 40 events, got 5"),
        (POINTS, GIVEN[:, :2], "must have shape \\[N, 3\\], got \\(40, 2\\)"),
        (POINTS, np.full([40, 3], np.nan), "in 40 of 40 rows, the first of them row 0"),
        (POINTS, ["a"] * 40, "the condition of `x`` must hold numbers"),
        (POINTS[:, :1], GIVEN, "`x` must have shape \\[N, 2\\]"),
        (iter([(POINTS, GIVEN[:3])]), None, "must yield a condition for each event"),
        (iter([POINTS]), None, "needs a condition for each event"),
    ],
)
def test_pairs_that_do_not_fit(x, condition, message):
    trainer = trainer_of(Conditional(normal_of_mean()))
    with pytest.raises(ValueError, match=message):
        trainer.fit(x, condition, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS + 1, "`labels` must lie between 0, .* got 3"),
        (np.eye(3)[LABELS], "one-hot rows become labels by"),
        (LABELS.astype(float), "`labels` must be integers"),
    ],
)
def test_labels_that_do_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        trainer_of(of_images()).evaluate(IMAGES, labels, verbose=0)


def test_where_a_loss_is_not_finite():
    conditional = Conditional(normal_of_mean())
    trainer = trainer_of(conditional, 1.0)
    trainer.fit(POINTS, GIVEN, epochs=1, verbose=0)
    distribution, x = trainer.training_case(1)
    np.testing.assert_allclose(distribution.condition.numpy() @ MATRIX, x, atol=0.5)
    assert training.first_nonfinite(conditional(GIVEN), POINTS) is None
    for variable in conditional.trainable_variables:
        variable.assign(tf.fill(variable.shape, tf.constant(1e200, tf.float64)))
    huge = conditional(GIVEN * 1e200)
    assert training.first_nonfinite(huge, POINTS).startswith("bijector 1 of 2 from the data, coup")


def test_the_trainer_is_told_what_to_take():
    with pytest.raises(TypeError, match="`model` must be a tfp_ebm"):
        ConditionalLikelihoodModel(normal_of_mean())
    with pytest.raises(TypeError, match="ConditionalLikelihoodModel` trains conditional models"):
        LikelihoodModel(Conditional(normal_of_mean()))
