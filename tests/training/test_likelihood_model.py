import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles
from tfp_ebm import distributions, training
from tfp_ebm.bijectors import Coupling
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.mcmc import PersistentChains

tfd = tfp.distributions


def bernoulli_like_pixels():
    density = tfd.MultivariateNormalDiag(tf.Variable([5.0, 5.0]), tf.constant([2.0, 2.0]))
    return distributions.Dequantized(density, num_levels=17)


def trainer_of(model, rate=0.05, **options):
    trainer = training.LikelihoodModel(model, **options)
    trainer.compile(optimizer=keras.optimizers.Adam(rate))
    return trainer


def images(count=64, seed=0):
    return np.random.default_rng(seed).integers(2, 9, size=[count, 2]).astype(np.uint8)


def test_maximum_likelihood_finds_the_mean():
    trainer = trainer_of(bernoulli_like_pixels(), rate=0.1)
    data = images(256)
    history = trainer.fit(data, epochs=30, batch_size=32, verbose=0).history
    loc = trainer.distribution.distribution.loc.numpy()
    np.testing.assert_allclose(loc, data.mean(0) + 0.5, atol=0.25)
    bits = np.array(history["loss"]) / (2 * np.log(2))
    np.testing.assert_allclose(history["bits_per_dimension"], bits, rtol=1e-5)
    assert history["loss"][-1] < history["loss"][0]


def test_an_rbm_learns_a_known_rbm():
    """Persistent contrastive divergence through `fit`, judged by enumeration."""
    weights, bias = oracles.random_machine(3, 2, scale=0.6)
    states = oracles.all_states(5)
    truth = oracles.spin_probabilities(weights, bias)
    rng = np.random.default_rng(0)
    units = states[rng.choice(len(states), size=4_000, p=truth)]
    covariance = np.linalg.inv(oracles.precision(weights, 2.9))
    z = units + rng.multivariate_normal(np.zeros(5), covariance, size=len(units))
    parameters = tf.Variable(tf.zeros([3, 2])), tf.Variable(tf.zeros([5]))
    machine = distributions.SmoothedRBM(*parameters, 2.9).machine()
    chains = PersistentChains.start(machine, 512, (0, 1))
    base = distributions.SmoothedRBM(*parameters, 2.9, chains=chains)
    base.estimate_log_partition()
    trainer = trainer_of(base, rate=0.02, gibbs_steps=5)
    data = z.astype(np.float32)
    trainer.fit(data, epochs=12, batch_size=200, verbose=0)
    learned = oracles.smoothed_log_prob(base.weights.numpy(), base.bias.numpy(), 2.9, z).mean()
    best = oracles.smoothed_log_prob(weights, bias, 2.9, z).mean()
    untrained = oracles.smoothed_log_prob(np.zeros([3, 2]), np.zeros(5), 2.9, z).mean()
    assert best - learned < 0.1 * (best - untrained)


def test_chains_move_once_an_update():
    options = {"sampler": "persistent", "num_chains": 8, "seed": (0, 1)}
    base = distributions.SmoothedRBM.create(16, 16, **options)
    trainer = trainer_of(base, gibbs_steps=1)
    before = base.chains.units.numpy()
    trainer.fit(np.zeros([8, 32], np.float32), batch_size=8, verbose=0)
    assert np.any(base.chains.units.numpy() != before)
    still = trainer_of(distributions.SmoothedRBM.create(16, 16, **options), gibbs_steps=0)
    before = still.distribution.chains.units.numpy()
    still.fit(np.zeros([8, 32], np.float32), batch_size=8, verbose=0)
    np.testing.assert_array_equal(still.distribution.chains.units.numpy(), before)


def test_energy_based_parts_are_found_inside_wrappers():
    base = distributions.SmoothedRBM.create(2, 2)
    flow = tfp.bijectors.Scale(tf.Variable(2.0))
    model = distributions.Dequantized(tfd.TransformedDistribution(base, flow), num_levels=4)
    assert training.energy_based_parts(model) == [base]
    assert training.energy_based_parts(base) == [base]


