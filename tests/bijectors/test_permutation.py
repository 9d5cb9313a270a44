import numpy as np
import pytest

from tests import registry
from tfp_ebm.bijectors import Permutation

test_conformance = registry.conformance("Permutation")


def test_entries_go_where_the_order_says():
    x = np.arange(10.0, 14)
    permutation = Permutation([2, 0, 3, 1])
    np.testing.assert_array_equal(permutation.forward(x), x[[2, 0, 3, 1]])
    np.testing.assert_array_equal(permutation.inverse(permutation.forward(x) + 0), x)
    np.testing.assert_array_equal(Permutation(range(4)).forward(x), x)
    reversal = Permutation.reversal(4)
    np.testing.assert_array_equal(reversal.forward(x), x[::-1])
    np.testing.assert_array_equal(reversal.inverse(reversal.forward(x) + 0), x)
    assert Permutation.random(50, seed=1).order == Permutation.random(50, seed=1).order
    assert Permutation.random(50, seed=1).order != Permutation.random(50, seed=2).order


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 1, 1], r"from 0 to 2 once, got \[0, 1, 1\], without \[2\]"),
        ([1, 2, 3], r"from 0 to 2 once, got \[1, 2, 3\], without \[0\]"),
        ([], "`order` must hold at least one number, 0, got none"),
        ([0.0, 1.0], "`order` must be an integer of at least 0, got 0.0"),
        ([0, -1], "`order` must be an integer of at least 0, got -1"),
    ],
)
def test_orders_that_are_no_permutation(order, message):
    with pytest.raises(ValueError, match=message):
        Permutation(order)


def test_events_of_another_size():
    with pytest.raises(ValueError, match="made for 3 entries, got events of shape"):
        Permutation([0, 2, 1]).forward(np.zeros([2, 4]))
