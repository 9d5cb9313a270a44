"""Couplings of several parts, against the equations of the book in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors, networks

tfb = tfp.bijectors
test_conformance = registry.conformance("GeneralCoupling")
LEVELS = np.random.default_rng(0).integers(0, 17, [20, 8]).astype(np.float32)


def test_the_bipartite_coupling_is_equation_3_36():
    network = networks.MLP(4, 4, [8])
    coupling = bijectors.GeneralCoupling(tfb.Split(2), [None, network])
    first, second = np.split(LEVELS, 2, axis=1)
    expected = np.concatenate([first, second + np.round(network(first))], axis=1)
    np.testing.assert_array_equal(coupling.forward(LEVELS), expected)


def test_the_quadripartite_coupling_is_equations_3_37_to_3_40():
    t = [networks.MLP(6, 2, [8]) for _ in range(4)]
    coupling = bijectors.GeneralCoupling(tfb.Split(4), t)
    a, b, c, d = np.split(LEVELS, 4, axis=1)
    a = a + np.round(t[0](np.concatenate([b, c, d], axis=1)))
    b = b + np.round(t[1](np.concatenate([a, c, d], axis=1)))
    c = c + np.round(t[2](np.concatenate([a, b, d], axis=1)))
    d = d + np.round(t[3](np.concatenate([a, b, c], axis=1)))
    expected = np.concatenate([a, b, c, d], axis=1)
    np.testing.assert_array_equal(coupling.forward(LEVELS), expected)
    np.testing.assert_array_equal(coupling.inverse(tf.constant(expected)), LEVELS)


def test_the_general_form_takes_operations_of_ones_own():
    # Whole numbers under "add and flip the sign", and multiplication by a sign.
    flip = bijectors.InvertibleOperation(lambda x, t: -(x + t), lambda y, t: -y - t)
    sign = bijectors.InvertibleOperation(lambda x, t: x * t, lambda y, t: y * t)

    def f(others):
        return tf.round(tf.reduce_sum(others, axis=-1, keepdims=True) / 3)

    def g(before):
        return 1 - 2 * tf.math.floormod(tf.reduce_sum(before, axis=-1, keepdims=True), 2)

    coupling = bijectors.GeneralCoupling(
        tfb.Split(3), [f, f, None], flip, [None, g, g], sign, validate_args=True
    )
    x = LEVELS[:, :3]
    y = coupling.forward(x).numpy()
    first = -(x[:, :1] + np.asarray(f(x[:, 1:])))
    others = np.concatenate([first, x[:, 2:]], axis=1)
    second = -(x[:, 1:2] * np.asarray(g(first)) + np.asarray(f(others)))
    third = x[:, 2:] * np.asarray(g(np.concatenate([first, second], axis=1)))
    np.testing.assert_array_equal(y, np.concatenate([first, second, third], axis=1))
    np.testing.assert_array_equal(coupling.inverse(tf.constant(y)), x)


def test_the_log_determinant_is_exactly_zero():
    coupling = bijectors.GeneralCoupling(tfb.Split(2), [None, networks.MLP(4, 4)])
    for log_det in (
        coupling.forward_log_det_jacobian(LEVELS, event_ndims=1),
        coupling.inverse_log_det_jacobian(LEVELS, event_ndims=1),
    ):
        assert np.all(log_det.numpy() == 0.0)


class _Counted(tf.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x


def test_a_density_calls_every_function_once():
    counted = _Counted()
    coupling = bijectors.GeneralCoupling(tfb.Split(2), [None, counted])
    base = tfp.distributions.Sample(tfp.distributions.Logistic(0.0, 1.0), [8])
    tfp.distributions.TransformedDistribution(base, tfb.Invert(coupling)).log_prob(LEVELS)
    assert counted.calls == 1


def test_what_does_not_fit_is_refused():
    network = networks.MLP(4, 4)
    with pytest.raises(ValueError, match=r"entry for each of the 2 parts.*got 1"):
        bijectors.GeneralCoupling(tfb.Split(2), [network])
    with pytest.raises(ValueError, match="`inner_functions` must start with None"):
        bijectors.GeneralCoupling(tfb.Split(2), [None, None], inner_functions=[network, None])
    with pytest.raises(TypeError, match="`operation` must be an InvertibleOperation"):
        bijectors.GeneralCoupling(tfb.Split(2), [None, network], operation=tf.add)
    with pytest.raises(ValueError, match="would silently not train"):
        bijectors.GeneralCoupling(tfb.Split(2), [None, lambda x: network(x)])
    with pytest.raises(TypeError, match="`split` must be a multipart bijector"):
        bijectors.GeneralCoupling(2, [None, network])
