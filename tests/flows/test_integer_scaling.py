"""Where whole numbers lie."""

import numpy as np
import pytest

from tfp_ebm.flows import IntegerScaling


@pytest.mark.parametrize(("levels", "expected"), [(17, (8.0, 4.25)), (None, (0.0, 1.0))])
def test_levels_tell_middle_and_spread(levels, expected):
    assert IntegerScaling.of(levels)[1:] == expected


def test_data_tell_where_there_are_no_levels():
    made = IntegerScaling.of([5, None], location=[9.0, 9.0], scale=[3.0, 3.0])
    np.testing.assert_array_equal(made.location, [2.0, 9.0])
    np.testing.assert_array_equal(made.scale, [1.25, 3.0])
    assert made.levels([1, 0]) == [None, 5] and not made.has_levels
    np.testing.assert_array_equal(made.entries([1])[0], [9.0])
    assert IntegerScaling.of(5).has_levels and IntegerScaling.of(5).levels([0]) == 5
