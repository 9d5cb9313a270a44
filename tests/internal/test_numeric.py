import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from tensorflow.python.eager import context

from tfp_ebm.internal import numeric


def test_log_2cosh_and_its_derivatives():
    x = np.array([-200.0, -3.0, -1e-3, 0.0, 0.5, 90.0], np.float32)
    expected = np.logaddexp(x.astype(np.float64), -x.astype(np.float64))
    np.testing.assert_allclose(numeric.log_2cosh(tf.constant(x)), expected, rtol=1e-6)
    point = tf.constant([0.0, 0.7], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(point)
        with tf.GradientTape() as inner:
            inner.watch(point)
            value = numeric.log_2cosh(point)
        first = inner.gradient(value, point)
    np.testing.assert_allclose(first, np.tanh(point))
    np.testing.assert_allclose(outer.gradient(first, point), 1 - np.tanh(point) ** 2)


@pytest.mark.parametrize(
    ("dtype", "columns", "added"),
    [(tf.float32, 512, 16), (tf.float64, 256, 8), (tf.float32, 256, 0), (tf.float32, 500, 0)],
)
def test_rows_of_a_matrix_that_is_laid_out_apart_share_no_cache_sets(dtype, columns, added):
    matrix = tf.random.stateless_normal([3, columns], (0, 1), dtype=dtype)
    laid_out = numeric.laid_out_apart(matrix)
    assert laid_out.shape == (3, columns + added)
    assert columns * dtype.size % 2048 == 0 or laid_out is matrix
    np.testing.assert_array_equal(laid_out[:, :columns], matrix)
    np.testing.assert_array_equal(laid_out[:, columns:], 0)


def products_with_a_transposed_operand(transposed):
    """Returns how many there are after TensorFlow's rewriting of a product by the function."""

    @tf.function(autograph=False)
    def product(rows, matrix):
        return tf.matmul(rows, transposed(matrix))

    with context.collect_graphs(optimized=True) as graphs:
        product(tf.ones([2, 3]), tf.ones([5, 3]))
    nodes = [node for graph in graphs for node in graph.node if node.op.endswith("MatMul")]
    assert len(nodes) == 1
    return sum(node.attr["transpose_b"].b for node in nodes)


def test_a_matrix_that_is_laid_out_transposed_stays_so():
    matrix = np.random.default_rng(0).normal(size=[4, 3, 7])
    laid_out = numeric.laid_out_transposed(tf.constant(matrix))
    assert laid_out.shape == (4, 7, 3)
    np.testing.assert_array_equal(laid_out, np.swapaxes(matrix, -1, -2))
    assert products_with_a_transposed_operand(tf.linalg.matrix_transpose) == 1
    assert products_with_a_transposed_operand(numeric.laid_out_transposed) == 0


@pytest.mark.parametrize("leading", [(), (5,), (2, 5)])
@pytest.mark.parametrize("transpose", [False, True])
def test_multiply_rows(leading, transpose):
    rng = np.random.default_rng(0)
    rows, matrix = rng.normal(size=[*leading, 3]), rng.normal(size=[3, 7])
    given = matrix.T if transpose else matrix
    result = numeric.multiply_rows(tf.constant(rows), tf.constant(given), transpose=transpose)
    assert result.shape == (*leading, 7)
    np.testing.assert_allclose(result, rows @ matrix)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(
    ("leading", "batch"),
    [((5, 2), (2,)), ((2,), (2,)), ((), (2,)), ((5, 1), (2,)), ((4, 5, 2), (2,)),
     ((6, 3), (2, 1, 3)), ((4, 2, 3), (2, 3)), ((4, 2, 3), (2, 1)), ((4, 1, 1), (2, 3)),
     ((0, 2), (2,))],
)  # fmt: skip
def test_multiply_rows_by_a_batch_of_matrices(leading, batch, transpose):
    rng = np.random.default_rng(0)
    rows, matrices = rng.normal(size=[*leading, 3]), rng.normal(size=[*batch, 3, 7])
    given = np.swapaxes(matrices, -1, -2) if transpose else matrices
    result = numeric.multiply_rows(tf.constant(rows), tf.constant(given), transpose=transpose)
    expected = (rows[..., None, :] @ matrices)[..., 0, :]
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 4), (11, 5), (5, 40), (1, 3)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_spectral_norm_bound_is_a_tight_upper_bound(shape, scale):
    # Up to float32 rounding of a logarithm, which the 1 % margin of its users covers.
    matrix = (scale * np.random.default_rng(0).normal(size=shape)).astype(np.float32)
    norm = np.linalg.norm(matrix.astype(np.float64), 2)
    bound = numeric.spectral_norm_bound(tf.constant(matrix)).numpy()
    assert norm * (1 - 5e-6) <= bound <= 1.06 * norm


