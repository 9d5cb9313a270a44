import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.compiled import compile_if_large, is_large


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((10, 9), False), ((10, 10), True), ((None, 4), True), ((None, 3), False), (None, False)],
)
def test_size_as_far_as_known(shape, expected):
    """An unknown dimension counts as a batch of 32."""
    seen = []
    tf.function(lambda x: seen.append(is_large(x, 100)) or x).get_concrete_function(
        tf.TensorSpec(shape)
    )
    assert seen == [expected]


def test_both_ways_agree_and_eager_functions_stay_plain():
    function = compile_if_large(lambda x, y: tf.exp(x) + y, minimum=10)
    for size in (5, 20, 21):
        x = np.linspace(-1, 1, size)
        np.testing.assert_allclose(function(tf.constant(x), tf.constant(x)), np.exp(x) + x)
        dynamic = tf.function(function, input_signature=2 * [tf.TensorSpec([None], tf.float64)])
        np.testing.assert_allclose(dynamic(x, x), np.exp(x) + x)
    one_row = tf.ones([1, 20])
    np.testing.assert_allclose(function(one_row, one_row), np.full([1, 20], np.e + 1), rtol=1e-6)
    tf.config.run_functions_eagerly(True)
    try:
        assert not is_large(tf.zeros([1000]), 10)
    finally:
        tf.config.run_functions_eagerly(False)
