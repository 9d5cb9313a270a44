import numpy as np
import pytest
import tensorflow as tf

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("ChannelSplit")


IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


def test_channel_split_and_swap():
    first, last = bijectors.ChannelSplit().forward(IMAGES)
    np.testing.assert_array_equal(first, IMAGES[..., :1])
    swapped = bijectors.ChannelSplit(swap=True).forward(IMAGES)
    np.testing.assert_array_equal(swapped[0], last)


@pytest.mark.parametrize("size", [2, 3, 6, 7])
@pytest.mark.parametrize("swap", [False, True])
def test_vectors_of_any_size(size, swap):
    split, x = bijectors.ChannelSplit(swap, event_rank=1), IMAGES.reshape(-1)[: 4 * size]
    x = x.reshape(4, size)
    middle = size - size // 2
    expected = [x[:, :middle], x[:, middle:]]
    for part, other in zip(split.forward(x), expected[::-1] if swap else expected, strict=True):
        np.testing.assert_array_equal(part, other)
    np.testing.assert_array_equal(split.inverse(split.forward(x)), x)
    unknown = tf.function(split.forward, input_signature=[tf.TensorSpec([None, None], x.dtype)])
    np.testing.assert_array_equal(unknown(x)[0], split.forward(x)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.ChannelSplit().forward(np.zeros([4, 4, 3])),
            "number of channels that is a multiple of 2, got 3",
        ),
        (
            lambda: bijectors.ChannelSplit(event_rank=1).forward(np.zeros([4, 1])),
            "at least 2 entries to split, got 1",
        ),
        (
            lambda: bijectors.ChannelSplit(event_rank=1).forward_event_shape([1]),
            "at least 2 entries to split, got 1",
        ),
        (lambda: bijectors.ChannelSplit(event_rank="1"), "`event_rank` must be 1, for vectors"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
