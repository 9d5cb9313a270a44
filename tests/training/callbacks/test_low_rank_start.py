import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, training
from tfp_ebm.internal.keras import keras

NUM_VISIBLE = 6


def events(size=NUM_VISIBLE):
    """Events far from 0, in three directions of decreasing weight, and little noise."""
    rng = np.random.default_rng(0)
    signs = np.linalg.qr(rng.normal(size=[size, 3]))[0]
    along = rng.choice([-1.0, 1.0], size=[64, 3]) * [4.0, 2.0, 1.0]
    noise = 0.01 * rng.normal(size=[64, size])
    return (along @ signs.T + noise + np.linspace(-9, 9, size)).astype(np.float32)


def trainer_of(base):
    trainer = training.LikelihoodModel(base, seed=(0, 2))
    trainer.compile(optimizer=keras.optimizers.Adam(0.01))
    return trainer


class Ranks(keras.callbacks.Callback):
    """Notes what lies outside the principal directions after each update, found by NumPy."""

    def __init__(self, base, visible, rank):
        super().__init__()
        rows = np.linalg.svd(visible - visible.mean(axis=0), full_matrices=False)[2]
        self.base, self.rest, self.found = base, rows[rank:], []

    def on_train_batch_end(self, batch, logs=None):
        weights = tf.convert_to_tensor(self.base.weights).numpy()
        self.found.append(np.abs(self.rest @ weights).max() / np.abs(weights).max())


@pytest.mark.parametrize(
    "make",
    [
        lambda: distributions.RestrictedBoltzmannMachine.create(
            NUM_VISIBLE, 4, binary=False, seed=(0, 1)
        ),
        lambda: distributions.GaussianBernoulliRBM.create(NUM_VISIBLE, 4, seed=(0, 1)),
        lambda: distributions.SmoothedRBM.create(NUM_VISIBLE, 4, delta=8.0),
        lambda: distributions.SmoothedRBM.create(NUM_VISIBLE, 4, delta=8.0, learn_delta=True),
    ],
    ids=["rbm", "gaussian", "smoothed", "learned delta"],
)
def test_the_first_updates_keep_to_principal_directions_and_no_more(make):
    base = make()
    data = events(base.event_shape[0])
    if "RestrictedBoltzmannMachine" in type(base).__name__:
        data = np.sign(data - data.mean(axis=0))
    ranks = Ranks(base, data[:, :NUM_VISIBLE], rank=2)
    start = training.LowRankStart(base, data, rank=2, num_updates=3)
    trainer = trainer_of(base)
    trainer.fit(data, batch_size=32, epochs=3, verbose=0, callbacks=[start, ranks])
    assert len(ranks.found) == 6
    assert max(ranks.found[:3]) < 1e-5 and min(ranks.found[3:]) > 1e-3


def test_the_trainer_counts_updates_over_several_fits():
    base = distributions.SmoothedRBM.create(NUM_VISIBLE, 4, delta=8.0)
    data = events(NUM_VISIBLE + 4)
    trainer = trainer_of(base)
    for found in (True, True, False):
        start = training.LowRankStart(base, data, rank=1, num_updates=4)
        trainer.fit(data, batch_size=32, epochs=1, verbose=0, callbacks=[start])
        assert (np.linalg.matrix_rank(base.weights, tol=1e-5) == 1) == found


@pytest.mark.filterwarnings("error:A gradient of log Z")
@pytest.mark.parametrize(
    "sampler", [pytest.param("weighted", marks=pytest.mark.slow), "persistent"]
)
def test_chains_belong_to_the_projected_weights(sampler):
    base = distributions.SmoothedRBM.create(
        NUM_VISIBLE, 4, delta=8.0, sampler=sampler, num_chains=16, seed=(0, 1)
    )
    data = events(NUM_VISIBLE + 4)
    trainer = trainer_of(base)
    start = training.LowRankStart(base, data, rank=1, num_updates=4, seed=(0, 3))
    trainer.fit(data, batch_size=32, epochs=2, verbose=0, callbacks=[start])
    assert not base.are_chains_stale()


@pytest.mark.slow
def test_replicas_move_chains_of_their_own(strategy):
    data = events(NUM_VISIBLE + 4)
    with strategy.scope():
        base = distributions.SmoothedRBM.create(
            NUM_VISIBLE, 4, delta=8.0, sampler="persistent", num_chains=16, seed=(0, 1)
        )
        trainer = trainer_of(base)
    start = training.LowRankStart(base, data, rank=1, num_updates=2, seed=(0, 3))
    trainer.fit(data, batch_size=32, epochs=1, verbose=0, callbacks=[start])
    assert np.linalg.matrix_rank(base.weights.numpy(), tol=1e-5) == 1
    first, second = (units.numpy() for units in base.chains.units.values)
    assert not base.are_chains_stale() and (first != second).any()


@pytest.mark.slow
def test_seeds_repeat_the_moves():
    data = events(NUM_VISIBLE + 4)
    states = []
    for seed in ((0, 3), (0, 3), (0, 4)):
        base = distributions.SmoothedRBM.create(
            NUM_VISIBLE, 4, delta=8.0, sampler="persistent", num_chains=16, seed=(0, 1)
        )
        start = training.LowRankStart(base, data, rank=1, num_updates=1, seed=seed)
        trainer_of(base).fit(data[:32], batch_size=32, verbose=0, callbacks=[start])
        states.append(base.chains.units.numpy())
    np.testing.assert_array_equal(states[0], states[1])
    assert (states[0] != states[2]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 0}, "`rank` must be an integer of at least 1, got 0"),
        ({"rank": 5}, "`rank` must be at most the size of the smaller layer, 4, got 5"),
        ({"num_updates": 1.5}, "`num_updates` must be an integer of at least 1, got 1.5"),
        ({"values": np.zeros([3, 5])}, r"n at least 6, .*got shape \(3, 5\)"),
        ({"values": np.zeros([1, 10])}, "N at least 2"),
        ({"values": np.zeros(10)}, r"`values` must have shape \[N, n\]"),
        ({"values": np.full([3, 10], np.nan)}, "`values` must be finite"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    base = distributions.SmoothedRBM.create(NUM_VISIBLE, 4, delta=8.0)
    given = {"values": events(10), "rank": 1, "num_updates": 2, **options}
    with pytest.raises(ValueError, match=message):
        training.LowRankStart(base, **given)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfp.distributions.Normal(0.0, 1.0),
        lambda: distributions.BipartiteNormal.create(6, 4),
        lambda: distributions.SmoothedRBM(tf.zeros([6, 4]), tf.zeros([10]), 8.0),
        lambda: distributions.ConvolutionalRBM.create([(4, 4, 1)], num_filters=2, kernel_sizes=[2]),
    ],
)
def test_bases_without_a_matrix_of_weights_are_refused(make):
    with pytest.raises(TypeError, match="`base` must be a machine with `weights`, a variable"):
        training.LowRankStart(make(), events(10), rank=1, num_updates=2)
