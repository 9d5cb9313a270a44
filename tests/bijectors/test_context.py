"""Couplings with a condition: values, derivatives, one network call, the cache, errors."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors import ChannelSplit, CheckerboardSplit, Coupling, MixLogCDFCoupling
from tfp_ebm.bijectors.context import with_context
from tfp_ebm.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions

RNG = np.random.default_rng(0)


class Linear(tf.Module):
    """A network that is a matrix, and counts its calls."""

    def __init__(self, num_inputs, num_outputs):
        super().__init__()
        self.matrix = tf.Variable(0.5 * RNG.normal(size=[num_inputs, num_outputs]))
        self.num_calls = 0

    def __call__(self, x):
        self.num_calls += 1
        return tf.tensordot(x, self.matrix, 1)


def affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))


def make_coupling():
    """Of vectors of five: three entries seen with two of a condition, two moved."""
    return Coupling(ChannelSplit(event_rank=1), affine, Linear(3 + 2, 4), num_context=2)


def by_hand(coupling, x, condition):
    shape = np.broadcast_shapes(x.shape[:-1], condition.shape[:-1])
    condition = np.broadcast_to(condition, (*shape, 2))
    seen = np.concatenate([x[..., :3], condition], axis=-1)
    shift, log_scale = np.split(seen @ coupling.conditioner.matrix.numpy(), 2, axis=-1)
    return np.concatenate([x[..., :3], x[..., 3:] * np.exp(log_scale) + shift], axis=-1), log_scale


@pytest.mark.parametrize("leading", [(), (4,), (1,), (3, 1), (3, 4)])
def test_values_and_log_determinants(leading):
    coupling, x = make_coupling(), RNG.normal(size=[3, 4, 5])
    condition = tf.constant(RNG.normal(size=[*leading, 2]))
    y, log_scale = by_hand(coupling, x, condition.numpy())
    np.testing.assert_allclose(coupling.forward(x, condition=condition), y, rtol=1e-12)
    log_det = coupling.forward_log_det_jacobian(x, event_ndims=1, condition=condition)
    np.testing.assert_allclose(log_det, log_scale.sum(-1), rtol=1e-12)
    inverse = coupling.inverse(y, condition=condition)
    np.testing.assert_allclose(inverse, x, rtol=1e-9, atol=1e-12)
    inverse_log_det = coupling.inverse_log_det_jacobian(y, 1, condition=condition)
    np.testing.assert_allclose(inverse_log_det, -log_scale.sum(-1), rtol=1e-9)


def test_every_position_of_an_image_sees_the_condition():
    condition = RNG.normal(size=[7, 1, 3])
    image = RNG.normal(size=[7, 5, 4, 6, 2])
    seen = with_context(tf.constant(image), tf.constant(condition), 3, 3, "coupling")
    expected = np.broadcast_to(condition[:, :, None, None], [7, 5, 4, 6, 3])
    np.testing.assert_array_equal(seen, np.concatenate([image, expected], axis=-1))


@pytest.mark.parametrize("split", [ChannelSplit(swap=True), CheckerboardSplit(), tfb.Split(2)])
def test_images_by_autodiff(split):
    channels, per_entry = (1 if isinstance(split, ChannelSplit | tfb.Split) else 2), 2 + 3 * 2
    network = Linear(channels + 2, channels * per_entry)
    coupling = MixLogCDFCoupling(split, network, num_components=2, num_context=2)
    condition, x = tf.constant(RNG.normal(size=[1, 2])), tf.constant(RNG.normal(size=[1, 2, 4, 2]))
    if isinstance(split, tfb.Split):  # Whose events are the last axis alone.
        condition = condition[:, tf.newaxis]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = coupling.forward(x, condition=condition)
    jacobian = tape.jacobian(y, x, experimental_use_pfor=False).numpy().reshape(16, 16)
    log_det = coupling.forward_log_det_jacobian(x, event_ndims=3, condition=condition)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)
    again = coupling.inverse(tf.identity(y), condition=condition)
    np.testing.assert_allclose(again, x, atol=1e-9)
    assert not np.allclose(coupling.forward(x, condition=condition + 1), y)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_conditions_of_one_event_do_not_share_what_is_cached(wrap):
    coupling, x = make_coupling(), tf.constant(RNG.normal(size=[3, 5]))
    conditions = [tf.constant([0.0, 1.0], x.dtype), tf.constant([1.0, 0.0], x.dtype)]

    @wrap
    def both(x, first, second):
        found = []
        for condition in (first, second):
            y = coupling.forward(x, condition=condition)
            found += [y, coupling.inverse_log_det_jacobian(y, 1, condition=condition)]
            found += [coupling.inverse(y, condition=second)]
        return found

    found = both(x, *conditions)
    for index, condition in enumerate(conditions):
        y, log_scale = by_hand(coupling, x.numpy(), condition.numpy())
        np.testing.assert_allclose(found[3 * index], y, rtol=1e-12)
        np.testing.assert_allclose(found[3 * index + 1], -log_scale.sum(-1), rtol=1e-12)
    assert not np.allclose(found[2], x)  # Of another condition than it was made with.
    np.testing.assert_allclose(found[5], x)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_one_network_call_through_a_chain_and_a_flow(wrap):
    couplings = [make_coupling() for _ in range(2)]
    chain = tfb.Chain([couplings[0], tfb.Scale(tf.constant(2.0, tf.float64)), couplings[1]])
    flow = tfd.TransformedDistribution(
        tfd.MultivariateNormalDiag(tf.zeros(5, tf.float64)), tfb.Invert(chain)
    )
    condition = tf.constant(RNG.normal(size=[3, 2]))
    kwargs = {"bijector_kwargs": {"coupling": {"condition": condition}}}
    x = RNG.normal(size=[3, 5])
    log_prob = wrap(lambda x: flow.log_prob(x, **kwargs))(tf.constant(x))
    assert [coupling.conditioner.num_calls for coupling in couplings] == [1, 1]
    y, log_det = by_hand(couplings[1], x, condition.numpy())
    z, last = by_hand(couplings[0], 2 * y, condition.numpy())
    expected = -0.5 * (z**2).sum(-1) - 2.5 * np.log(2 * np.pi) + 5 * np.log(2)
    np.testing.assert_allclose(log_prob, expected + (log_det + last).sum(-1), rtol=1e-10)
    wrap(lambda: flow.sample(3, seed=(0, 1), **kwargs))()
    assert [coupling.conditioner.num_calls for coupling in couplings] == [2, 2]


@pytest.mark.parametrize(
    ("num_context", "condition", "error", "message"),
    [
        (2, None, TypeError, "missing 1 required argument: `condition`, of shape \\[..., 2\\]"),
        (2, tf.zeros([3]), ValueError, "must have shape \\[..., 2\\], got shape \\(3,\\)"),
        (2, tf.zeros([]), ValueError, "must have shape \\[..., 2\\], got shape \\(\\)"),
        (2, tf.zeros([5, 2]), ValueError, "must broadcast against the leading axes \\(4,\\)"),
        (2, tf.zeros([1, 4, 2]), ValueError, "must broadcast against the leading axes"),
        (2, tf.zeros([2], tf.float64), TypeError, "dtype of the data, float32, got float64"),
        (2, tf.zeros([2], tf.int32), TypeError, "by `tf.one_hot`"),
        (0, tf.zeros([2]), TypeError, "`coupling` takes no `condition`: make it with"),
    ],
)
def test_conditions_that_do_not_fit(num_context, condition, error, message):
    network = MLP(3 + num_context, 4, [2])
    coupling = Coupling(ChannelSplit(event_rank=1), affine, network, num_context=num_context)
    with pytest.raises(error, match=message):
        coupling.forward(tf.zeros([4, 5]), condition=condition)


def test_a_condition_needs_a_network_to_see_it():
    with pytest.raises(ValueError, match="`num_context` needs a `conditioner`"):
        Coupling(ChannelSplit(event_rank=1), tfb.Shift, num_context=2)
    with pytest.raises(ValueError, match="`num_context` must be an integer of at least 0"):
        Coupling(ChannelSplit(event_rank=1), tfb.Shift, MLP(3, 2, [2]), num_context=-1)


def test_copies_keep_the_size_of_the_condition():
    coupling = make_coupling()
    assert coupling.copy().num_context == coupling.num_context == 2
