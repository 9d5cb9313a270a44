import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors.test_mix_log_cdf import oracle, parameters
from tests.bijectors.test_mixture_logistic import modes, slow
from tfp_ebm.bijectors import MixLogCDF, mixture_logistic_inverse
from tfp_ebm.bijectors.mixture_logistic_inverse import solve_logit_cdf
from tfp_ebm.testing.derivatives import check_derivatives

named = ([0.2, -0.5, 0.1], [-1.0, 0.5, 2.0], [0.0, -1.0, -0.5])


def random_mixtures(size, components, log_scale, spread, dtype, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.choice([1, 4], size=[size, 1]) * rng.normal(size=[size, components])
    locs = rng.normal(size=[size, 1]) + spread * rng.normal(size=[size, components])
    mean, deviation = log_scale
    log_scales = mean + deviation * rng.normal(size=[size, components])
    return [part.astype(dtype) for part in (logits, locs, log_scales)]


def targets(kind, logits, locs, log_scales, seed=1):
    """Values of points anywhere between the components, which may be flat, or tails."""
    rng = np.random.default_rng(seed)
    if kind == "tails":
        return rng.uniform(-80, 80, size=len(locs)).astype(locs.dtype)
    x = rng.uniform(locs.min(-1), locs.max(-1))
    return np.clip(oracle(x, logits, locs, np.maximum(log_scales, -7))[0], -58, 58).astype(
        locs.dtype
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["between", "tails"])
@pytest.mark.parametrize("log_scale", [(-2, 2), (0, 1), (-4, 1.5)])
@pytest.mark.parametrize(("spread", "components"), [(1e-3, 10), (3.0, 1), (3.0, 4), (50.0, 32)])
def test_no_root_is_missed(dtype, kind, log_scale, spread, components):
    """The residual is of rounding, or of the rounding of x itself, however flat or steep it is."""
    given = random_mixtures(800, components, log_scale, spread, dtype)
    y = targets(kind, *given)
    x = solve_logit_cdf(*(tf.constant(part) for part in (y, *given))).numpy()
    value, log_derivative = oracle(x, given[0], given[1], np.maximum(given[2], -7))
    attainable = np.spacing(np.abs(x)) * np.exp(log_derivative)
    attainable += 4 * np.finfo(dtype).eps * (1 + np.abs(y))
    assert np.max(np.abs(value - y) / attainable) < 8


def test_named_root_beside_a_flat_stretch():
    given = (
        [0.426, 0.27, -0.962, -0.083],
        [2.274, -0.8, -5.655, 0.564],
        [-1.648, -2.041, -2.24, -2.024],
    )
    bijector = MixLogCDF(*(np.float32(part) for part in given))
    y = bijector.forward(np.float32(-2.625))
    np.testing.assert_allclose(bijector.residual(y), 0.0, atol=1e-5)


def test_named_root_that_steps_of_newton_alone_circle(monkeypatch):
    """A steep piece within two wider ones: every step stays in the bracket, and none is nearer."""
    monkeypatch.setattr(mixture_logistic_inverse, "_MAX_STEPS", 12)
    given = [np.array([part]) for part in ([1.1, -0.6, -2.2], [0.0, -0.1, 0.1], [2.0, -1.0, -4.0])]
    x = solve_logit_cdf(*(tf.constant(part) for part in (np.array([0.1]), *given)))
    np.testing.assert_allclose(oracle(x, *given)[0], 0.1, rtol=1e-12)


def test_more_elements_left_than_are_put_aside(monkeypatch):
    """Out of steps, an element keeps its own x and takes no other's."""
    monkeypatch.setattr(mixture_logistic_inverse, "_MAX_STEPS", 2)
    given = random_mixtures(40, 4, (-2, 1), 3.0, np.float64)
    y = targets("between", *given)
    order = np.argsort(y)
    x = solve_logit_cdf(*(tf.constant(part[order]) for part in (y, *given)))
    ends = [function(given[1] + np.exp(given[2]) * y[:, None], -1) for function in (np.min, np.max)]
    assert np.all((ends[0][order] <= x + 1e-9) & (x <= ends[1][order] + 1e-9))


def test_targets_that_are_no_number_end_at_once():
    given = [tf.constant([part]) for part in named]
    y = tf.constant([np.nan])
    assert np.isnan(solve_logit_cdf(y, *given).numpy()[0])


def test_log_determinant_belongs_to_the_x_returned():
    """In float32 the x of a narrow component is a rounded one."""
    given = random_mixtures(300, 4, (-5, 1), 3.0, np.float32)
    y = tf.constant(targets("between", *given))
    bijector = MixLogCDF(*given)
    x, log_det = bijector.inverse(y), bijector.inverse_log_det_jacobian(y, event_ndims=0)
    other = MixLogCDF(*given).forward_log_det_jacobian(tf.identity(x), event_ndims=0)
    np.testing.assert_array_equal(log_det, -other)


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("graph", marks=slow), pytest.param("XLA", marks=slow)]
)
def test_second_derivative_of_a_named_root(mode):
    def derivatives(y):
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch(y)
                x = MixLogCDF(*(tf.constant(part, tf.float64) for part in named)).inverse(y)
            first = inner.gradient(x, y)
        return outer.gradient(first, y)

    second = modes[mode](derivatives)(tf.constant(0.7, tf.float64))
    np.testing.assert_allclose(second, -0.17182554, atol=1e-8)


def log_det_and_root(y, *given):
    bijector = MixLogCDF(*given)
    return tf.sin(bijector.inverse(y)) + bijector.inverse_log_det_jacobian(y, event_ndims=0) ** 2


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("graph", marks=slow), pytest.param("XLA", marks=slow)]
)
def test_second_derivatives_in_y_and_every_parameter(mode):
    given = [tf.constant(part) for part in parameters(size=3, components=4)]
    y = tf.constant([-2.0, 0.3, 5.0], tf.float64)
    check_derivatives(modes[mode](log_det_and_root), [y, *given], [], "the inverse")


def test_second_derivatives_of_logits_that_no_probability_holds():
    given = [tf.constant(part) for part in parameters(size=2, components=4)]
    y = tf.constant([-800.0, 900.0], tf.float64)

    def function(y, *given):
        bijector = MixLogCDF(*given)
        return bijector.inverse(y) + bijector.inverse_log_det_jacobian(y, event_ndims=0) ** 2

    check_derivatives(function, [y, *given], [], "the inverse")


def test_third_derivative():
    given = [tf.constant(part, tf.float64) for part in named]

    def second(y):
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch(y)
                x = MixLogCDF(*given).inverse(y)
            slope = inner.gradient(x, y)
        return outer.gradient(slope, y)

    y = tf.constant(0.7, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = second(y)
    expected = (second(y + 1e-4) - second(y - 1e-4)) / 2e-4
    np.testing.assert_allclose(tape.gradient(value, y), expected, rtol=1e-6)


def test_forward_mode():
    """Right where it is eager, and refused in a graph, where it would be 0."""
    y = tf.constant([0.7], tf.float64)

    def slope():
        with tf.autodiff.ForwardAccumulator(y, tf.ones_like(y)) as accumulator:
            x = MixLogCDF(*(tf.constant(part, tf.float64) for part in named)).inverse(y)
        return accumulator.jvp(x)

    np.testing.assert_allclose(slope(), 1.12742813, rtol=1e-8)
    with pytest.raises(LookupError, match=r"use `tf\.GradientTape`"):
        tf.function(slope, autograph=False)()
