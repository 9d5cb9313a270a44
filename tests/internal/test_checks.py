import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 1)])
def test_labels_keep_their_values(dtype, shape):
    value = np.full(shape, 2, dtype)
    for function in (checks.labels, tf.function(checks.labels, jit_compile=True)):
        checked = function(value, 3)
        assert checked.dtype == tf.int32
        np.testing.assert_array_equal(checked, value)


@pytest.mark.parametrize("wrong", [3, -1, 2**32, 2**32 + 1, -(2**33)])
def test_labels_out_of_range_are_refused_and_stay_out_of_it_under_xla(wrong):
    value = np.array([0, wrong, 2])
    with pytest.raises(ValueError, match=rf"num_classes - 1 = 2, got {wrong}\."):
        checks.labels(value, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_classes - 1 = 2"):
        tf.function(checks.labels)(value, 3)
    compiled = tf.function(checks.labels, jit_compile=True)(value, 3).numpy()
    assert compiled[[0, 2]].tolist() == [0, 2]
    assert not -1 < compiled[1] < 3


def test_unknown_labels_pass_where_they_may():
    np.testing.assert_array_equal(checks.labels([-1, 2], 3, lowest=-1), [-1, 2])
    with pytest.raises(ValueError, match=r"-1, where a label is unknown, .* got -2"):
        checks.labels([-2], 3, lowest=-1)
    compiled = tf.function(lambda value: checks.labels(value, 3, lowest=-1), jit_compile=True)
    assert compiled(tf.constant([-2, -1])).numpy()[0] < -1


def test_labels_are_integers():
    with pytest.raises(ValueError, match=r"got float32; one-hot rows become them by `tf\.argmax"):
        checks.labels(tf.ones([2, 3]), 3)


def test_what_a_condition_forbids_is_an_error_or_nan():
    value = tf.constant([1.0, 2.0])

    def below(limit):
        return checks.valid(value, value < limit, "too large")

    np.testing.assert_array_equal(below(3.0), value)
    with pytest.raises(ValueError, match="too large"):
        below(2.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        tf.function(below)(2.0)
    np.testing.assert_array_equal(tf.function(below, jit_compile=True)(2.0), [1.0, np.nan])


def test_spins_are_neither_bits_nor_probabilities():
    right = [[1, -1], [-1, -1]]
    np.testing.assert_array_equal(checks.spins("spins", right, tf.float64), right)
    assert checks.spins("spins", np.ones(2, np.int64), tf.float32).dtype == tf.float32
    for wrong in ([0.0, 1.0], [1.0, 0.5], [np.nan, 1.0], [1, -2]):
        with pytest.raises(ValueError, match=r"`units` must be spins, .* by `2 \* bits - 1`"):
            checks.spins("units", wrong, tf.float32)


def test_events_of_other_sizes_are_refused():
    one, other = (tfp.distributions.MultivariateNormalDiag(tf.zeros([n])) for n in (2, 3))
    checks.same_size(one, one)
    with pytest.raises(ValueError, match=r"events of one shape, got \(2,\) and \(3,\)"):
        checks.same_size(one, other)


def test_batch_shapes_must_broadcast():
    w, b = tf.zeros([4, 1, 2, 3]), tf.zeros([5, 3])
    checks.batches(weights=(w, 2), bias=(b, 1), delta=(tf.zeros([]), 0))
    with pytest.raises(
        ValueError, match=r"broadcast .* got `weights` \[4, 1\], `delta` \[2, 5\]\."
    ):
        checks.batches(weights=(w, 2), bias=(tf.zeros([3]), 1), delta=(tf.zeros([2, 5]), 0))


def test_sizes_of_matrices_are_static():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def traced(matrix):
        checks.matrix("weights", matrix, "n, m")

    with pytest.raises(ValueError, match=r"`weights` must have last two axes, \[n, m\], of sizes"):
        traced(tf.zeros([1, 2, 3]))


def test_whole_numbers_are_compared_before_a_cast_rounds_them():
    def checked(value):
        value = tf.convert_to_tensor(value)

        def ends(dtype):
            return tf.constant(-2, dtype), tf.constant(2**24, dtype)

        return checks.whole_numbers(value, tf.float32, ends, "no whole number")

    for right in ([-2.0, 3.0], np.array([2**24]), np.float64([5.0]), np.float16([1.0])):
        np.testing.assert_array_equal(checked(right), np.float32(right))
        assert checked(right).dtype == tf.float32
    for wrong in ([0.5], [-3], [np.nan], [np.inf], np.array([2**24 + 1]), np.float64([1 + 1e-12])):
        with pytest.raises(ValueError, match="no whole number"):
            checked(wrong)
