"""Training under `tf.distribute`."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.replicas import replica_seed
from tfp_ebm.training import make_strategy

DATA = np.random.default_rng(0).normal(size=[10, 28]).astype(np.float32)


def make(num_chains, sampler="persistent", rate=1.0):
    base = distributions.SmoothedRBM.create(
        14, 14, num_chains=num_chains, sampler=sampler, seed=(0, 1)
    )
    scale = tfp.bijectors.Scale(tf.Variable(tf.fill([28], 0.7)))
    model = tfp.distributions.TransformedDistribution(base, scale)
    trainer = training.LikelihoodModel(model, gibbs_steps=3, ema_momentum=0.9, seed=(1, 2))
    trainer.compile(optimizer=keras.optimizers.SGD(rate))
    return trainer


def chains(strategy, trainer):
    """The variable of each replica."""
    return strategy.experimental_local_results(trainer.distribution.distribution.chains.units)


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 9], ids=["even", "uneven"])
def test_gradient_is_that_of_the_whole_batch(strategy, count):
    """With fixed chains: one step of gradient descent at rate 1 moves weights by the gradient."""
    with strategy.scope():
        two = make(8)
    one = make(8)
    # Both replicas hold the same chains, whose mean is then that of either.
    for variable in chains(strategy, two):
        variable.assign(one.distribution.distribution.chains.units)
    before = [v.numpy() for v in one.distribution.trainable_variables]
    for trainer in (one, two):
        trainer.fit(DATA[:count], batch_size=count, shuffle=False, verbose=0)
    moved = 0.0
    for start, a, b in zip(
        before,
        one.distribution.trainable_variables,
        two.distribution.trainable_variables,
        strict=True,
    ):
        expected, got = a.numpy() - start, b.numpy() - start
        moved = max(moved, np.abs(expected).max())
        assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max(), (expected, got)
    assert moved > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler",
    ["persistent", "contrastive"]
    + [pytest.param(sampler, marks=pytest.mark.slow) for sampler in ("replay", "tempering")],
)
def test_replicas_move_chains_of_their_own(strategy, sampler):
    with strategy.scope():
        trainer = make(8, sampler, rate=0.01)
    trainer.fit(DATA, batch_size=4, epochs=2, verbose=0)
    first, second = (units.numpy() for units in chains(strategy, trainer))
    assert first.shape == second.shape and np.any(first != second)
    assert trainer.evaluate(DATA, verbose=0)[0] > 0


@pytest.mark.slow
def test_checkpoint_keeps_every_replica_and_repeats_training(strategy, tmp_path):
    checkpoints = training.Checkpoints(tmp_path)

    def fit():
        with strategy.scope():
            trainer = make(8, rate=0.01)
        resumed = checkpoints.restore(trainer)
        trainer.fit(DATA, batch_size=4, epochs=2, verbose=0, callbacks=[checkpoints])
        return trainer, resumed

    whole, resumed = fit()
    assert not resumed
    shutil.rmtree(checkpoints.latest)  # As if stopped within the second epoch.
    again, resumed = fit()
    assert resumed and whole.num_updates == again.num_updates == 6
    for one, two in zip(chains(strategy, whole), chains(strategy, again), strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(whole.distribution.variables, again.distribution.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


@pytest.mark.slow
def test_replicas_follow_log_partition_together(strategy):
    with strategy.scope():
        base = distributions.SmoothedRBM.create(14, 14, num_chains=64, seed=(0, 1))

    def move():
        base.update_chains(2, seed=replica_seed(tf.constant([0, 2])))

    weights = tf.random.stateless_normal([14, 14], (0, 3))
    for share in (0.1, 0.2, 0.3):
        base.weights.assign(share * weights)
        strategy.run(tf.function(move, autograph=False))
    chains = base.chains
    values, variances = (
        np.array([float(part) for part in strategy.experimental_local_results(variable)])
        for variable in (chains._log_partition, chains._variance)
    )
    assert values[0] != values[1] and np.all(variances > 0)
    record = base.stored_log_partition.read()
    assert record.num_chains == 128 and record.method == "running"
    expected = np.sum(values / variances) / np.sum(1 / variances)
    assert float(record.value) == pytest.approx(expected, abs=1e-4)
    assert float(record.standard_error) == pytest.approx(np.sum(1 / variances) ** -0.5, rel=1e-4)
    exact = float(base.machine().enumerate_log_partition())
    assert abs(float(record.value) - exact) < 5 * float(record.standard_error)


@pytest.mark.slow
def test_log_partition_is_estimated_over_the_replicas(strategy):
    base = distributions.SmoothedRBM.create(22, 22, sampler="persistent", seed=(0, 1))
    base.weights.assign(0.05 * tf.random.stateless_normal([22, 22], (0, 2)))
    alone = base.estimate_log_partition(200, 100, seed=(0, 3))
    with strategy.scope():
        shared = base.estimate_log_partition(199, 100, seed=(0, 3))
    assert shared.num_chains == 200
    error = np.hypot(alone.standard_error, shared.standard_error)
    assert 0 < abs(alone.value - shared.value) < 4 * error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "TF_CONFIG must be set"),
        ("{", "TF_CONFIG must be JSON"),
        ('{"cluster": {"worker": []}}', "TF_CONFIG must be JSON"),
        (
            '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
            "host:port",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "one of its 1 workers",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            "one of its 1 workers",
        ),
    ],
)
def test_malformed_tf_config(text, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        make_strategy("multi_worker")


def test_unknown_strategy():
    with pytest.raises(ValueError, match="Did you mean 'mirrored'"):
        make_strategy("mirored")
