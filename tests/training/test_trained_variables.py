import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, training
from tfp_ebm.bijectors import Coupling
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import checkpoint
from tfp_ebm.training.trained_variables import make_variables

tfb, tfd = tfp.bijectors, tfp.distributions
DATA = np.random.default_rng(0).normal(3.0, 2.0, size=[64, 4]).astype(np.float32)


def over_normal(bijector):
    return tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [4]), bijector)


def network():
    """Built by its first call, to shifts and log-scales of two of four entries."""
    return keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(4)])


class OwnScale(tfb.Bijector):
    """What users write: a layer that is built when it is first used."""

    def __init__(self, trainable=True):
        super().__init__(forward_min_event_ndims=1)
        self.network = network()
        self.network.layers[0].trainable = trainable

    def _log_scale(self, x):
        return self.network(tf.ones_like(x[..., :1]))

    def _forward(self, x):
        return x * tf.exp(self._log_scale(x))

    def _inverse(self, y):
        return y * tf.exp(-self._log_scale(y))

    def _forward_log_det_jacobian(self, x):
        return tf.reduce_sum(self._log_scale(x), axis=-1)


class Conditioner(tf.Module):
    """A network that a module holds, so that it is found."""

    def __init__(self):
        super().__init__()
        self.network = network()

    def __call__(self, x, num_outputs, **kwargs):
        return tf.split(self.network(x), 2, axis=-1)


class FromFirstBatch(tfb.Bijector):
    """Takes its scale from the first batch that it meets."""

    def __init__(self):
        super().__init__(forward_min_event_ndims=1)
        self.log_scale = None

    def _inverse(self, y):
        if self.log_scale is None:
            self.log_scale = tf.Variable(tf.math.log(tf.math.reduce_std(y, axis=0)))
        return y * tf.exp(-self.log_scale)

    def _inverse_log_det_jacobian(self, y):
        return -tf.reduce_sum(self.log_scale)


def autoregressive():
    made = tfb.AutoregressiveNetwork(params=2, hidden_units=[8], event_shape=[4])
    return over_normal(tfb.MaskedAutoregressiveFlow(made))


def in_a_lambda():
    hidden = network()
    hidden.build([None, 2])
    return over_normal(
        tfb.RealNVP(2, shift_and_log_scale_fn=lambda x, n, **_: tf.split(hidden(x), 2, axis=-1))
    )


def in_a_template():
    return over_normal(tfb.RealNVP(2, shift_and_log_scale_fn=tfb.real_nvp_default_template([8])))


GLOBAL = keras.Sequential([keras.Input([2]), keras.layers.Dense(4)])


def in_a_coupling():
    def affine(parameters):
        shift, log_scale = tf.split(parameters, 2, axis=-1)
        return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))

    return over_normal(Coupling(tfb.Split(2), affine, lambda y: GLOBAL(y)))


def of_keras_3():
    import keras as keras_3

    module = Conditioner()
    module.network = keras_3.Sequential([keras_3.layers.Dense(4)])
    return over_normal(tfb.RealNVP(2, shift_and_log_scale_fn=module))


