import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import flows

tfd = tfp.distributions


def test_without_steps_every_pixel_goes_where_the_shapes_say():
    flow = flows.multi_scale((4, 8, 1), [lambda shape: []] * 2)
    image = np.arange(32.0).reshape(1, 4, 8, 1)
    z = flow.forward(image).numpy()[0]
    np.testing.assert_array_equal(np.sort(z), np.arange(32.0))
    shapes = flows.latent_shapes((4, 8, 1), 2)
    assert shapes == [(1, 2, 8), (2, 4, 2)]
    # The first level keeps the second half of each 2x2 block: its lower row.
    left = np.sort(z[16:])
    np.testing.assert_array_equal(left, np.arange(32.0).reshape(4, 8)[1::2].reshape(-1))


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_glow_log_determinant_by_autodiff_and_round_trip(conditional):
    flow = flows.glow(
        (4, 4, 1), 5, num_scales=2, num_steps=2, num_filters=4, conditional=conditional,
        dtype=tf.float64,
    )  # fmt: skip
    for index, variable in enumerate(flow.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=variable.dtype)
        variable.assign_add(0.1 * noise)
    x = tf.constant(np.random.default_rng(0).uniform(0.5, 4.5, size=[1, 4, 4, 1]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(16, 16)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, rtol=1e-8)


def test_glow_trains_all_its_variables():
    flow = flows.glow((4, 4, 1), 5, num_scales=2, num_steps=1, num_filters=4)
    for index, variable in enumerate(flow.trainable_variables):
        variable.assign_add(0.1 * tf.random.stateless_normal(variable.shape, (0, index)))
    density = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([16])), flow)
    x = np.random.default_rng(0).uniform(0.5, 4.5, size=[8, 4, 4, 1]).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(density.log_prob(x))
    for variable, gradient in zip(
        density.trainable_variables, tape.gradient(loss, density.trainable_variables), strict=True
    ):
        assert gradient is not None and np.any(gradient != 0), variable.name


def test_initialization_whitens_what_every_act_norm_sees():
    flow = flows.flow_plus_plus((4, 4, 1), 17, 4, 2, 1, (1, 1, 1))
    data = 17 * np.random.default_rng(0).uniform(size=[500, 4, 4, 1]).astype(np.float32)
    z = flows.initialize_from_data(flow, data)
    np.testing.assert_allclose(flow.inverse(data), z, atol=1e-4)
    chain = flow.bijector
    x = tf.constant(data)
    seen = 0
    for step in reversed(chain.bijectors):
        x = step.forward(tf.identity(x))
        if type(step).__name__ == "ActNorm":
            seen += 1
            np.testing.assert_allclose(tf.reduce_mean(x, axis=0), np.zeros(x.shape[1:]), atol=1e-4)
            np.testing.assert_allclose(
                tf.math.reduce_std(x, axis=0), np.ones(x.shape[1:]), atol=1e-3
            )
            assert bool(step.is_initialized)
    assert seen == 3


def test_initialization_of_the_layers_of_networks():
    flow = flows.flow_plus_plus((4, 4, 1), 17, 8, 2, 1, (1, 1, 1), num_heads=2)
    data = 17 * np.random.default_rng(0).uniform(size=[200, 4, 4, 1]).astype(np.float32)
    plain = flows.initialize_from_data(flow, data)
    z = flows.initialize_from_data(flow, data, networks=True)
    assert np.max(np.abs(z - plain)) > 1e-3
    np.testing.assert_allclose(flow.inverse(tf.constant(data)), z, atol=1e-4)
    outputs = {}

    def watch(layer, call, x):
        outputs[id(layer)] = layer, call(x)
        return outputs[id(layer)][1]

    networks = [part for part in flow.submodules if type(part).__name__ == "GatedResNet"]
    layers = [
        part
        for network in networks
        for part in network.submodules
        if type(part).__name__ in ("Conv2D", "Dense")
    ]
    for layer in layers:
        assert "call" not in vars(layer)
        layer.call = functools.partial(watch, layer, layer.call)
    flow.inverse(tf.constant(data) + 0)
    small = [network.proj_out for network in networks]
    for network in networks:
        small += [network.blocks[0].convolution.gate, network.blocks[0].attention.gate]
    assert len(outputs) == len(layers) == 3 * 6
    for layer, y in outputs.values():
        expected = 0.1 if any(layer is one for one in small) else 1.0
        axes = range(y.shape.rank - 1)
        np.testing.assert_allclose(tf.reduce_mean(y, axes), np.zeros(y.shape[-1]), atol=1e-3)
        deviation = tf.math.reduce_std(y, axes)
        np.testing.assert_allclose(deviation, np.full(y.shape[-1], expected), rtol=1e-2)


def test_errors_say_which_sizes_work():
    with pytest.raises(ValueError, match=r"multiples of 4 for 2 levels.*pad .* 2 row\(s\)"):
        flows.glow((6, 8, 1), num_scales=2)
    with pytest.raises(ValueError, match="`num_steps`"):
        flows.glow((8, 8, 1), num_steps=0)


class Unhashable(tfp.bijectors.Scale):
    def __hash__(self):
        raise AssertionError("All parts are hashed, at every level once more.")


def test_a_flow_is_hashed_without_its_parts():
    flow = flows.multi_scale((8, 8, 1), 3 * [lambda shape: [Unhashable(2.0)]])
    assert isinstance(hash(flow), int) and flow == flow
    assert flow != flows.multi_scale((8, 8, 1), 3 * [lambda shape: [Unhashable(2.0)]])
