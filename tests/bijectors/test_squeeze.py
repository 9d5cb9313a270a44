import numpy as np
import pytest

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("Squeeze")


IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


def test_squeeze_puts_sub_pixels_first_and_colours_last():
    y = bijectors.Squeeze().forward(IMAGES).numpy()
    assert y.shape == (5, 2, 3, 8)
    for dy in range(2):
        for dx in range(2):
            for c in range(2):
                np.testing.assert_array_equal(
                    y[..., (2 * dy + dx) * 2 + c], IMAGES[:, dy::2, dx::2, c]
                )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.Squeeze().forward(np.zeros([5, 4, 1])),
            "height that is a multiple of 2, got 5; pad it to 6",
        ),
        (
            lambda: bijectors.Squeeze().inverse(np.zeros([4, 4, 3])),
            "number of channels that is a multiple of 4, got 3",
        ),
        (
            lambda: bijectors.Squeeze().forward(np.zeros([4, 4])),
            r"images of shape \[\.\.\., height, width, channels\], got shape \(4, 4\)",
        ),
        (lambda: bijectors.Squeeze(1), "`factor` must be an integer of at least 2, got 1"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
