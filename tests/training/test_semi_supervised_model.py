import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import distributions, models
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import SemiSupervisedModel

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, size=90)
POINTS = (np.eye(3)[LABELS] * 3 + RNG.normal(size=[90, 3])).astype(np.float32)
PARTLY = np.where(np.arange(90) % 3 == 0, LABELS, -1)


def make():
    return distributions.LabeledRBM.create(3, 6, 3, weight_scale=0.3, seed=(0, 1))


def test_the_loss_is_the_semi_supervised_objective():
    base = make()
    trainer = SemiSupervisedModel(base, label_weight=7.0)
    trainer.compile(optimizer=keras.optimizers.SGD(0.0))
    history = trainer.fit(POINTS, PARTLY, batch_size=90, epochs=1, verbose=0)
    joint = base.unnormalized_log_prob(POINTS, labels=LABELS) - base.log_partition()
    marginal = base.log_prob(POINTS)
    expected = -np.mean(np.where(PARTLY < 0, marginal, 7.0 * joint))
    np.testing.assert_allclose(history.history["loss"], [expected], rtol=1e-5)
    np.testing.assert_allclose(
        trainer.evaluate(POINTS, batch_size=90, verbose=0)[0], -np.mean(marginal), rtol=1e-5
    )


@pytest.mark.slow
def test_training_learns_the_classes_from_a_third_of_the_labels():
    base = make()
    before = np.mean(base.label_posterior(POINTS).mode() == LABELS)
    trainer = SemiSupervisedModel(base, label_weight=3.0, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(3e-2))
    trainer.fit(POINTS, PARTLY, batch_size=30, epochs=60, verbose=0)
    after = np.mean(base.label_posterior(POINTS).mode() == LABELS)
    assert before < 0.6 and after > 0.85
    means = [base.sample(4000, seed=(0, 2), labels=y).numpy().mean(0) for y in range(3)]
    assert np.all(np.argmax(means, axis=1) == np.arange(3))


@pytest.mark.slow
def test_a_flow_in_front_trains_whole_with_chains():
    model = models.eb_and_flow(
        (2, 2, 1), 5, num_hidden=13, num_classes=3, num_chains=16, hidden_units=[4]
    )
    trainer = SemiSupervisedModel(model, gibbs_steps=2, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(1e-2))
    before = [variable.numpy() for variable in model.trainable_variables]
    images = RNG.integers(0, 5, size=[20, 2, 2, 1]).astype(np.uint8)
    data = tf.data.Dataset.from_tensor_slices((images, PARTLY[:20])).batch(10)
    trainer.fit(data, epochs=2, verbose=0)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable != value), variable.name
    assert np.isfinite(trainer.evaluate(images, verbose=0)[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "`labels` are needed with an array; give -1"),
        (PARTLY[:5], r"`labels` must have shape \[90\]"),
        (PARTLY + 2, r"between -1, .* got [34]"),
        (PARTLY.astype(np.float32), "`labels` must be integers"),
    ],
)
def test_label_errors(labels, message):
    trainer = SemiSupervisedModel(make())
    trainer.compile(optimizer=keras.optimizers.SGD(0.0))
    with pytest.raises(ValueError, match=message):
        trainer.fit(POINTS, labels, verbose=0)


def test_errors():
    with pytest.raises(ValueError, match="one LabeledRBM inside, got 0"):
        SemiSupervisedModel(distributions.GaussianBernoulliRBM.create(2, 2))
    with pytest.raises(ValueError, match="`label_weight` must be"):
        SemiSupervisedModel(make(), label_weight=-1.0)
    trainer = SemiSupervisedModel(make())
    trainer.compile(optimizer=keras.optimizers.SGD(0.0))
    with pytest.raises(ValueError, match="events and labels, got events alone"):
        trainer.fit(tf.data.Dataset.from_tensor_slices(POINTS).batch(10), verbose=0)