def test_spectral_norm_bound_of_equal_singular_values_is_the_worst_case():
    bound = numeric.spectral_norm_bound(2 * tf.eye(50)).numpy()
    np.testing.assert_allclose(bound, 2 * 50 ** (1 / 128), rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_spectral_norm_bound_is_tightened_until_it_is_enough(wrap):
    matrices = np.random.default_rng(1).normal(size=[2, 30, 40])
    matrices[1] *= 0.1
    norms = np.linalg.norm(matrices, 2, axis=(-2, -1))
    bound = wrap(lambda enough: numeric.spectral_norm_bound(tf.constant(matrices), enough=enough))
    tight = numeric.spectral_norm_bound(tf.constant(matrices)).numpy()
    np.testing.assert_allclose(bound(tf.constant(0.999 * norms[0])), tight, rtol=1e-12)
    once = numeric.spectral_norm_bound(tf.constant(matrices), num_squarings=1).numpy()
    assert np.all(once > 1.05 * norms)
    np.testing.assert_allclose(bound(tf.constant(once[0])), once, rtol=1e-12)
    assert np.all(bound(tf.constant(0.999 * once[0])) < 0.99 * once)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_standard_normal_has_the_normal_distribution(dtype):
    draw = tf.function(lambda seed: numeric.standard_normal([301, 333], seed, dtype))
    noise = draw(tf.constant([3, 4]))
    assert noise.dtype == dtype and noise.shape == (301, 333)
    assert scipy.stats.kstest(noise.numpy().ravel(), "norm").pvalue > 0.01
    # Of a pair, squares share a radius and products an angle, if anything.
    first, second = np.split(noise.numpy().ravel()[:-1], 2)
    for one, other in ((first, second), (first**2, second**2)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(first))
    assert abs(scipy.stats.kurtosis(noise.numpy().ravel())) < 4 * np.sqrt(24 / 301 / 333)


def test_standard_normal_follows_its_seed_and_a_dynamic_shape():
    draw = tf.function(lambda n: numeric.standard_normal([n, 3], (1, 2), tf.float32))
    odd = draw(tf.constant(5))
    np.testing.assert_array_equal(odd, numeric.standard_normal([5, 3], (1, 2), tf.float32))
    assert np.any(odd != numeric.standard_normal([5, 3], (1, 3), tf.float32))
    assert numeric.standard_normal([0, 3], (1, 2), tf.float32).shape == (0, 3)
    assert numeric.standard_normal([], (1, 2), tf.float32).shape == ()
    compiled = tf.function(draw.python_function, jit_compile=True)(5)
    assert np.all(np.isfinite(compiled))


def test_batches_are_broadcast_where_they_must_be():
    vector = tf.constant([1.0, 2.0, 3.0])
    assert numeric.broadcast_batch(vector, []) is vector
    pair = tf.stack([vector, -vector])
    assert numeric.broadcast_batch(pair, [1]) is pair and numeric.broadcast_batch(pair, []) is pair
    assert numeric.broadcast_batch(pair, [4, 1]).shape == (4, 2, 3)
    np.testing.assert_array_equal(numeric.broadcast_batch(pair, [2])[1], -vector)
    assert numeric.broadcast_batch(vector, [2, 3], event_ndims=0).shape == (2, 3)
    parts = [(tf.zeros([4, 1, 2, 3]), 2), (tf.zeros([5, 2]), 1), (tf.zeros([]), 0)]
    assert list(numeric.common_batch_shape(*parts)) == [4, 5]
    assert list(numeric.common_batch_shape((tf.zeros([2, 3]), 2))) == []
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        numeric.common_batch_shape((tf.zeros([4, 2]), 1), (tf.zeros([3, 2]), 1))

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def traced(rows):
        return numeric.broadcast_batch(rows, numeric.common_batch_shape((rows, 1), (pair, 1)))

    assert traced(tf.zeros([1, 3])).shape == (2, 3)
