import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes

SHAPES = [(3, 4, 2), (5, 3, 4, 2), (2, 5, 3, 4, 2), (0, 3, 4, 2), (5, 0, 3, 4, 2)]


def first_channel_twice(x):
    flat = flatten_leading_axes(x, 3)
    with tf.control_dependencies([tf.debugging.assert_positive(tf.shape(flat)[0])]):
        return restore_leading_axes(tf.stack([flat[..., 0], flat[..., 0] * 2], -1) + 1, x)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["eager", "graph", "dynamic", "XLA"])
def test_any_leading_axes_and_never_an_empty_batch(shape, mode):
    x = np.random.default_rng(0).normal(size=shape)
    options = {"input_signature": [tf.TensorSpec([None] * len(shape), tf.float64)]}
    function = {
        "eager": first_channel_twice,
        "graph": tf.function(first_channel_twice),
        "dynamic": tf.function(first_channel_twice, **options),
        "XLA": tf.function(first_channel_twice, jit_compile=True),
    }[mode]
    expected = np.stack([x[..., 0] + 1, x[..., 0] * 2 + 1], -1)
    np.testing.assert_allclose(function(tf.constant(x)), expected)


def test_a_batch_that_is_known_costs_neither_a_pad_nor_a_slice():
    def operations(batch):
        spec = tf.TensorSpec([batch, 3, 4, 2])
        graph = tf.function(first_channel_twice).get_concrete_function(spec).graph
        return {operation.type for operation in graph.get_operations()}

    assert "PadV2" not in operations(5) and "Pad" not in operations(5)
    assert "Pad" in operations(None)


EMPTY_BATCHES = """
import tensorflow as tf
from tfp_ebm import conditionals, distributions, networks
shape = (4, 4, 3)
for network in (networks.ConvNet(shape, 2, 4), networks.GatedResNet(shape, 2, 8, 1)):
    assert network(tf.zeros([0, *shape])).shape == (0, *shape[:-1], 2)
base = distributions.ConvolutionalRBM.create([(2, 2, 3), (4, 4, 2)], 5, num_chains=4)
assert base.log_prob(base.sample(0)).shape == (0,)
assert base.posterior(base.sample(0)).mean().shape == (0, 20)
noise = conditionals.VariationalNoise((4, 4, 1), num_filters=4, num_blocks=1, processor_filters=4)
assert noise(tf.zeros([0, 4, 4, 1])).sample().shape == (0, 4, 4, 1)
"""


@pytest.mark.slow
def test_empty_batches_with_onednn():
    """Its convolution of no images returns the channels of the input."""
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"}
    subprocess.run([sys.executable, "-c", EMPTY_BATCHES], env=environment, check=True)