def test_moving_average_is_what_is_evaluated_and_comes_back():
    trainer = trainer_of(bernoulli_like_pixels(), rate=0.5, ema_momentum=0.9)
    loc = trainer.distribution.distribution.loc
    recorded = []
    record = keras.callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: recorded.append(loc.numpy())
    )
    trainer.fit(images(), batch_size=16, epochs=2, verbose=0, callbacks=[record])
    average = np.array([5.0, 5.0])
    for step, value in enumerate(recorded, start=1):
        momentum = min(0.9, (1 + step) / (10 + step))
        average = momentum * average + (1 - momentum) * value
    raw = loc.numpy()
    with trainer.averaged_weights():
        np.testing.assert_allclose(loc.numpy(), average, rtol=1e-5)
    np.testing.assert_array_equal(loc.numpy(), raw)
    with pytest.raises(KeyError), trainer.averaged_weights():
        raise KeyError
    np.testing.assert_array_equal(loc.numpy(), raw)


@pytest.mark.slow
def test_log_partition_callback_renews_the_estimate():
    base = distributions.SmoothedRBM.create(14, 14, num_chains=16, seed=(0, 1))
    trainer = trainer_of(base, gibbs_steps=1)
    data = np.random.default_rng(0).normal(size=[32, 28]).astype(np.float32)
    callback = training.LogPartitionCallback(num_chains=16, num_steps=20, seed=(0, 2))
    history = trainer.fit(data, epochs=2, batch_size=16, verbose=0, callbacks=[callback]).history
    assert not base.is_log_partition_stale()
    exact = float(base.estimate_log_partition().value)
    assert history["log_partition"][-1] == pytest.approx(exact, rel=1e-6)
    assert trainer.annealing.num_steps == 1000  # Its own choice again.


def test_best_weights_come_back():
    density = tfd.MultivariateNormalDiag(tf.Variable([5.0, 5.0]), tf.constant([2.0, 2.0]))
    trainer = trainer_of(density, rate=1.0)
    data, validation = (images(seed=seed).astype(np.float32) for seed in (0, 1))
    best = training.BestWeights(patience=2)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: [0.3, 30.0][epoch > 2])
    trainer.fit(data, validation_data=validation, epochs=20, verbose=0, callbacks=[schedule, best])
    assert 1 <= best.best_epoch <= 3
    loss = trainer.evaluate(validation, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(best.best, rel=1e-6)


def test_best_weights_need_validation():
    with pytest.raises(ValueError, match="BestWeights needs `validation_data`"):
        trainer_of(bernoulli_like_pixels()).fit(
            images(), verbose=0, callbacks=[training.BestWeights()]
        )


def test_metrics_file(tmp_path):
    path = tmp_path / "metrics.csv"
    trainer_of(bernoulli_like_pixels()).fit(
        images(), epochs=3, verbose=0, callbacks=[training.MetricsFile(path)]
    )
    lines = path.read_text().splitlines()
    assert lines[0].startswith("epoch,loss,bits_per_dimension") and len(lines) == 4
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]


def test_predict_gives_log_probabilities():
    trainer = trainer_of(bernoulli_like_pixels())
    assert trainer.predict(images(10), verbose=0).shape == (10,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros([3, 4], np.uint8), r"`x` must have shape \[N, 2\].* got \(3, 4\)"),
        (np.zeros([0, 2], np.uint8), "`x` is empty"),
        (np.full([3, 2], np.nan, np.float32), "`x` must be finite"),
        (np.full([3, 2], np.inf, np.float32), "`x` must be finite"),
        (np.full([3, 2], 17, np.uint8), "integers from 0 to 16, got values from 17 to 17"),
        (np.full([3, 2], 0.5, np.float32), "integers from 0 to 16"),
    ],
)
def test_bad_data(data, message):
    trainer = trainer_of(bernoulli_like_pixels())
    for method in (trainer.fit, trainer.evaluate):
        with pytest.raises(ValueError, match=message):
            method(data, verbose=0)


def test_bad_arguments():
    with pytest.raises(TypeError, match=r"`model` must be a tfp\.distributions\.Distribution"):
        training.LikelihoodModel(3)
    with pytest.raises(ValueError, match="`gibbs_steps`"):
        training.LikelihoodModel(bernoulli_like_pixels(), gibbs_steps=-1)
    with pytest.raises(ValueError, match="`ema_momentum`"):
        training.LikelihoodModel(bernoulli_like_pixels(), ema_momentum=1.0)


def test_evaluate_renews_a_stale_estimate():
    base = distributions.SmoothedRBM.create(14, 14, num_chains=16, seed=(0, 1))
    trainer = trainer_of(base, gibbs_steps=1)
    data = np.random.default_rng(0).normal(size=[32, 28]).astype(np.float32)
    for judge in (trainer.evaluate, trainer.predict):
        base.bias.assign_add(tf.ones([28]))
        assert base.is_log_partition_stale()
        found = judge(data, verbose=0)
        assert not base.is_log_partition_stale()
        nats = found[0] if judge == trainer.evaluate else -found.mean()
        assert nats == pytest.approx(-float(base.log_prob(data).numpy().mean()), rel=1e-5)


