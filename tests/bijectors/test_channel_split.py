import numpy as np
import pytest

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("ChannelSplit")


IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


def test_channel_split_and_swap():
    first, last = bijectors.ChannelSplit().forward(IMAGES)
    np.testing.assert_array_equal(first, IMAGES[..., :1])
    swapped = bijectors.ChannelSplit(swap=True).forward(IMAGES)
    np.testing.assert_array_equal(swapped[0], last)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.ChannelSplit().forward(np.zeros([4, 4, 3])),
            "number of channels that is a multiple of 2, got 3",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
