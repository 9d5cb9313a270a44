import dataclasses
import json

import numpy as np
import pytest

from tfp_ebm.datasets import Column
from tfp_ebm.datasets.steps import decimal_step

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("step", [0.001, 0.05, 0.25, 0.1, 1.0, 5.0, 20.0, 2.5e-6, 1e6])
@pytest.mark.parametrize("start", [0, -7, 1200])
def test_steps_are_found_whatever_the_start(step, start):
    levels = RNG.integers(0, 400, 300)
    levels[:3] = 0, 1, 1  # Neighbours, so that no greater step fits.
    values = np.array([float(f"{level * step:.9g}") for level in levels + start])
    assert decimal_step(values) == step


def test_float32_columns_have_steps_too():
    values = (RNG.integers(0, 900, 300) * 0.01).astype(np.float32)
    assert decimal_step(values) == 0.01
    assert (
        Column("a", "integer", step=0.01).encode(values).tolist()
        == np.rint(100 * values.astype(np.float64)).tolist()
    )


def test_numbers_without_a_step():
    assert decimal_step(RNG.normal(size=50)) is None
    assert decimal_step(np.repeat(RNG.normal(size=50), 2)) is None
    assert decimal_step(np.array([0.1, 0.25, 0.7])) is None  # Nothing repeats.
    assert decimal_step(np.array([1.0, 2.0, 4.0])) == 1
    assert decimal_step(np.array([0.0, 1e-9, 2e-9, 2e-9])) == 1e-9
    assert decimal_step(1e-300 * np.array([0.1, 0.3, 0.3])) is None


def test_values_near_one_level_are_not_on_a_step_far_too_large():
    with pytest.raises(ValueError, match=r"must be on steps of 1e\+09 from 0, got 2 in row 1"):
        Column("a", "integer", step=1e9).encode([0, 2])


@pytest.mark.parametrize("step", [0.01, 0.1, 0.25, 1.0, 50.0])
@pytest.mark.parametrize("offset", [0.0, -3.0, 17.5])
def test_levels_go_there_and_back_exactly(step, offset):
    column = Column("a", "integer", step=step, offset=offset)
    codes = np.array([-(2**23), -5, 0, 1, 12_345, 2**23], np.float32)
    values = column.decode(codes)
    np.testing.assert_array_equal(column.encode(values), codes)
    expected = [float(f"{offset + step * float(code):.2f}") for code in codes]
    assert values.tolist() == expected
    assert (values.dtype == np.int64) == (step >= 1 and offset != 17.5)


def test_continuous_values_are_shifted_and_scaled():
    values = np.array([5.0, 9.0, -3.0])
    assert SIZE.encode(values).tolist() == [0.0, 2.0, -4.0]
    np.testing.assert_array_equal(SIZE.decode([0.0, 2.0, -4.0]), values)


def test_integers_beyond_float32_keep_their_digits():
    column = Column("year", "integer", offset=2**52)
    assert column.decode([0.0, 3.0]).tolist() == [2**52, 2**52 + 3]
    np.testing.assert_array_equal(column.encode(np.array([2**52 + 7])), [7])


AGE = Column("age", "integer", offset=18)
CUT = Column("cut", "category", categories=("fair", "good"))
SIZE = Column("size", "continuous", location=5.0, scale=2.0)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (AGE, [19, 19.5], "'age' must be on steps of 1 from 18, got 19.5 in row 1"),
        (AGE, [1e6 + 0.5], "on steps of 1 from 18, got 1000000.5 in row 0"),
        (AGE, [2e9], f"have a code up to {2**23} in size, got 2000000000.0"),
        (AGE, ["19"], "'age' must have numbers"),
        (AGE, [[19.0]], r"of shape \(1, 1\)"),
        (SIZE, [1.0, np.nan], "'size' must have finite values, got nan in row 1"),
        (SIZE, [np.inf], "finite values, got inf in row 0"),
        (CUT, ["good", "poor"], "'cut' must be one of fair, good, got 'poor' in row 1"),
    ],
)
def test_values_that_have_no_code(column, values, message):
    with pytest.raises(ValueError, match=message):
        column.encode(values)


@pytest.mark.parametrize(
    ("column", "codes", "message"),
    [
        (AGE, [0.25], "'age' must have whole numbers as codes, got 0.25 in row 0"),
        (CUT, [0.0, 2.0], "'cut' must have codes from 0 to 1, got 2.0 in row 1"),
        (CUT, [-1.0], "from 0 to 1, got -1.0"),
        (SIZE, [np.nan], "finite codes"),
    ],
)
def test_codes_that_stand_for_nothing(column, codes, message):
    with pytest.raises(ValueError, match=message):
        column.decode(codes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "categorical"}, "Did you mean 'category'"),
        ({"kind": "category"}, "`categories` must be different strings"),
        ({"kind": "category", "categories": ("a", "a")}, "`categories` must be different strings"),
        ({"kind": "integer", "step": 0}, "`step` must be a finite number above 0, got 0"),
        ({"kind": "continuous", "scale": np.nan}, "`scale` must be"),
        ({"kind": "continuous", "location": np.inf}, "`location` must be finite"),
    ],
)
def test_columns_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        Column("a", **options)


@pytest.mark.parametrize("column", [AGE, CUT, SIZE])
def test_a_column_is_plain_data(column):
    kept = json.loads(json.dumps(dataclasses.asdict(column)))
    assert Column(**kept) == column and hash(Column(**kept)) == hash(column)
    assert column.name in column.describe()
    assert CUT.num_levels == 2 and AGE.num_levels is None
