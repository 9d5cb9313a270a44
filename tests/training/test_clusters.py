"""Machines trained on clusters: the default sampler against the exact gradient."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import datasets, distributions, training
from tfp_ebm.internal.keras import keras

NUM_VISIBLE, NUM_HIDDEN, NUM_CLUSTERS, NUM_TRAIN = 100, 11, 6, 2000


def clusters(seed):
    """Smoothed spins around random centres, the centres, and labels of the points."""
    rng = np.random.default_rng(seed)
    centres = rng.choice([-1.0, 1.0], size=[NUM_CLUSTERS, NUM_VISIBLE + NUM_HIDDEN])
    points, labels = datasets.clusters(centres, NUM_TRAIN + 500, 8**-0.5, flips=0.03, seed=rng)
    return points, centres, labels


class Followed(keras.callbacks.Callback):
    """By how many of its stated errors the followed log Z is off, now and then."""

    def __init__(self):
        super().__init__()
        self.deviations = []

    def on_train_batch_end(self, batch, logs=None):
        base = self.model.distribution
        record = base.stored_log_partition.read()
        if batch % 20 == 0:
            exact = base.machine().enumerate_log_partition()
            self.deviations.append(float(record.value - exact) / float(record.standard_error))


def train(points, sampler, seed):
    base = distributions.SmoothedRBM.create(
        NUM_VISIBLE, NUM_HIDDEN, delta=8.0, sampler=sampler, seed=(seed, 1)
    )
    trainer = training.LikelihoodModel(base, seed=(seed, 2))
    trainer.compile(optimizer=keras.optimizers.Adam(2e-3))
    callbacks = [Followed()] if sampler else []
    history = trainer.fit(
        points[:NUM_TRAIN], batch_size=50, epochs=25, verbose=0, callbacks=callbacks
    )
    exact = distributions.SmoothedRBM(base.weights, base.bias, base.delta)
    return exact, history.history["loss"][-1], callbacks


def shares_of_clusters(exact, centres):
    drawn = exact.machine().sample_exactly(4000, (0, 3)).numpy()
    nearest = np.argmax(drawn @ centres[:, :NUM_VISIBLE].T, axis=1)
    return np.bincount(nearest, minlength=NUM_CLUSTERS) / len(nearest)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_sampler_does_as_well_as_the_exact_gradient(seed):
    points, centres, labels = clusters(seed)
    of_data = np.bincount(labels, minlength=NUM_CLUSTERS) / len(labels)
    scores, variations = [], []
    for sampler in (None, "weighted"):  # At eleven hidden units none means exact sums.
        exact, last_loss, callbacks = train(points, sampler, seed)
        scores.append(float(tf.reduce_mean(exact.log_prob(points[NUM_TRAIN:]))))
        variations.append(0.5 * np.abs(shares_of_clusters(exact, centres) - of_data).sum())
    assert scores[1] > scores[0] - 1
    assert variations[1] < variations[0] + 0.1
    assert last_loss == pytest.approx(
        -float(tf.reduce_mean(exact.log_prob(points[:NUM_TRAIN]))), abs=0.3
    )
    deviations = np.abs(callbacks[0].deviations)
    assert np.mean(deviations < 3) >= 0.95 and len(deviations) >= 50
