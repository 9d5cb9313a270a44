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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.CheckerboardSplit().forward(np.zeros([4, 3, 1])),
            "width that is a multiple of 2, got 3; pad it to 4",
        ),
        (lambda: bijectors.CheckerboardSplit("collumns"), "Did you mean 'columns'"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