def test_penalty_shrinks_the_weights_of_the_base():
    data = np.random.default_rng(0).normal(size=[64, 6]).astype(np.float32)
    data[:, 3:] += data[:, :3]
    norms = []
    for penalty in (0.0, 10.0):
        base = distributions.BipartiteNormal.create(3, 3)
        trainer = trainer_of(base, rate=0.05, base_weight_penalty=penalty)
        trainer.fit(data, epochs=10, batch_size=16, verbose=0)
        norms.append(float(tf.norm(base.weights)))
    assert norms[1] < 0.5 * norms[0]
    with pytest.raises(ValueError, match="`base_weight_penalty`"):
        training.LikelihoodModel(base, base_weight_penalty=-1.0)


MACHINES = {
    "smoothed": lambda: distributions.SmoothedRBM.create(2, 2),
    "connected": lambda: distributions.SmoothedBoltzmannMachine.create(4),
    "gaussian": lambda: distributions.GaussianBernoulliRBM.create(4, 2),
    "labelled": lambda: distributions.LabeledRBM.create(4, 2, 3),
    "convolutional": lambda: distributions.ConvolutionalRBM.create([(2, 2, 1)], num_filters=2),
    "normal": lambda: distributions.BipartiteNormal.create(2, 2),
}
COUPLINGS = {
    "smoothed": ["weights"],
    "connected": ["factor"],
    "gaussian": ["weights"],
    "labelled": ["weights", "label_weights"],
    "convolutional": ["filters"],
    "normal": ["weights"],
}


@pytest.mark.parametrize("name", MACHINES)
def test_penalty_acts_on_the_couplings_of_every_machine(name):
    """One step of gradient descent moves them by -2 rate penalty times themselves, and no other."""
    rate, penalty = 0.01, 3.0
    steps = {}
    for factor in (0.0, penalty):
        base = MACHINES[name]()
        for index, variable in enumerate(base.trainable_variables):
            noise = tf.random.stateless_uniform(variable.shape, (0, index), 0.2, 0.4)
            variable.assign(noise)
        base.estimate_log_partition()
        trainer = training.LikelihoodModel(base, 0, base_weight_penalty=factor, seed=(0, 1))
        trainer.compile(optimizer=keras.optimizers.SGD(rate), run_eagerly=True)
        before = {v.name: v.numpy() for v in base.trainable_variables}
        shape = [8, *base.event_shape]
        data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        trainer.fit(data, shuffle=False, verbose=0)
        steps[factor] = {v.name: v.numpy() - before[v.name] for v in base.trainable_variables}
    shrunk = 0
    for key, value in before.items():
        expected = np.zeros_like(value)
        if any(part in key for part in COUPLINGS[name]):
            expected = -2 * rate * penalty * value
            if name == "connected":  # A triangle as a vector, whose diagonal is no coupling.
                expected *= tfp.math.fill_triangular_inverse(np.tri(4, k=-1, dtype=np.float32))
            shrunk += 1
        np.testing.assert_allclose(
            steps[penalty][key] - steps[0.0][key], expected, atol=2e-5, err_msg=key
        )
    assert shrunk == len(base.couplings)


class Recorder(distributions.DiscreteMixture):
    """An energy-based part that writes down how its chains are to move, and its seeds."""

    def __init__(self, bias, delta=1.0, name="recorder"):
        super().__init__(bias, delta, name=name)
        self.asked, self.drawn = self._no_dependency([]), self._no_dependency([])

    def _log_prob(self, value):
        self.drawn.append(tuple(sanitize_seed(None, salt="recorder").numpy()))
        return super()._log_prob(value)

    def update_chains(self, num_steps=1, seed=None, value=None):
        del value
        self.asked.append((num_steps, *seed.numpy()))


def recorded(seed):
    model = Recorder(tf.Variable([0.3, -0.2]))
    trainer = training.LikelihoodModel(model, gibbs_steps=7, seed=seed)
    trainer.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    del model.drawn[:]
    trainer.fit(np.zeros([12, 2], np.float32), batch_size=4, verbose=0)
    return model


