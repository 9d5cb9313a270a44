import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.bijectors import MonotoneSpline
from tfp_ebm.flows.entry_maps import EntryMap

KINDS = ("affine", "gated", "mixture", "spline")


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_make_an_increasing_map_of_each_entry(kind):
    entry_map = EntryMap(kind, 3, 2)
    rng = np.random.default_rng(0)
    parameters = tf.constant(rng.normal(size=[5, 1, entry_map.num_parameters]))
    x = np.linspace(-3, 3, 50)
    bijector = entry_map(parameters)
    y = bijector.forward(x).numpy()
    assert y.shape == (5, 50) and np.all(np.diff(y) > 0)
    slope = np.exp(bijector.forward_log_det_jacobian(x, event_ndims=0) + 0 * y)
    np.testing.assert_allclose(np.gradient(y, x, axis=1)[:, 1:-1], slope[:, 1:-1], rtol=0.2)
    inverse = entry_map.inverted(parameters).forward(tf.constant(y))
    np.testing.assert_allclose(inverse, np.broadcast_to(x, [5, 50]), atol=1e-9)


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_zero_is_the_identity(kind):
    entry_map = EntryMap(kind)
    x = np.linspace(-6, 6, 7)
    zeros = tf.zeros([7, entry_map.num_parameters], tf.float64)
    np.testing.assert_allclose(entry_map(zeros).forward(x), x, atol=1e-12)


def test_the_formulas():
    shift, raw, x = np.array([0.5, -2.0]), np.array([0.3, 60.0]), np.array([1.5, 0.2])
    parameters = np.stack([shift, raw], axis=-1)
    limit = 2 / np.pi * np.log(5.0)
    expected = np.exp(limit * np.arctan(raw / limit)) * x + shift
    np.testing.assert_allclose(EntryMap("affine")(parameters).forward(x), expected, rtol=1e-12)
    sigma = 1 / (1 + np.exp(-raw))
    gated = EntryMap("gated")(parameters).forward(x)
    np.testing.assert_allclose(gated, sigma * x + (1 - sigma) * shift, rtol=1e-12)
    spline = EntryMap("spline", 2, bound=3.0)(tf.ones([2, 5], tf.float64))
    assert isinstance(spline, MonotoneSpline) and spline.bound == 3.0


def test_where_they_start():
    starts = {kind: EntryMap(kind).first_parameters for kind in KINDS}
    assert starts == {"affine": None, "gated": [0.0, 2.0], "mixture": None, "spline": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "cubic"}, "`transform` must be one of affine, gated, mixture, spline"),
        ({"num_bins": 1}, "`num_bins` must be an integer of at least 2, got 1"),
        ({"num_components": 0}, "`num_components` must be an integer of at least 1, got 0"),
        ({"bound": 0.0}, "`bound` must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        EntryMap(**options)
