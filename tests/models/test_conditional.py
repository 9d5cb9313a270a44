"""Conditional models: closed forms, quadrature, samples, labels, errors."""

import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, distributions, models
from tfp_ebm.flows.condition_paths import condition_kwargs, context_size
from tfp_ebm.internal.keras import keras
from tfp_ebm.models import Conditional, DataSpec, ModelSpec

tfb, tfd = tfp.bijectors, tfp.distributions

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=[3, 2])
CONDITIONS = RNG.normal(size=[2, 3])


class Mean(tf.Module):
    """A network whose output is a matrix times the condition, whatever the first part."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = tf.Variable(matrix)

    def __call__(self, x):
        return tf.tensordot(x[..., -3:], self.matrix, 1)


def normal_of_mean(make=tfb.Invert):
    """x given c is normal with mean A c and deviation 1: two couplings move an entry each."""
    couplings = [
        bijectors.Coupling(
            bijectors.ChannelSplit(swap=swap, event_rank=1),
            tfb.Shift,
            Mean(-MATRIX[:, index : index + 1]),
            num_context=3,
        )
        for swap, index in ((False, 1), (True, 0))
    ]
    base = tfd.MultivariateNormalDiag(tf.zeros(2, tf.float64))
    return tfd.TransformedDistribution(base, make(tfb.Chain(couplings)))


def moved(module, scale=0.3):
    for index, variable in enumerate(module.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(scale * noise)
    return module


def small(shape=(2,), num_context=3, flow="vector_glow", base="normal", **fields):
    keras.utils.set_random_seed(0)
    options = {"hidden_units": [4]}
    if flow in ("vector_glow", "spline", "residual"):
        options["num_steps"] = 2
    if flow == "residual":
        options["num_scales"] = 1
    if flow == "glow":
        options = {"num_scales": 1, "num_steps": 1, "num_filters": 4}
    if flow == "flow_plus_plus":
        options = {"num_couplings": (1, 1, 1), "num_filters": 4, "num_components": 2}
        options |= {"num_blocks": 1, "dropout_rate": 0.0}
    names = ("num_levels", "columns")
    data = {name: fields.pop(name) for name in names if name in fields}
    data = DataSpec(shape, **data, num_context=num_context)
    return models.build(ModelSpec(data, (flow, options), base, **fields))


def test_the_closed_form_of_a_linear_mean():
    given = Conditional(normal_of_mean())(CONDITIONS)
    exact = tfd.MultivariateNormalDiag(CONDITIONS @ MATRIX, tf.ones(2, tf.float64))
    assert given.batch_shape == (2,) and given.event_shape == (2,)
    assert given.batch_shape_tensor().numpy().tolist() == [2]
    for shape in ([2], [2, 2], [5, 1, 2], [5, 2, 2]):
        x = RNG.normal(size=shape)
        log_prob = given.log_prob(x)
        np.testing.assert_allclose(log_prob, exact.log_prob(x), rtol=1e-12)
        np.testing.assert_allclose(tf.function(given.log_prob)(x), log_prob, rtol=1e-12)
    samples = given.sample([30, 100], seed=(0, 1)).numpy()
    assert samples.shape == (30, 100, 2, 2)
    noise = (samples - CONDITIONS @ MATRIX).reshape(-1, 4)
    np.testing.assert_allclose(noise.mean(0), 0, atol=5 / 3000**0.5)
    np.testing.assert_allclose(np.cov(noise.T), np.eye(4), atol=0.12)
    np.testing.assert_array_equal(given.sample([30, 100], seed=(0, 1)), samples)


def test_training_by_gradients_finds_the_mean():
    conditional = Conditional(normal_of_mean())
    x = RNG.normal(size=[6, 2])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(conditional(CONDITIONS[:1]).log_prob(x))
    gradients = tape.gradient(loss, conditional.trainable_variables)
    residual = (x - CONDITIONS[:1] @ MATRIX).sum(0)
    for gradient, column in zip(gradients, (1, 0), strict=True):
        expected = -CONDITIONS[0] * residual[column]
        np.testing.assert_allclose(gradient[:, 0], expected, rtol=1e-10)


@pytest.mark.parametrize(
    "flow", ["vector_glow", "spline", pytest.param("residual", marks=pytest.mark.slow)]
)
def test_densities_given_a_condition_are_normalised(flow):
    conditional = Conditional(moved(small(flow=flow, dtype="float64"), 0.15))
    points = np.linspace(-12, 12, 241)
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    conditions = tf.constant(CONDITIONS)
    density = np.exp(conditional(conditions).log_prob(grid[:, np.newaxis]))
    np.testing.assert_allclose(density.sum(0) * (points[1] - points[0]) ** 2, 1, atol=2e-3)
    assert np.abs(density[:, 0] - density[:, 1]).max() > 1e-2
    for index in range(2):
        alone = conditional(conditions[index]).log_prob(grid)
        np.testing.assert_allclose(np.exp(alone), density[:, index], rtol=1e-10, atol=1e-300)


@pytest.mark.slow
@pytest.mark.parametrize("flow", ["nice", "glow", "flow_plus_plus", "spline", "residual"])
def test_images_of_classes(flow):
    model = moved(small((4, 4, 1), 3, flow, "spins", num_levels=17), 0.1)
    vectors = tf.constant([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    images = Conditional(model, num_classes=3)([0, 1, 2]).sample(seed=(0, 1))
    assert images.dtype == tf.uint8 and images.shape == (3, 4, 4, 1)
    np.testing.assert_array_equal(images, Conditional(model)(vectors).sample(seed=(0, 1)))
    conditional = Conditional(model, num_classes=3)  # One event, with the same noise:
    bounds = [float(conditional(i).log_prob(images[0], seed=(0, 2))) for i in range(3)]
    assert np.all(np.isfinite(bounds)) and len({*bounds}) == 3


def test_bounds_and_codes_given_labels():
    model = moved(small((4, 4, 1), 3, "nice", "spins", num_levels=17), 0.1)
    vectors = tf.constant([[1.0, 0, 0], [0, 0, 1.0]])
    given = Conditional(model, num_classes=3)([0, 2])
    images = given.sample(5, seed=(0, 1))
    kwargs = condition_kwargs(models.parts(model).flow, vectors)
    tight = given.importance_log_prob(images[0], num_samples=3, seed=(0, 2))
    direct = model.importance_log_prob(images[0], 3, (0, 2), bijector_kwargs=kwargs)
    np.testing.assert_allclose(tight, direct, rtol=1e-5)
    codes = models.encode(given, images[0], seed=(0, 3)).mode()
    assert codes.shape == (2, 16)


def test_classes_in_turn():
    conditional = Conditional(small((4, 4, 1), flow="nice", num_levels=17), num_classes=3)
    expected = conditional([0, 1, 2, 0]).sample(seed=(0, 1))
    np.testing.assert_array_equal(conditional.sample(4, seed=(0, 1)), expected)
    with pytest.raises(ValueError, match="the conditions of this model are vectors"):
        Conditional(small()).sample(3)


def test_latents_are_those_of_the_condition():
    given = Conditional(normal_of_mean())(CONDITIONS)
    x = RNG.normal(size=[5, 2, 2])
    np.testing.assert_allclose(models.latents(given, x), x - CONDITIONS @ MATRIX, rtol=1e-12)
    assert models.parts(given).base is models.parts(given.distribution).base


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": (3,), "columns": ("continuous", "integer", 3), "flow": "spline"},
        {"num_augmented": 1},
        {"shape": (1,), "num_augmented": 1},
        {"base": "rbm"},
    ],
)
def test_every_wrapper_passes_conditions_on(fields):
    model = moved(small(**{"shape": (2,), **fields}), 0.1)
    given = Conditional(model)(tf.constant(CONDITIONS, tf.float32))
    samples = given.sample(3, seed=(0, 1))
    log_prob = given.log_prob(samples, seed=(0, 2))
    assert log_prob.shape == (3, 2) and np.all(np.isfinite(log_prob))
    kwargs = condition_kwargs(models.parts(model).flow, tf.constant(CONDITIONS, tf.float32))
    seed = {"seed": (0, 2)} if isinstance(model, distributions.StochasticBound) else {}
    direct = model.log_prob(samples, bijector_kwargs=kwargs, **seed)
    np.testing.assert_allclose(log_prob, direct, rtol=1e-5)
    assert np.any(np.abs(log_prob - given.log_prob(samples[:, ::-1], seed=(0, 2))) > 1e-4)


def test_slices_copies_and_variables():
    conditional = Conditional(normal_of_mean())
    condition = tf.Variable(CONDITIONS)
    given, x = conditional(condition), RNG.normal(size=[2])
    before = given.log_prob(x).numpy()
    np.testing.assert_allclose(given[1].log_prob(x), before[1])
    table = conditional(np.stack([CONDITIONS, CONDITIONS + 1]))[..., 1]
    np.testing.assert_allclose(table.log_prob(x)[0], before[1])
    condition.assign(CONDITIONS[::-1])
    np.testing.assert_allclose(given.log_prob(x), before[::-1])  # Read when it is needed.
    for same in (copy.deepcopy(conditional), pickle.loads(pickle.dumps(conditional))):
        np.testing.assert_allclose(same(CONDITIONS).log_prob(x), before)
    condition.assign(CONDITIONS * np.nan)
    with pytest.raises(ValueError, match=r"`condition` of .* must be finite"):
        given.log_prob(x)


def test_batches_whose_size_is_known_when_a_graph_runs():
    conditional = Conditional(normal_of_mean())

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float64)])
    def draw(condition):
        given = conditional(condition)
        x = given.sample(5, seed=(0, 1))
        return x, given.log_prob(x), given.batch_shape_tensor()

    x, log_prob, batch_shape = draw(CONDITIONS)
    given = conditional(CONDITIONS)
    np.testing.assert_allclose(x, given.sample(5, seed=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(log_prob, given.log_prob(x), rtol=1e-12)
    assert batch_shape.numpy().tolist() == [2]


def test_labels_out_of_range():
    conditional = Conditional(small((4, 4, 1), flow="nice", num_levels=17), num_classes=3)
    for wrong in (-1, 3, [0, 2**33]):
        with pytest.raises(ValueError, match="`labels` must lie between 0"):
            conditional(wrong)
    with pytest.raises(ValueError, match="`labels` must be integers, got float32"):
        conditional([0.0])

    @tf.function(jit_compile=True)
    def log_prob(label):
        return conditional(label).log_prob(tf.zeros([4, 4, 1], tf.int32), seed=(0, 1))

    assert np.isfinite(log_prob(tf.constant(2)))
    assert np.all(np.isnan([log_prob(tf.constant(3)), log_prob(tf.constant(-1))]))


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        (None, ValueError, "`condition` is needed, got None"),
        ([0.0, 1.0], ValueError, "`condition` must have shape \\[..., 3\\], got shape \\(2,\\)"),
        (0.0, ValueError, "`condition` must have shape \\[..., 3\\]"),
        ([0.0, np.nan, 1.0], ValueError, "`condition` must be finite"),
        (tf.zeros([3], tf.float64), (TypeError, ValueError), "dtype|float"),
    ],
)
def test_conditions_that_do_not_fit(condition, error, message):
    with pytest.raises(error, match=message):
        Conditional(small())(condition)


def test_events_that_do_not_fit_the_batch_of_conditions():
    given = Conditional(small())(tf.zeros([2, 3]))
    with pytest.raises(ValueError, match="do not broadcast with the batch shape"):
        given.log_prob(tf.zeros([3, 2]))
    with pytest.raises(TypeError, match="of this model is exact"):
        given.importance_log_prob(tf.zeros([2]))
    with pytest.raises(NotImplementedError):
        given.mean()


def test_models_that_take_no_condition():
    with pytest.raises(ValueError, match="build it with `num_context`"):
        Conditional(small(num_context=None))
    with pytest.raises(ValueError, match="build it with `num_context`"):
        Conditional(tfd.Normal(0.0, 1.0))
    with pytest.raises(TypeError, match="`model` must be a tfp"):
        Conditional("rbm_flow")
    with pytest.raises(ValueError, match="`num_classes` must be 3, the `num_context` of `model`"):
        Conditional(small(), num_classes=4)
    with pytest.raises(TypeError, match="missing 1 required argument: `condition`"):
        small().log_prob([0.0, 0.0])


def test_specs_of_models_that_cannot_depend_on_a_condition():
    with pytest.raises(ValueError, match="couplings, which vectors of one entry have not"):
        small((1,))
    with pytest.raises(ValueError, match="`num_context` must be an integer of at least 1"):
        DataSpec((2,), num_context=0)
    models.register_flow("unconditional", lambda num_dims, dtype: tfb.Identity(), "", ("vectors",))
    try:
        with pytest.raises(ValueError, match="unconditional takes no condition"):
            models.build(ModelSpec(DataSpec((2,), num_context=3), "unconditional"))
    finally:
        del models.registry._REGISTRY["flow"]["unconditional"]
    with pytest.raises(ValueError, match="num_context"):
        models.with_options(ModelSpec(DataSpec((2,)), "nice"), num_context=3)
    spec = ModelSpec(DataSpec((2,), num_context=3), "nice")
    assert ModelSpec.from_dict(spec.to_dict()) == spec


def test_conditions_reach_their_parts_by_name_or_not_at_all():
    def coupling(num_context, name):
        network = Mean(MATRIX[:, :1])
        split = bijectors.ChannelSplit(event_rank=1)
        return bijectors.Coupling(split, tfb.Shift, network, num_context, name=name)

    inner = tfb.Chain([tfb.Invert(coupling(3, "b"), name="b"), coupling(3, "b")], name="inner")
    flow = tfb.Invert(tfb.Chain([coupling(3, "a"), tfb.Scale(2.0), inner]))
    expected = {"a": {"condition": 0}, "inner": {"b": {"condition": 0}}}
    assert context_size(flow) == 3 and condition_kwargs(flow, 0) == expected
    parts = tfb.JointMap([coupling(3, "a"), tfb.Exp()])
    assert condition_kwargs(parts, 0) == {"a": {"condition": 0}}
    with pytest.raises(ValueError, match="of sizes \\[2, 3\\]"):
        context_size(tfb.Chain([coupling(2, "a"), coupling(3, "b")]))
    with pytest.raises(ValueError, match="several parts named 'a', some of which"):
        context_size(tfb.Chain([coupling(3, "a"), tfb.Scale(2.0, name="a")]))
    with pytest.raises(ValueError, match="No condition reaches the part 'a'"):
        context_size(tfb.Chain([coupling(3, "b"), tfb.Blockwise([coupling(3, "a")])]))
