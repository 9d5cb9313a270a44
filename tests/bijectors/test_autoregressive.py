import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.bijectors import Autoregressive
from tfp_ebm.networks import MLP, MaskedMLP
from tfp_ebm.testing.conformance import randomize

tfb = tfp.bijectors

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


@pytest.mark.parametrize("num_context", [0, 2])
def test_forward_step_by_step_is_that_of_all_calls(num_context):
    """Of the loop of TensorFlow Probability, which a plain function takes."""
    network = MaskedMLP(3, 2, [7, 5], "tanh", num_context=num_context, dtype=tf.float64)
    randomize(network, 0.5)
    flow = Autoregressive(network, registry.affine_entries, num_context)
    given = {"condition": tf.constant([0.3, -1.2], tf.float64)} if num_context else {}
    points = np.random.default_rng(1).normal(size=[2, 5, 3])

    def values(flow):
        x = tf.identity(points)  # Or the cache would know the answer.
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = flow.forward(x, **given)
        log_det = flow.forward_log_det_jacobian(x, event_ndims=1, **given)
        return y, log_det, *tape.gradient(y, [x, network.trainable_variables[0]])

    calls = []
    fast = values(flow)

    def plain(seen):
        calls.append(None)
        return network(seen)

    flow._conditioner = plain
    slow = values(flow)
    assert len(calls) == 3 + 1
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_a_flow_equals_none_but_itself():
    flow = conditional()
    assert flow == flow and flow != flow.copy() and len({flow, flow.copy()}) == 2


def test_errors():
    with pytest.raises(TypeError, match="missing 1 required argument: `condition`"):
        conditional().inverse(X)
    with pytest.raises(ValueError, match=r"`condition` must have shape \[..., 2\]"):
        conditional().inverse(X, condition=tf.zeros([5], tf.float64))
    with pytest.raises(TypeError, match="`bijector_fn` must be callable"):
        Autoregressive(MaskedMLP(3, 2), None)
    scales = tf.constant([1.0, 2.0, 3.0], tf.float64)
    of_all = Autoregressive(MaskedMLP(3, 1, [5], dtype=tf.float64), lambda p: tfb.Scale(scales))
    with pytest.raises(ValueError, match=r"map of an entry from the parameters .* it maps 3"):
        of_all.forward(X)
    network = MLP(3, 2)
    with pytest.raises(ValueError, match="plain function that holds a"):
        Autoregressive(lambda x: network(x), registry.affine_entries)
