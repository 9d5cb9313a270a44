import hypothesis
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from hypothesis import strategies
from scipy.special import expit, log_softmax, logsumexp

from tests import registry
from tfp_ebm.bijectors import MixLogCDF

test_conformance = registry.conformance("MixLogCDF")

tfd = tfp.distributions


def parameters(dtype=np.float64, size=6, components=5, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=[size, components])
    locs = 2 * rng.normal(size=[size, components])
    log_scales = rng.uniform(-3, 1, size=[size, components])
    return tuple(part.astype(dtype) for part in (logits, locs, log_scales))


def oracle(x, logits, locs, log_scales):
    """logit F and log of its derivative, in float64 NumPy."""
    x, logits, locs, log_scales = (np.asarray(v, np.float64) for v in (x, logits, locs, log_scales))
    z = (x[..., None] - locs) * np.exp(-log_scales)
    log_weights = log_softmax(logits, axis=-1)
    log_cdf = logsumexp(log_weights - np.logaddexp(0, -z), axis=-1)
    log_survival = logsumexp(log_weights - np.logaddexp(0, z), axis=-1)
    log_density = logsumexp(
        log_weights - log_scales - np.logaddexp(0, z) - np.logaddexp(0, -z), axis=-1
    )
    return log_cdf - log_survival, log_density - log_cdf - log_survival


def test_against_the_plain_mixture_cdf():
    logits, locs, log_scales = parameters()
    x = np.linspace(-2, 2, 6)
    cdf = (np.exp(log_softmax(logits, -1)) * expit((x[:, None] - locs) / np.exp(log_scales))).sum(
        -1
    )
    bijector = MixLogCDF(logits, locs, log_scales)
    np.testing.assert_allclose(bijector.forward(x), np.log(cdf / (1 - cdf)), rtol=1e-10)


def test_against_tfps_mixture_of_logistics():
    logits, locs, log_scales = parameters()
    x = np.linspace(-2, 2, 6)
    mixture = tfd.MixtureSameFamily(
        tfd.Categorical(logits=logits), tfd.Logistic(locs, np.exp(log_scales))
    )
    expected = mixture.log_cdf(x) - mixture.log_survival_function(x)
    bijector = MixLogCDF(logits, locs, log_scales)
    np.testing.assert_allclose(bijector.forward(x), expected, rtol=1e-10)
    log_det = mixture.log_prob(x) - mixture.log_cdf(x) - mixture.log_survival_function(x)
    actual = bijector.forward_log_det_jacobian(x, event_ndims=0)
    np.testing.assert_allclose(actual, log_det, rtol=1e-9)


@pytest.mark.parametrize("log_scale", [-7.0, -2.0, 1.0])
def test_float32_far_outside_every_component(log_scale):
    """Up to 50 scales beyond the outermost component, on both sides."""
    locs = np.array([-1.0, 0.5, 2.0])
    logits, log_scales = (
        np.array([0.3, -1.0, 0.0]),
        np.array([log_scale, log_scale + 0.5, log_scale]),
    )
    reach = 50 * np.exp(log_scales.max())
    x = np.concatenate([np.linspace(-1 - reach, 2 + reach, 1001), locs]).astype(np.float32)
    x.sort()
    given = [part.astype(np.float32) for part in (logits, locs, log_scales)]
    value, log_derivative = oracle(x, *given)
    bijector = MixLogCDF(*given)
    y = bijector.forward(x).numpy()
    log_det = bijector.forward_log_det_jacobian(x, event_ndims=0).numpy()
    # An argument z = (x - loc) / scale is rounded to eps |z| before anything else happens.
    np.testing.assert_allclose(y, value, rtol=2e-6, atol=1e-4)
    np.testing.assert_allclose(log_det, log_derivative, rtol=2e-6, atol=1e-3)
    # Monotone up to rounding, where the function is flat between two narrow components: each of
    # the two log-sums of each neighbour carries 4 units in the last place of (1 + |y|).
    slack = 16 * np.finfo(np.float32).eps * (1 + np.abs(y[1:]))
    assert np.max(-np.diff(y) / slack) <= 1