def test_every_update_has_seeds_of_its_own_which_repeat():
    one, again, other = (recorded(seed) for seed in ((0, 1), (0, 1), (0, 2)))
    assert len(set(one.drawn)) == len(one.drawn) == 3
    assert one.drawn == again.drawn and not set(one.drawn) & set(other.drawn)
    assert len(set(one.asked)) == 3 and one.asked == again.asked != other.asked
    assert [steps for steps, *_ in one.asked] == [7, 7, 7]


def test_every_part_moves_by_a_seed_of_its_own():
    parts = [Recorder(tf.Variable([0.3])), Recorder(tf.Variable([0.2]))]
    trainer = training.LikelihoodModel(tfd.Blockwise(parts), gibbs_steps=2, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    trainer.fit(np.zeros([4, 2], np.float32), batch_size=4, verbose=0)
    assert len({part.asked[0] for part in parts}) == 2


@pytest.mark.parametrize("batch_size", [4, 8])
def test_an_update_is_a_step_down_the_mean_over_the_batch(batch_size):
    loc = tf.Variable([5.0, 5.0])
    trainer = training.LikelihoodModel(tfd.MultivariateNormalDiag(loc, [2.0, 2.0]))
    trainer.compile(optimizer=keras.optimizers.SGD(0.5))
    data = images(batch_size).astype(np.float32)
    loss = trainer.fit(data, batch_size=batch_size, verbose=0).history["loss"][0]
    np.testing.assert_allclose(loc, 5 + 0.5 * (data.mean(0) - 5) / 4, rtol=1e-5)
    squares = np.sum(((data - 5) / 2) ** 2, axis=1)
    expected = np.mean(squares) / 2 + 2 * np.log(2) + np.log(2 * np.pi)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_every_group_gets_the_gradients_of_its_own():
    base = tfd.MultivariateNormalDiag(tf.Variable([1.0, 2.0]))
    flow = tfp.bijectors.Shift(tf.Variable([3.0, 5.0]))
    trainer = training.LikelihoodModel(tfd.TransformedDistribution(base, flow))
    rates = {"base": 0.25, "flow": 0.5}
    trainer.compile(optimizer={name: keras.optimizers.SGD(r) for name, r in rates.items()})
    trainer.fit(np.zeros([4, 2], np.float32), batch_size=4, verbose=0)
    np.testing.assert_allclose(base.loc, [1 - 0.25 * 4, 2 - 0.25 * 7])
    np.testing.assert_allclose(flow.shift, [3 - 0.5 * 4, 5 - 0.5 * 7])


def test_evaluate_takes_the_averaged_weights():
    trainer = training.LikelihoodModel(
        tfd.MultivariateNormalDiag(tf.Variable([25.0, 5.0]), [2.0, 2.0]), ema_momentum=0.9
    )
    trainer.compile(optimizer=keras.optimizers.SGD(0.5))
    data = images().astype(np.float32)
    trainer.fit(data, batch_size=16, verbose=0)
    with trainer.averaged_weights():
        expected = -np.mean(trainer.distribution.log_prob(data))
    assert abs(expected + np.mean(trainer.distribution.log_prob(data))) > 1e-3
    found = trainer.evaluate(data, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_frozen_variable_is_neither_averaged_nor_trained():
    loc, scale = tf.Variable([5.0, 5.0]), tf.Variable([2.0, 2.0])
    trainer = trainer_of(tfd.MultivariateNormalDiag(loc, scale), ema_momentum=0.9, frozen=[scale])
    trainer.fit(images().astype(np.float32), verbose=0)
    np.testing.assert_array_equal(scale, [2.0, 2.0])
    scale.assign([3.0, 3.0])
    with trainer.averaged_weights():
        np.testing.assert_array_equal(scale, [3.0, 3.0])


def test_an_update_that_is_not_finite_leaves_the_weights_and_shows():
    loc = tf.Variable([5.0, 5.0])
    trainer = training.LikelihoodModel(tfd.MultivariateNormalDiag(loc, [2.0, 2.0]))
    trainer.compile(optimizer=keras.optimizers.SGD(0.5))
    data = np.array([[3.0, 4.0], [1e30, 4.0]], np.float32)  # Its square overflows.
    history = trainer.fit(data, batch_size=2, verbose=0).history
    np.testing.assert_array_equal(loc, [5.0, 5.0])
    assert not np.isfinite(history["loss"][0])


def test_networks_are_told_that_they_train_and_that_they_do_not():
    class Told(keras.layers.Layer):
        def call(self, x, training=None):
            told.append(training)
            return 0.0 * x

    told, network = [], Told()
    network(tf.zeros([1, 1]))
    flow = Coupling(tfp.bijectors.Split(2), tfp.bijectors.Shift, network)
    base = tfd.MultivariateNormalDiag(tf.Variable([1.0, 2.0]))
    trainer = training.LikelihoodModel(tfd.TransformedDistribution(base, flow))
    trainer.compile(optimizer=keras.optimizers.SGD(0.5), run_eagerly=True)
    del told[:]
    trainer.fit(np.zeros([4, 2], np.float32), batch_size=4, verbose=0)
    assert told == [True]
    trainer.evaluate(np.zeros([4, 2], np.float32), verbose=0)
    assert told == [True, False]


class Counted(training.LikelihoodModel):
    """Counts the batches that it reads."""

    num_read = 0

    def _inputs(self, data):
        self.num_read += 1
        return super()._inputs(data)


def counted(rate):
    base = distributions.SmoothedRBM.create(13, 13, num_chains=4, sampler="persistent", seed=(0, 1))
    trainer = Counted(base, gibbs_steps=1)
    trainer.compile(optimizer=keras.optimizers.SGD(rate), run_eagerly=True)
    return base, trainer


def test_batches_that_judge_an_epoch_are_read_alike_and_have_noise_of_their_own():
    _, trainer = counted(0.01)
    score, indices = trainer._score, []
    trainer._score = lambda batch, index: indices.append(int(index)) or score(batch, index)
    trainer.fit(np.zeros([12, 26], np.float32), batch_size=4, verbose=0)
    assert indices == [0, 1, 2] and trainer.num_read == 6


def test_the_running_loss_leaves_log_z_out():
    base, trainer = counted(0.0)
    data = np.random.default_rng(0).normal(size=[12, 26]).astype(np.float32)
    running = []
    keep = keras.callbacks.LambdaCallback(on_batch_end=lambda _, logs: running.append(logs))
    trainer.fit(data, batch_size=12, verbose=0, callbacks=[keep])
    expected = base.log_partition_offset() - tf.reduce_mean(base.unnormalized_log_prob(data))
    assert [*running[0]] == ["unnormalized_loss"]
    np.testing.assert_allclose(running[0]["unnormalized_loss"], expected, rtol=1e-5)


def test_variables_that_would_be_left_behind_are_named():
    hidden = tf.Variable(2.0, name="hidden")

    class Hiding(tfd.MultivariateNormalDiag):
        def _log_prob(self, value):
            return super()._log_prob(hidden * value)

    trainer = training.LikelihoodModel(Hiding(tf.Variable([5.0, 5.0]), [2.0, 2.0]))
    trainer.compile(optimizer=keras.optimizers.SGD(0.5), run_eagerly=True)
    with pytest.raises(ValueError, match="will not be trained: hidden"):
        trainer.fit(np.zeros([4, 2], np.float32), verbose=0)


def test_groups_of_one_rate_train_as_one():
    data, trained = np.random.default_rng(0).normal(size=[8, 2]).astype(np.float32), []
    for names in ((), ("flow", "base")):
        base = tfd.MultivariateNormalDiag(tf.Variable([1.0, 2.0]), [2.0, 2.0])
        flow = tfp.bijectors.Scale(tf.Variable([0.5, 0.8]))
        model = tfd.TransformedDistribution(base, flow)
        trainer = training.LikelihoodModel(model)
        optimizers = {name: keras.optimizers.SGD(0.1) for name in names}
        trainer.compile(optimizer=optimizers or keras.optimizers.SGD(0.1), run_eagerly=True)
        trainer.fit(data, batch_size=8, verbose=0)
        trained.append(np.concatenate([base.loc, flow.scale]))
    np.testing.assert_allclose(*trained, rtol=1e-6)
    assert np.all(trained[0] != [1, 2, 0.5, 0.8])


def test_a_gradient_that_is_not_finite_shows_though_the_loss_is():
    class Rooted(tfd.MultivariateNormalDiag):
        def _log_prob(self, value):
            return super()._log_prob(value) - tf.reduce_sum(tf.sqrt(self.loc))

    loc = tf.Variable([0.0, 1.0])
    trainer = training.LikelihoodModel(Rooted(loc, [2.0, 2.0]))
    trainer.compile(optimizer=keras.optimizers.SGD(0.5), run_eagerly=True)
    data = np.ones([4, 2], np.float32)
    assert np.all(np.isfinite(trainer.predict(data, verbose=0)))
    assert np.isnan(trainer.fit(data, verbose=0).history["loss"][0])
    np.testing.assert_array_equal(loc, [0.0, 1.0])
