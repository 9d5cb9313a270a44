"""Integer flows: permutations of whole images."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.flows.integer_flow import image_of_parts, integer_flow, integer_part_shapes
from tfp_ebm.testing.conformance import randomize

SMALL = {"num_steps": 1, "num_filters": 4, "num_blocks": 0, "hidden_units": (5,), "rezero": False}


def _shaken(shape, levels, **options):
    flow = integer_flow(shape, levels, **{**SMALL, **options})
    randomize(flow, 0.5)
    return flow


@pytest.mark.parametrize("coupling", ["bipartite", "quadripartite"])
@pytest.mark.parametrize(("shape", "scales"), [((2, 2, 1), 0), ((2, 2, 1), 1), ((4,), None)])
def test_it_permutes_all_images(coupling, shape, scales):
    flow = _shaken(shape, 4, coupling=coupling, num_scales=scales)
    images = np.array(list(itertools.product(range(4), repeat=4)), np.float32)
    z = flow.inverse(tf.constant(images.reshape([-1, *shape]))).numpy()
    assert len({tuple(row) for row in z}) == 256 and z.min() >= 0 and z.max() <= 3
    assert np.any(z != images)
    np.testing.assert_array_equal(z, np.round(z))
    np.testing.assert_array_equal(flow.forward(tf.constant(z)), images.reshape([-1, *shape]))


@pytest.mark.parametrize("coupling", ["bipartite", "quadripartite"])
def test_the_log_determinant_is_exactly_zero(coupling):
    flow = _shaken((4, 4, 3), 17, coupling=coupling)
    x = tf.constant(np.random.default_rng(0).integers(0, 17, [3, 4, 4, 3]), tf.float32)
    assert np.all(flow.inverse_log_det_jacobian(x, event_ndims=3).numpy() == 0.0)
    assert np.all(flow.forward_log_det_jacobian(flow.inverse(x), event_ndims=1).numpy() == 0.0)


def test_every_variable_learns():
    flow = _shaken((4, 4, 1), 17, num_blocks=1, num_steps=2, rezero=True)
    x = tf.constant(np.random.default_rng(0).integers(0, 17, [9, 4, 4, 1]), tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.sin(flow.inverse(x)))
    gradients = tape.gradient(total, flow.trainable_variables)
    assert gradients and all(np.any(gradient != 0) for gradient in gradients)


def test_it_starts_as_the_identity():
    flow = integer_flow((4, 4, 1), 17, num_steps=2, num_filters=4)
    x = np.random.default_rng(0).integers(0, 17, [3, 4, 4, 1]).astype(np.float32)
    z = flow.inverse(tf.constant(x))
    shapes = integer_part_shapes((4, 4, 1))
    assert shapes == [(1, 1, 1), (1, 1, 1), (1, 1, 2), (2, 2, 1), (2, 2, 2)]
    np.testing.assert_array_equal(image_of_parts(z[:, :4], shapes[:4]), x[:, ::2, ::2])
    np.testing.assert_array_equal(z[:, 4:8], x[:, 1::2, 1::2].reshape(3, 4))
    both = np.concatenate([x[:, ::2, 1::2], x[:, 1::2, ::2]], axis=-1)
    np.testing.assert_array_equal(z[:, 8:], both.reshape(3, 8))


def test_entries_without_levels_are_shifted_only():
    flow = _shaken((3,), [None, 5, None], num_scales=None)
    x = tf.constant([[1e6, 3.0, -7.0], [-5.0, 0.0, 0.0]])
    z = flow.inverse(x)
    assert np.all((z[:, 1] >= 0) & (z[:, 1] < 5))
    np.testing.assert_array_equal(flow.forward(z + 0), x)


def test_a_single_entry_stays():
    flow = integer_flow((1,), [None])
    np.testing.assert_array_equal(flow.inverse(tf.constant([[3.0]])), [[3.0]])
    assert not flow.trainable_variables


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((6, 6, 1), {"num_scales": 2}, "multiples of 4 for 2 scales.*take 1 scales"),
        ((6,), {"num_scales": 2}, "`num_scales` is for images"),
        ((6, 6, 1), {"coupling": "tripartite"}, "`coupling` must be one of"),
        ((6, 6, 1), {"num_steps": -1}, "`num_steps` must be an integer"),
    ],
)
def test_what_does_not_fit_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        integer_flow(shape, 17, **options)
