import numpy as np
import pytest

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("CheckerboardSplit")


IMAGES = np.random.default_rng(0).normal(size=[5, 4, 6, 2])


def test_column_split():
    even, odd = bijectors.CheckerboardSplit().forward(IMAGES)
    np.testing.assert_array_equal(even, IMAGES[:, :, 0::2])
    np.testing.assert_array_equal(odd, IMAGES[:, :, 1::2])


def test_true_checkerboard():
    parts = bijectors.CheckerboardSplit("checkerboard").forward(IMAGES)
    for parity, part in enumerate(parts):
        for row in range(4):
            columns = [c for c in range(6) if (row + c) % 2 == parity]
            np.testing.assert_array_equal(part[:, row], IMAGES[:, row, columns])


@pytest.mark.parametrize("size", [2, 3, 6, 7])
@pytest.mark.parametrize("pattern", ["columns", "checkerboard"])
def test_vectors_of_any_size(size, pattern):
    split = bijectors.CheckerboardSplit(pattern, event_rank=1)
    x = IMAGES.reshape(-1)[: 4 * size].reshape(2, 2, size)
    even, odd = split.forward(x)
    np.testing.assert_array_equal(even, x[..., ::2])
    np.testing.assert_array_equal(odd, x[..., 1::2])
    np.testing.assert_array_equal(split.inverse([even + 0, odd + 0]), x)
    swapped = bijectors.CheckerboardSplit(swap=True, event_rank=1)
    assert [shape[-1] for shape in swapped.forward_event_shape([size])] == [
        size // 2,
        size - size // 2,
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.CheckerboardSplit().forward(np.zeros([4, 3, 1])),
            "width that is a multiple of 2, got 3; pad it to 4",
        ),
        (
            lambda: bijectors.CheckerboardSplit(event_rank=1).forward(np.zeros([4, 1])),
            "at least 2 entries to split, got 1",
        ),
        (lambda: bijectors.CheckerboardSplit("collumns"), "Did you mean 'columns'"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