LATE = {
    "autoregressive": autoregressive,
    "own": lambda: over_normal(OwnScale()),
    "module": lambda: over_normal(tfb.RealNVP(2, shift_and_log_scale_fn=Conditioner())),
    "first batch": lambda: over_normal(FromFirstBatch()),
    "integers": lambda: distributions.Dequantized(autoregressive(), num_levels=17),
}
HIDDEN = [in_a_lambda, in_a_template, in_a_coupling, of_keras_3]
WAYS = [{}, {"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 2}]


def trainer_of(model, rate=0.05, compile_options=None, **options):
    trainer = training.LikelihoodModel(model, seed=(0, 1), **options)
    trainer.compile(optimizer=keras.optimizers.Adam(rate), **(compile_options or {}))
    return trainer


@pytest.mark.parametrize("name", LATE)
def test_networks_that_are_built_by_their_first_call_train_whole(name):
    model = LATE[name]()
    eagerly = {"run_eagerly": name != "autoregressive"}  # Tracing takes longer than training.
    trainer = trainer_of(model, compile_options=eagerly, ema_momentum=0.5)
    before = [variable.numpy() for variable in model.trainable_variables]
    assert before
    with trainer.averaged_weights():
        averages = [variable.numpy() for variable in model.trainable_variables]
    data = np.clip(np.round(DATA), 0, 16) if isinstance(model, distributions.Dequantized) else DATA
    losses = trainer.fit(data, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for variable, start in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != start), variable.name
    with trainer.averaged_weights():
        for variable, start in zip(model.trainable_variables, averages, strict=True):
            assert np.any(variable.numpy() != start), variable.name


@pytest.mark.parametrize("compile_options", WAYS, ids=str)
@pytest.mark.filterwarnings("ignore:`tf.layers.dense`", "ignore:`layer.updates`")
def test_weights_that_the_model_hides_are_named(compile_options):
    for make in HIDDEN if "run_eagerly" in compile_options else HIDDEN[:1]:
        trainer = trainer_of(make(), compile_options=compile_options)
        with pytest.raises(ValueError, match=r"[24] variables that will not be trained: .*kernel"):
            trainer.fit(DATA, verbose=0)


def test_a_dictionary_of_optimizers_leaves_nothing_out_either():
    trainer = training.LikelihoodModel(in_a_lambda())
    trainer.compile(optimizer={})
    with pytest.raises(ValueError, match="4 variables that will not be trained"):
        trainer.fit(DATA, verbose=0)
    groups = training.parameter_groups(autoregressive())
    assert {name: len(part) for name, part in groups.items()} == {"flow": 4, "base": 0, "noise": 0}
    late = training.LikelihoodModel(autoregressive())
    late.compile(optimizer={"flow": keras.optimizers.Adam(0.05)}, run_eagerly=True)
    losses = late.fit(DATA, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_model_without_variables_is_refused():
    trainer = trainer_of(tfd.MultivariateNormalDiag(tf.zeros([4])))
    assert trainer.evaluate(DATA, verbose=0)[0] > 0
    with pytest.raises(ValueError, match="nothing to train"):
        trainer.fit(DATA, verbose=0)


def test_what_is_frozen_stays():
    model = over_normal(OwnScale(trainable=False))
    trainer = trainer_of(model, compile_options={"run_eagerly": True})
    frozen = [v.numpy() for v in model.bijector.network.layers[0].variables]
    free = [v.numpy() for v in model.bijector.network.layers[1].variables]
    trainer.fit(DATA, verbose=0)
    for layer, before, moves in zip(
        model.bijector.network.layers, (frozen, free), (False, True), strict=True
    ):
        for variable, start in zip(layer.variables, before, strict=True):
            assert np.any(variable.numpy() != start) == moves

    density = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros(4)), tf.Variable(tf.ones(4)))
    scale = density.trainable_variables[1]
    eagerly = {"run_eagerly": True}
    trainer_of(density, compile_options=eagerly, frozen=[scale]).fit(DATA, verbose=0)
    assert np.all(scale.numpy() == 1) and np.all(density.loc.numpy() != 0)
    with pytest.raises(TypeError, match=r"`frozen` must hold variables.* got str"):
        trainer_of(density, frozen=["scale"])
    with pytest.raises(ValueError, match="all of them are frozen"):
        trainer_of(density, frozen=density.trainable_variables).fit(DATA, verbose=0)


class Scaled(tfd.Distribution):
    """A model with a network built by its first call, which may go wrong on the way."""

    def __init__(self, check=None, sample=None):
        super().__init__(tf.float32, tfd.NOT_REPARAMETERIZED, False, True)
        self.network = keras.Sequential([keras.layers.Dense(1)])
        self.check, self.draw = check, sample

    def _log_prob(self, x):
        if self.check is not None:
            self.check(x)
        return self.network(x)[..., 0]

    def _event_shape(self):
        return tf.TensorShape([4])

    def _sample_n(self, n, seed=None):
        return tf.ones([n, 4]) if self.draw is None else self.draw(n)


def fail_by(error):
    def check(x):
        raise error

    return check


def positive(x):
    tf.debugging.assert_positive(x)


def positive_in_words(x):
    if not np.all(x > 0):
        raise ValueError("`x` must be above 0.")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("`network` has 3 outputs"),
        AttributeError("no attribute 'sclae'"),
        TypeError("unsupported operand"),
        RuntimeError("out of luck"),
        NotImplementedError("not yet"),
        tf.errors.InvalidArgumentError(None, None, "shapes [8,4] and [3]"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_a_model_surface_at_once_with_their_own_words(error):
    with pytest.raises(ValueError, match=r"`scaled` fails on a batch of shape \(8, 4\)") as caught:
        training.LikelihoodModel(Scaled(fail_by(error)))
    assert caught.value.__cause__ is error
    assert f"{type(error).__name__}: {error}" in str(caught.value)


@pytest.mark.parametrize("check", [positive, positive_in_words])
def test_models_that_refuse_noise_are_built_by_their_samples(check):
    model = Scaled(check)
    training.LikelihoodModel(model)
    assert len(model.trainable_variables) == 2
    training.LikelihoodModel(tfd.Dirichlet(tf.Variable(tf.ones([4])), validate_args=True))


@pytest.mark.parametrize(
    "model",
    [
        Scaled(positive, fail_by(NotImplementedError("no samples"))),
        Scaled(fail_by(RuntimeError("tf.gradients is not supported when eager"))),
        Scaled(lambda x: (lambda x, labels: None)(x)),
    ],
    ids=["no samples", "graphs only", "labels"],
)
def test_models_that_only_an_update_can_call_wait_for_it(model):
    training.LikelihoodModel(model)
    assert not model.trainable_variables
    model.check = None
    make_variables(model)
    assert len(model.trainable_variables) == 2


def test_models_that_need_a_replica_wait_for_it(strategy):
    def check(x):
        tf.distribute.get_replica_context().all_reduce("sum", x)

    with strategy.scope():
        training.LikelihoodModel(Scaled(check))
    with pytest.raises(ValueError, match="fails on a batch"):
        training.LikelihoodModel(Scaled(fail_by(AttributeError("all_reduce"))))


def test_mixed_precision_hides_no_variable():
    """Keras wraps the variables of such layers, so that they are listed and watched as two."""
    layer = keras.layers.Dense(4, dtype="mixed_bfloat16")
    layer.build([None, 2])
    with tf.GradientTape() as tape:
        loss = layer(tf.ones([1, 2]))
    assert loss.dtype == tf.bfloat16
    training.require_all_trained(layer.trainable_variables, tape)
    with pytest.raises(ValueError, match=r"1 variable that will not be trained: .*bias"):
        training.require_all_trained(layer.trainable_variables[:1], tape)
    training.require_all_trained(layer.trainable_variables[:1], tape, layer.trainable_variables[1:])


@pytest.mark.slow
def test_training_of_a_late_network_goes_on_from_its_checkpoint(tmp_path):
    def fit(folder, epochs):
        keras.utils.set_random_seed(3)
        eagerly = {"run_eagerly": True}
        trainer = trainer_of(autoregressive(), compile_options=eagerly, ema_momentum=0.9)
        best = training.BestWeights(folder=folder / "best")
        checkpoints = training.Checkpoints(folder, best=best)
        checkpoints.restore(trainer)
        callbacks = [best, checkpoints]
        trainer.fit(DATA, epochs=epochs, validation_data=DATA, verbose=0, callbacks=callbacks)
        return trainer

    whole = fit(tmp_path / "whole", 2)
    fit(tmp_path / "parts", 1)
    again = fit(tmp_path / "parts", 2)
    assert len(again.variables) == len(whole.variables) > 12
    for one, two in zip(whole.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy(), err_msg=one.name)
    fresh = autoregressive()
    checkpoint.restore(fresh, tmp_path / "whole" / "best")
    np.testing.assert_array_equal(fresh.log_prob(DATA), whole.distribution.log_prob(DATA))


@pytest.mark.slow
def test_on_every_replica(strategy):
    def fit(make):
        with strategy.scope():
            trainer = training.LikelihoodModel(make(), ema_momentum=0.9)
            trainer.compile(optimizer=keras.optimizers.Adam(0.05))
        return trainer.fit(DATA, epochs=3, verbose=0).history["loss"]

    losses = fit(autoregressive)
    assert losses[-1] < losses[0]
    with pytest.raises(ValueError, match="4 variables that will not be trained"):
        fit(in_a_lambda)
