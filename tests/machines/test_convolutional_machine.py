"""The convolutions of the machine against loops over positions."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.machines.convolutional_machine import ConvolutionalMachine
from tfp_ebm.machines.gaussian_machine import GaussianMachine

# Strides 1 x 1, 2 x 1 and 2 x 3 onto hidden images of 2 x 1, by kernels of two sizes.
PARTS = [(2, 1, 2), (4, 1, 1), (4, 3, 1)]
KERNELS = [(3, 3), (3, 3), (3, 5)]
NUM_FILTERS = 2
RNG = np.random.default_rng(0)
FILTERS = [RNG.normal(size=[*k, p[2], NUM_FILTERS]) for k, p in zip(KERNELS, PARTS, strict=True)]
NUM_VISIBLE = sum(map(int, map(np.prod, PARTS)))
LOC, HIDDEN_BIAS = RNG.normal(size=NUM_VISIBLE), RNG.normal(size=[2, 1, NUM_FILTERS])
SCALE = RNG.uniform(0.5, 1.5, size=NUM_VISIBLE)


def dense_weights():
    """`[num_visible, num_hidden]`, entry by entry."""
    blocks = []
    for bank, (height, width, channels) in zip(FILTERS, PARTS, strict=True):
        block = np.zeros([height, width, channels, 2, 1, NUM_FILTERS])
        strides = height // 2, width // 1
        # As much padding on both sides as the kernel reaches beyond its stride, the odd one after.
        before = [
            max(side - stride, 0) // 2 for side, stride in zip(bank.shape[:2], strides, strict=True)
        ]
        for i, j, a, b in itertools.product(
            range(2), range(1), range(bank.shape[0]), range(bank.shape[1])
        ):
            row, column = i * strides[0] + a - before[0], j * strides[1] + b - before[1]
            if 0 <= row < height and 0 <= column < width:
                block[row, column, :, i, j] = bank[a, b]
        blocks.append(block.reshape(height * width * channels, -1))
    return np.concatenate(blocks)


def machine():
    return ConvolutionalMachine.from_parameters(FILTERS, LOC, HIDDEN_BIAS, SCALE, PARTS)


@pytest.mark.parametrize("leading", [(), (5,), (2, 3)])
def test_products_are_those_with_the_weights_spelled_out(leading):
    visible, hidden = RNG.normal(size=[*leading, NUM_VISIBLE]), RNG.normal(size=[*leading, 4])
    weights = dense_weights()
    np.testing.assert_allclose(machine().hidden_signal(visible), visible / SCALE @ weights)
    np.testing.assert_allclose(machine().multiply(hidden), hidden @ weights.T)


def test_is_the_dense_machine_of_these_weights():
    dense = GaussianMachine.from_parameters(dense_weights(), LOC, HIDDEN_BIAS.reshape(-1), SCALE)
    points = RNG.normal(size=[7, NUM_VISIBLE])
    np.testing.assert_allclose(machine().log_marginal(points), dense.log_marginal(points))
    for name in ("reference_log_partition", "enumerate_log_partition"):
        np.testing.assert_allclose(getattr(machine(), name)(), getattr(dense, name)())
    tiled = tf.constant(np.tile(points[:1], [20_000, 1]))
    one, other = (each.sweep(tiled, 0.6, (0, 1)).numpy() for each in (machine(), dense))
    mean, pair = other.mean(0), other.T @ other / len(other)
    assert oracles.within_standard_errors(one, mean, pair, count=6)