def test_gradients_match_those_of_the_composition():
    given = [tf.constant(part) for part in parameters()]
    x = tf.constant(np.linspace(-2, 2, 6))

    def composed(x, logits, locs, log_scales):
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits), tfd.Logistic(locs, tf.exp(log_scales))
        )
        log_cdf, log_survival = mixture.log_cdf(x), mixture.log_survival_function(x)
        return log_cdf - log_survival, mixture.log_prob(x) - log_cdf - log_survival

    def ours(x, *given):
        bijector = MixLogCDF(*given)
        return bijector.forward(x), bijector.forward_log_det_jacobian(x, event_ndims=0)

    def gradients(function):
        with tf.GradientTape() as tape:
            tape.watch([x, *given])
            value, log_det = function(x, *given)
            total = tf.reduce_sum(tf.sin(value) + log_det**2)
        return tape.gradient(total, [x, *given])

    for one, other in zip(gradients(ours), gradients(composed), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def test_second_derivatives():
    given = [tf.constant(part) for part in parameters(size=1)]
    x = tf.constant([0.3], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = MixLogCDF(*given).forward(x)
        first = inner.gradient(value, x)
    second = outer.gradient(first, x).numpy()
    step = 1e-4
    ends = [np.exp(oracle(np.array([0.3 + s * step]), *given)[1]) for s in (1, -1)]
    np.testing.assert_allclose(second, (ends[0] - ends[1]) / (2 * step), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eager", "graph", pytest.param("XLA", marks=pytest.mark.slow)])
def test_inverse_residual(mode):
    given = parameters(np.float32, size=2000, components=32)
    y = np.random.default_rng(1).normal(size=2000).astype(np.float32) * 3
    bijector = MixLogCDF(*given)
    residual = {
        "eager": bijector.residual,
        "graph": tf.function(bijector.residual),
        "XLA": tf.function(bijector.residual, jit_compile=True),
    }[mode](y)
    assert np.max(np.abs(residual)) < 1e-4


def test_residual_is_the_error_of_the_inverse():
    """Of a narrow component far from 0, no float32 maps to the target."""
    given = [np.float32([part]) for part in (0.0, 1000.0, -6.0)]
    y = tf.constant([0.01, -3.0, 2.0])
    values = MixLogCDF(*given).forward(tf.identity(MixLogCDF(*given).inverse(y)))
    np.testing.assert_array_equal(MixLogCDF(*given).residual(y), values - y)
    assert np.max(np.abs(values - y)) > 1e-3


def test_inverse_gradient_is_the_implicit_one():
    given = [tf.constant(part) for part in parameters()]
    y = tf.constant(np.linspace(-3, 3, 6))

    def solve(y, logits, locs, log_scales):
        return MixLogCDF(logits, locs, log_scales).inverse(y)

    with tf.GradientTape() as tape:
        tape.watch([y, *given])
        total = tf.reduce_sum(tf.sin(solve(y, *given)))
    gradients = tape.gradient(total, [y, *given])
    for index, gradient in enumerate(gradients):
        rng = np.random.default_rng(index)
        direction, step, ends = rng.normal(size=gradient.shape), 1e-6, []
        for sign in (1, -1):
            moved = [y, *given]
            moved[index] = moved[index] + sign * step * direction
            ends.append(float(tf.reduce_sum(tf.sin(solve(*moved)))))
        expected = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose((gradient.numpy() * direction).sum(), expected, rtol=1e-5)


@pytest.mark.slow
def test_large_inputs_match_the_oracle_and_small_ones():
    """From 2^19 entries on, everything is compiled: values, gradients and the inverse."""
    given = parameters(np.float32, size=17_000, components=32)
    x = np.random.default_rng(1).normal(size=17_000).astype(np.float32)

    @tf.function
    def everything(x, *given):
        with tf.GradientTape() as tape:
            tape.watch([x, *given])
            bijector = MixLogCDF(*given)
            value, log_det = bijector.forward(x), bijector.forward_log_det_jacobian(x, 0)
            total = tf.reduce_sum(tf.sin(value) + log_det**2)
        inverse = MixLogCDF(*given).inverse(tf.identity(value))
        return value, log_det, inverse, *tape.gradient(total, [x, *given])

    large = everything(*(tf.constant(part) for part in (x, *given)))
    expected = oracle(x, *given)
    np.testing.assert_allclose(large[0], expected[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(large[1], expected[1], rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(oracle(large[2].numpy(), *given)[0], expected[0], atol=1e-4)
    small = everything(*(tf.constant(part[:100]) for part in (x, *given)))
    for one, other in zip(large, small, strict=True):
        np.testing.assert_allclose(one[:100], other, rtol=1e-3, atol=1e-4)


def test_gradients_hundreds_of_scales_outside():
    """There the sums run over logarithms; the other components' weights are lost in no sum."""
    logits, locs, log_scales = (tf.constant(part) for part in parameters())
    scale = tf.exp(tf.reduce_max(log_scales, axis=-1))
    x = tf.reduce_min(locs, axis=-1) - 800 * scale
    given = (logits, locs, log_scales)

    def gradients(function):
        with tf.GradientTape() as tape:
            tape.watch([x, *given])
            value, log_det = function(x, *given)
            total = tf.reduce_sum(tf.sin(value) + log_det)
        return tape.gradient(total, [x, *given])

    def composed(x, logits, locs, log_scales):
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits), tfd.Logistic(locs, tf.exp(log_scales))
        )
        log_cdf, log_survival = mixture.log_cdf(x), mixture.log_survival_function(x)
        return log_cdf - log_survival, mixture.log_prob(x) - log_cdf - log_survival

    def ours(x, *given):
        bijector = MixLogCDF(*given)
        return bijector.forward(x), bijector.forward_log_det_jacobian(x, event_ndims=0)

    for one, other in zip(gradients(ours), gradients(composed), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("size", [40, 17_000])
def test_inverse_of_logits_that_no_probability_holds(size):
    given = parameters(np.float32, size=size, components=32)
    y = np.linspace(-200, 200, size).astype(np.float32)
    x = MixLogCDF(*given).inverse(y).numpy()
    np.testing.assert_allclose(oracle(x, *given)[0], y, rtol=2e-5, atol=1e-4)


numbers = {"allow_nan": False, "allow_infinity": False, "width": 32}


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    strategies.lists(
        strategies.tuples(
            strategies.floats(-8, 8, **numbers),
            strategies.floats(-20, 20, **numbers),
            strategies.floats(-7, 3, **numbers),
        ),
        min_size=1,
        max_size=6,
    ),
    strategies.floats(-50, 50, **numbers),
)
def test_any_mixture_against_the_oracle(components, distance):
    """Value, derivative, order and inverse at `distance` scales from each component."""
    logits, locs, log_scales = np.array(components, np.float32).T
    x = np.sort(locs + distance * np.exp(log_scales))
    value, log_derivative = oracle(x, logits, locs, log_scales)
    bijector = MixLogCDF(logits, locs, log_scales)
    y = bijector.forward(x).numpy()
    # A rounding of x moves z by eps |x| / scale.
    slack = 4 * np.finfo(np.float32).eps * (np.max(np.abs(x)) + 20) * np.exp(-log_scales.min())
    np.testing.assert_allclose(y, value, rtol=1e-5, atol=1e-4 + slack)
    log_det = bijector.forward_log_det_jacobian(x, event_ndims=0).numpy()
    np.testing.assert_allclose(log_det, log_derivative, rtol=1e-5, atol=1e-3 + slack)
    assert np.all(np.diff(y) >= -(1e-5 * (1 + np.abs(y[1:])) + slack))
    found = bijector.inverse(tf.constant(y)).numpy()
    np.testing.assert_allclose(
        oracle(found, logits, locs, log_scales)[0], y, rtol=1e-5, atol=1e-4 + slack
    )


def test_errors():
    with pytest.raises(ValueError, match="same number of components"):
        MixLogCDF([0.0, 1.0], [0.0, 1.0, 2.0], [0.0, 1.0])


def test_it_passes_through_functions_as_a_composite_tensor():
    values = [[0.0, 1.0], [-1.0, 2.0], [0.0, -1.0]]
    point = tf.constant([0.3, -2.0])
    expected = MixLogCDF(*values).inverse(point)

    @tf.function(autograph=False)
    def make(*parameters):
        bijector = MixLogCDF(*parameters)
        normal = tfd.Normal(0.0, 1.0)
        return (
            bijector,
            tfp.bijectors.Chain([tfp.bijectors.Shift(1.0), bijector]),
            normal_of(bijector, normal),
        )

    def normal_of(bijector, normal):
        return tfd.TransformedDistribution(normal, tfp.bijectors.Invert(bijector))

    alone, chain, density = make(*map(tf.constant, values))
    np.testing.assert_allclose(alone.inverse(point), expected, rtol=1e-6)
    np.testing.assert_allclose(chain.inverse(point + 1), expected, rtol=1e-5)
    log_det = alone.forward_log_det_jacobian(point)
    log_prob = tfd.Normal(0.0, 1.0).log_prob(alone.forward(point)) + log_det
    np.testing.assert_allclose(density.log_prob(point), log_prob, rtol=1e-5)
    variables = [tf.Variable(value) for value in values]
    held = MixLogCDF(*variables)
    assert len(normal_of(held, tfd.Normal(0.0, 1.0)).trainable_variables) == 3

    @tf.function(autograph=False)
    def use(bijector):
        return bijector.inverse(point)

    np.testing.assert_allclose(use(held), expected, rtol=1e-6)
    variables[1].assign_add([1.0, 1.0])
    np.testing.assert_allclose(use(held), held.inverse(point), rtol=1e-6)
