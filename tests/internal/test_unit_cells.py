import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.unit_cells import SIGNIFICANT_BITS, in_cell

LEVELS = [0, 1, 2, 3, 7, 8, 100, 1023, 1024, 65535]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_points_stay_in_the_cells_of_levels_of_either_sign(dtype, compiled):
    top = 2 ** (SIGNIFICANT_BITS[dtype] - 1)
    levels = np.array([*LEVELS, top - 1, top // 2, top // 2 - 1])
    levels = np.concatenate([levels, -levels, [-top]]).astype(dtype.as_numpy_dtype)
    function = tf.function(in_cell, jit_compile=True) if compiled else in_cell
    for noise in (0.0, 0.3, np.nextafter(dtype.as_numpy_dtype(1), 0), 1.0):
        noise = np.full_like(levels, noise)
        point = function(tf.constant(levels), tf.constant(noise)).numpy()
        np.testing.assert_array_equal(np.floor(point), levels)
        # One spacing away at most, where a point would round up.
        far = np.abs(point - (levels.astype(np.longdouble) + noise))
        assert np.all(far <= np.spacing(np.maximum(np.abs(levels), 0.5)))


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_every_level_of_a_coarse_dtype(dtype):
    top = 2 ** (SIGNIFICANT_BITS[dtype] - 1)
    levels = tf.cast(tf.range(-top, top), dtype)
    for noise in (0.0, 0.5, 1.0):
        point = in_cell(levels, tf.cast(tf.fill([2 * top], noise), dtype))
        np.testing.assert_array_equal(tf.floor(point), levels)


def test_what_needs_no_rounding_is_the_sum_and_nan_stays():
    level, noise = tf.constant([-3.0, 0.0, 5.0]), tf.constant([0.25, 0.5, np.nan])
    np.testing.assert_array_equal(in_cell(level, noise), [-2.75, 0.5, np.nan])
