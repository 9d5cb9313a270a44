import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.bijectors import MonotoneSpline

test_conformance = registry.conformance("MonotoneSpline")

RNG = np.random.default_rng(0)


def oracle(x, unconstrained, bound):
    """The spline of Durkan et al., equations 4 and 5, one entry at a time."""
    count = (len(unconstrained) + 1) // 3
    width, slope, knot = np.split(unconstrained, [count, 2 * count])
    share = 0.1 / count + 0.9 * np.exp(width) / np.exp(width).sum()
    rise = share * 5 ** np.tanh(slope / np.log(5))
    rise = rise / rise.sum()
    knots_x = bound * (2 * np.concatenate([[0], share.cumsum()]) - 1)
    knots_y = bound * (2 * np.concatenate([[0], rise.cumsum()]) - 1)
    ratio = rise / share
    inner = np.sqrt(ratio[1:] * ratio[:-1]) * 3 ** np.tanh(knot / np.log(3))
    slopes = np.concatenate([[1], inner, [1]])
    k = np.searchsorted(knots_x, x) - 1
    s, t = ratio[k], (x - knots_x[k]) / (knots_x[k + 1] - knots_x[k])
    denominator = s + (slopes[k] + slopes[k + 1] - 2 * s) * t * (1 - t)
    height = knots_y[k + 1] - knots_y[k]
    return knots_y[k] + height * (s * t**2 + slopes[k] * t * (1 - t)) / denominator


@pytest.mark.parametrize("bound", [4.0, 0.7])
def test_against_the_formula(bound):
    unconstrained = 2 * RNG.normal(size=[50, 11])
    x = bound * RNG.uniform(-1, 1, size=50)
    expected = [oracle(*pair, bound) for pair in zip(x, unconstrained, strict=True)]
    spline = MonotoneSpline(unconstrained, bound)
    assert spline.num_bins == 4 and spline.bound == bound
    np.testing.assert_allclose(spline.forward(x), expected, atol=1e-12)


@pytest.mark.parametrize("shapes", [([11], [40]), ([3, 1, 11], [5]), ([2, 11], [7, 2])])
def test_against_the_spline_of_tensorflow_probability(shapes):
    unconstrained, x = RNG.normal(size=shapes[0]), RNG.uniform(-2.2, 2.2, size=shapes[1])
    width, slope, knot = np.split(unconstrained, [4, 8], axis=-1)
    share = 0.025 + 0.9 * np.exp(width) / np.exp(width).sum(-1, keepdims=True)
    rise = share * 5 ** np.tanh(slope / np.log(5))
    rise = rise / rise.sum(-1, keepdims=True)
    beside = np.sqrt((rise / share)[..., 1:] * (rise / share)[..., :-1])
    theirs = tfp.bijectors.RationalQuadraticSpline(
        4 * share, 4 * rise, beside * 3 ** np.tanh(knot / np.log(3)), np.float64(-2)
    )
    ours = MonotoneSpline(unconstrained, 2.0)
    for method in ("forward", "inverse"):
        own, other = getattr(ours, method)(x), getattr(theirs, method)(x)
        np.testing.assert_allclose(own, other, atol=1e-12)
        log_det = f"{method}_log_det_jacobian"
        own, other = getattr(ours, log_det)(x + 0, 0), getattr(theirs, log_det)(x + 0, 0)
        np.testing.assert_allclose(own, other, atol=1e-11)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_determinants_by_autodiff(direction):
    spline = MonotoneSpline(tf.constant(2 * RNG.normal(size=[40, 11])), 3.0)
    x = tf.constant(RNG.uniform(-3.2, 3.2, size=40))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = getattr(spline, direction)(x)
    log_det = getattr(spline, f"{direction}_log_det_jacobian")(x + 0, event_ndims=0)
    np.testing.assert_allclose(log_det, np.log(tape.gradient(y, x)), atol=1e-9)
    assert spline.forward_log_det_jacobian(x + 0, event_ndims=1).shape == ()


def test_zero_is_the_identity_and_so_is_what_lies_outside():
    x = np.array([-3.9, 0.2, 3.0])
    spline = MonotoneSpline(np.zeros([11]))
    np.testing.assert_allclose(spline.forward(x), x, atol=1e-12)
    np.testing.assert_allclose(spline.forward_log_det_jacobian(x, 0), 0, atol=1e-12)
    far = tf.constant([-1e30, -4.0, 4.0, 1e30, np.inf])
    wild = MonotoneSpline(RNG.normal(size=[11]).astype(np.float32))
    np.testing.assert_array_equal(wild.forward(far), far)
    np.testing.assert_array_equal(wild.inverse(far), far)
    np.testing.assert_array_equal(wild.forward_log_det_jacobian(far, 0), np.zeros(5))
    with tf.GradientTape() as tape:
        tape.watch(far)
        y = wild.forward(far)
    np.testing.assert_array_equal(tape.gradient(y, far), np.ones(5))
    assert np.isnan(wild.forward(np.float32(np.nan)))


@pytest.mark.parametrize("num_bins", [2, 8, 32])
@pytest.mark.parametrize("scale", [1, 4, 100])
def test_float32_round_trips_whatever_the_parameters(num_bins, scale):
    unconstrained = scale * RNG.normal(size=[20_000, 3 * num_bins - 1]).astype(np.float32)
    x = RNG.uniform(-4, 4, size=20_000).astype(np.float32)
    spline = MonotoneSpline(unconstrained)
    for one, back in ((spline.forward, spline.inverse), (spline.inverse, spline.forward)):
        np.testing.assert_allclose(back(tf.identity(one(x))), x, atol=1e-4)
    log_slope = spline.forward_log_det_jacobian(x, event_ndims=0)
    assert np.log(1e-3) < np.min(log_slope) and np.max(log_slope) < np.log(1e2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MonotoneSpline(np.zeros([4, 7])), r"size 3 K - 1 .* got shape \(4, 7\)"),
        (lambda: MonotoneSpline(np.zeros([2])), "for K >= 2 bins"),
        (lambda: MonotoneSpline(np.float64(1)), r"got shape \(\)"),
        (lambda: MonotoneSpline(np.zeros([5]), bound=0.0), "`bound` must be a finite number above"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
