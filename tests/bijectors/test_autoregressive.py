import numpy as np
import pytest
import tensorflow as tf

from tests import registry
from tfp_ebm.bijectors import Autoregressive
from tfp_ebm.networks import MLP, MaskedMLP

test_conformance = registry.conformance("Autoregressive")

X = np.random.default_rng(0).normal(size=[4, 3])


def conditional():
    network = MaskedMLP(3, 2, [7], "tanh", num_context=2, dtype=tf.float64)
    return Autoregressive(network, registry.affine_entries, num_context=2)


def test_every_method_sees_the_condition():
    flow = conditional()
    one, other = (tf.constant(row) for row in np.eye(2))
    x = flow.inverse(X, condition=one).numpy()
    assert np.all(x != flow.inverse(X, condition=other))
    np.testing.assert_allclose(flow.forward(tf.constant(x), condition=one), X, rtol=1e-10)
    log_det = flow.inverse_log_det_jacobian(X + 0, 1, condition=one)
    _, log_scale = tf.unstack(flow.conditioner(np.hstack([X, np.tile(one, [4, 1])])), axis=-1)
    np.testing.assert_allclose(log_det, -np.tanh(log_scale).sum(-1), rtol=1e-10)


def test_errors():
    with pytest.raises(TypeError, match="missing 1 required argument: `condition`"):
        conditional().inverse(X)
    with pytest.raises(ValueError, match=r"`condition` must have shape \[..., 2\]"):
        conditional().inverse(X, condition=tf.zeros([5], tf.float64))
    with pytest.raises(TypeError, match="`bijector_fn` must be callable"):
        Autoregressive(MaskedMLP(3, 2), None)
    network = MLP(3, 2)
    with pytest.raises(ValueError, match="plain function that holds a"):
        Autoregressive(lambda x: network(x), registry.affine_entries)
