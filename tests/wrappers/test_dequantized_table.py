import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import log_ndtr
from scipy.stats import logistic, norm

from tfp_ebm.distributions import DequantizedTable, LabeledRBM
from tfp_ebm.flows import vector_flow

tfb, tfd = tfp.bijectors, tfp.distributions

COLUMNS = ["continuous", 3, "integer", 2]
LOCS = np.array([0.5, 0.3, -0.4, 1.0, -2.3, 0.6, 0.1])
ROWS = np.array([[0.2, 0, -3, 1], [-1.0, 2, 0, 0], [2.0, 1, -2, 1]])


def category_log_probs(locs):
    """log P(argmax = k) of independent normals of scale 1, by quadrature."""
    points = np.linspace(-12, 12, 4_001)
    log_density = norm.logpdf(points[:, None] - locs)
    log_below = log_ndtr(points[:, None] - locs)
    total = log_density + log_below.sum(-1, keepdims=True) - log_below
    return np.log(np.exp(total).sum(0) * (points[1] - points[0]))


def exact_log_prob(rows, locs=LOCS):
    low = norm.logcdf(rows[..., 2], locs[4])
    integer = norm.logcdf(rows[..., 2] + 1, locs[4])
    return (
        norm.logpdf(rows[..., 0], locs[0])
        + category_log_probs(locs[1:4])[rows[..., 1].astype(int)]
        + integer
        + np.log1p(-np.exp(low - integer))
        + category_log_probs(locs[5:])[rows[..., 3].astype(int)]
    )


def table(locs=LOCS, columns=COLUMNS, dtype=np.float64, **kwargs):
    locs = np.asarray(locs, dtype)
    density = tfd.MultivariateNormalDiag(locs, np.ones_like(locs))
    return DequantizedTable(density, columns, **kwargs)


def test_a_category_of_a_standard_normal_is_one_in_as_many_in_every_draw():
    for count in (2, 3, 7):
        model = table(np.zeros(count), [count])
        value = np.tile(np.arange(count)[:, None], [5, 1])
        bound = model.log_prob(value, seed=(0, 1))
        np.testing.assert_allclose(bound, -np.log(count), rtol=1e-9)


@pytest.mark.parametrize("loc", [-1000.3, -0.4, 0.0, 7.2])
def test_whole_numbers_of_either_sign_against_the_distribution_function(loc):
    density = tfd.Independent(tfd.Logistic(np.array([loc]), 1.5), 1)
    model = DequantizedTable(density, ["integer"])
    value = np.floor(loc) + np.arange(-3, 4)[:, None]
    expected = logistic.cdf(value + 1, loc, 1.5) - logistic.cdf(value, loc, 1.5)
    bounds = model.log_prob(np.tile(value, [2_000, 1, 1]), seed=(0, 1)).numpy()
    weights = np.exp(bounds)
    error = weights.std(0) / np.sqrt(2_000)
    assert np.all(np.abs(weights.mean(0) - expected[:, 0]) < 4 * error + 1e-12)
    error = bounds.std(0) / np.sqrt(2_000)
    assert np.all(bounds.mean(0) < np.log(expected[:, 0]) + 4 * error)


def test_mixed_rows_against_quadrature():
    model, expected = table(), exact_log_prob(ROWS)
    draws = model.log_prob(np.tile(ROWS, [4_000, 1, 1]), seed=(0, 1)).numpy()
    weights = np.exp(draws - expected)
    np.testing.assert_allclose(weights.mean(0), 1, atol=4 * weights.std(0).max() / np.sqrt(4_000))
    assert np.all(draws.mean(0) < expected)
    tight = model.importance_log_prob(ROWS, 4_000, seed=(0, 2))
    np.testing.assert_allclose(tight, expected, atol=0.1)
    np.testing.assert_array_equal(
        model.log_prob(ROWS, seed=(1, 2)), model.log_prob(ROWS, seed=(1, 2))
    )
    assert np.all(model.log_prob(ROWS, seed=(1, 2)) != model.log_prob(ROWS, seed=(1, 3)))


def test_continuous_columns_alone_are_exact():
    model = table(LOCS[:2], ["continuous"] * 2)
    x = np.array([[0.2, -0.7]])
    np.testing.assert_array_equal(model.log_prob(x), model.distribution.log_prob(x))
    np.testing.assert_array_equal(model.dequantize(x), x)


def test_samples_are_rows_as_often_as_their_probability():
    model = table()
    sample = model.sample(20_000, seed=(0, 1)).numpy()
    assert sample.shape == (20_000, 4) and sample.dtype == np.float64
    np.testing.assert_array_equal(sample[:, 1:], np.floor(sample[:, 1:]))
    for column, locs in ((1, LOCS[1:4]), (3, LOCS[5:])):
        found = np.bincount(sample[:, column].astype(int)) / 20_000
        np.testing.assert_allclose(found, np.exp(category_log_probs(locs)), atol=0.015)
    below = np.mean(sample[:, 2] < -2)
    np.testing.assert_allclose(below, norm.cdf(-2, LOCS[4]), atol=0.015)
    np.testing.assert_allclose(sample[:, 0].mean(), LOCS[0], atol=0.03)
    assert np.all(np.isfinite(model.log_prob(sample[:50])))
    value, bound = model.experimental_sample_and_log_prob(3, seed=(0, 1))
    assert value.shape == (3, 4) and bound.shape == (3,)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dequantized_rows_stay_in_their_cells(dtype, compiled):
    model, rng = table(dtype=dtype), np.random.default_rng(0)
    largest = 2 ** (23 if dtype == np.float32 else 52)
    numbers = np.concatenate([rng.integers(-largest, largest, 2_000), [-largest, -1, largest - 1]])
    rows = np.stack([rng.normal(size=2_003).astype(dtype), *3 * [numbers]], axis=-1)
    rows[:, 1], rows[:, 3] = rng.integers(0, 3, 2_003), rng.integers(0, 2, 2_003)
    function = tf.function(model.dequantize, jit_compile=True) if compiled else model.dequantize
    hidden = function(tf.constant(rows), seed=(0, 1)).numpy()
    assert hidden.shape == (2_003, 7) and hidden.dtype == dtype
    np.testing.assert_array_equal(hidden[:, 0], rows[:, 0])
    np.testing.assert_array_equal(hidden[:, 1:4].argmax(-1), rows[:, 1])
    np.testing.assert_array_equal(np.floor(hidden[:, 4]), rows[:, 2])
    np.testing.assert_array_equal(hidden[:, 5:].argmax(-1), rows[:, 3])


def test_the_noise_of_a_category_is_normal_but_for_the_place_of_the_largest():
    hidden = table(np.zeros(3), [3]).dequantize(np.ones([40_000, 1]), seed=(0, 1)).numpy()
    others = hidden[:, [0, 2]]
    order = np.sort(np.random.default_rng(0).normal(size=[40_000, 3]), axis=-1)
    np.testing.assert_allclose(hidden[:, 1].mean(), order[:, 2].mean(), atol=0.02)
    np.testing.assert_allclose(others.mean(0), order[:, :2].mean(), atol=0.02)
    np.testing.assert_allclose(others.std(0), order[:, :2].std(), atol=0.02)


# Leading axes of a batch of models and of values that broadcast.
@pytest.mark.parametrize(
    ("batch_shape", "value_shape"), [((), (5,)), ((3,), ()), ((16,), (5, 1)), ((2, 3), (7, 1, 3))]
)
def test_batches(batch_shape, value_shape):
    rng = np.random.default_rng(0)
    locs = LOCS + 0.3 * rng.normal(size=[*batch_shape, 1])
    model = table(locs)
    rows = ROWS[rng.integers(0, 3, value_shape)]
    bound = model.log_prob(rows, seed=(0, 1))
    shape = np.broadcast_shapes(batch_shape, value_shape)
    assert model.batch_shape == batch_shape and bound.shape == shape
    assert len(np.unique(bound)) == np.prod(shape)
    assert model.importance_log_prob(rows, 3, seed=(0, 2)).shape == shape
    assert model.dequantize(rows).shape == (*shape, 7)
    assert model.sample((4, 2), seed=(0, 3)).shape == (4, 2, *batch_shape, 4)
    if len(batch_shape) == 1:
        tight = model.importance_log_prob(rows, 2_000, seed=(0, 2)).numpy().reshape(-1)[0]
        first = np.broadcast_to(rows, (*shape, 4)).reshape(-1, 4)[0]
        assert tight == pytest.approx(exact_log_prob(first, locs[0]), abs=0.15)


@pytest.mark.parametrize("index", [1, slice(1, 3), np.newaxis, (..., 0)])
def test_slices_are_the_models_in_them(index):
    locs = LOCS + np.arange(4.0)[:, None]
    where = index if index != (..., 0) else 0
    sliced, direct = table(locs)[index], table(locs[where])
    assert sliced.batch_shape == direct.batch_shape and sliced.columns == direct.columns
    values = [model.log_prob(ROWS[0], seed=(0, 1)) for model in (sliced, direct)]
    np.testing.assert_array_equal(*values)


def test_copies_and_pickles_and_learned_densities():
    flow = vector_flow(7, 1, [5], dtype=tf.float64)
    density = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros(7)), flow)
    model = DequantizedTable(density, COLUMNS)
    assert len(model.trainable_variables) == len(flow.trainable_variables) > 0
    expected = model.log_prob(ROWS, seed=(0, 1))
    for other in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.log_prob(ROWS, seed=(0, 1)), expected)
        assert other.columns == tuple(COLUMNS)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(ROWS, seed=(0, 1)))
    assert all(g is not None for g in tape.gradient(loss, model.trainable_variables))


def test_graphs_give_the_values_of_eager_mode():
    model = table()
    expected = model.log_prob(ROWS, seed=(0, 1))
    spec = tf.TensorSpec([None, None], tf.float64)
    unknown = tf.function(lambda x: model.log_prob(x, seed=(0, 1)), input_signature=[spec])
    np.testing.assert_allclose(unknown(ROWS), expected, rtol=1e-12)
    bound = tf.function(lambda x: model.importance_log_prob(x, 3, seed=(0, 1)))(ROWS)
    np.testing.assert_allclose(bound, model.importance_log_prob(ROWS, 3, seed=(0, 1)), rtol=1e-12)


def test_labels_reach_the_density():
    base = LabeledRBM.create(num_visible=3, num_hidden=2, num_classes=4, seed=(0, 1))
    model = DequantizedTable(base, [2, "integer"])
    labels = np.arange(4)
    assert model.log_prob([[1, 0]] * 4, labels=labels).shape == (4,)


BAD = {
    "fraction of a whole number": ([0.2, 0, -3.5, 1], "whole numbers .* in column 2"),
    "huge whole number": ([0.2, 0, 2.0**52, 1], r"whole numbers from -2\^52 to 2\^52 - 1"),
    "fraction of a category": ([0.2, 0.5, -3, 1], "indices 0 to 2 of .* in column 1"),
    "negative category": ([0.2, -1, -3, 1], "indices 0 to 2"),
    "category too large": ([0.2, 0, -3, 2], "indices 0 to 1 of .* in column 3"),
    "NaN": ([np.nan, 0, -3, 1], "finite numbers of continuous columns in column 0"),
    "infinity": ([np.inf, 0, -3, 1], "finite numbers"),
    "NaN category": ([0.2, np.nan, -3, 1], "indices 0 to 2"),
    "NaN whole number": ([0.2, 0, np.nan, 1], "whole numbers"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_cell_is_refused_in_eager_and_graph_mode(kind):
    row, message = BAD[kind]
    for method in (table().log_prob, table().dequantize, table().importance_log_prob):
        with pytest.raises(ValueError, match=message):
            method([ROWS[0], np.array(row)])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"must hold finite numbers .*, indices"
    ):
        tf.function(table().log_prob)(tf.constant([row], tf.float64))


def test_what_is_no_cell_is_nan_where_xla_drops_errors():
    values = tf.constant([ROWS[0], *(row for row, _ in BAD.values())], tf.float64)
    log_prob = tf.function(table().log_prob, jit_compile=True)(values)
    assert np.isnan(log_prob).tolist() == [False, *[True] * len(BAD)]


def test_a_fraction_that_the_density_cannot_see_is_no_whole_number():
    with pytest.raises(ValueError, match="whole numbers from -2"):
        table(dtype=np.float32).log_prob(ROWS + [0, 0, 1e-12, 0])
    integers = table(LOCS[:1], ["integer"], np.float32)
    assert integers.log_prob(np.array([[-3]], np.int64)).dtype == tf.float32
    with pytest.raises(ValueError, match=r"from -2\^23 to 2\^23 - 1"):
        integers.log_prob(np.array([[2**23]], np.int64))
    with pytest.raises(ValueError, match="finite numbers"):
        table(LOCS[:1], ["continuous"], np.float32).log_prob(np.array([[1e39]]))
    for small in (np.float16, np.float32):
        np.testing.assert_allclose(
            table().log_prob(ROWS.astype(small), seed=(0, 1)),
            table().log_prob(ROWS, seed=(0, 1)),
            rtol=1e-3,
        )
        with pytest.raises(ValueError, match="finite numbers"):
            table().log_prob(np.array([np.inf, 0, 0, 0], small))


def test_nan_of_the_density_is_no_cell():
    loc = tf.constant([[np.nan, 1.0, 0, 2, 3.5, 0, 1], [0.5, np.nan, 0, 2, np.nan, 0, 1]])
    density = tfd.Independent(tfd.Deterministic(loc), 1)
    expected = [[np.nan, 2, 3, 1], [0.5, np.nan, np.nan, 1]]
    with pytest.warns(RuntimeWarning, match="drew NaN; there the sample is NaN too"):
        np.testing.assert_array_equal(DequantizedTable(density, COLUMNS).sample(), expected)
    with pytest.raises(ValueError, match="drew NaN, which makes no cell"):
        DequantizedTable(density, COLUMNS, validate_args=True).sample()
    far = tfd.Independent(tfd.Deterministic(tf.constant([1e30, -1e30])), 1)
    sample = DequantizedTable(far, ["integer"] * 2).sample()
    np.testing.assert_array_equal(sample, [2**23 - 1, -(2**23)])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: table(columns="integer"), TypeError, "`columns` must be a sequence .* got str"),
        (lambda: table(columns=3), TypeError, "got int"),
        (lambda: table(columns=[]), ValueError, "at least one column, got none"),
        (lambda: table(columns=["real"]), ValueError, "got 'real' at 0"),
        (lambda: table(columns=["integer", 1]), ValueError, "at least 2, got 1 at 1"),
        (lambda: table(columns=[True]), ValueError, "got True at 0"),
        (lambda: table(columns=[2, 4]), ValueError, r"event shape \(6,\), .* got \(7,\)"),
        (lambda: DequantizedTable("x", [2]), TypeError, "`distribution` must be a tfp.distr"),
        (
            lambda: DequantizedTable(tfd.Sample(tfd.Bernoulli(0.0), 2), [2]),
            TypeError,
            "float32 or float64, got dtype",
        ),
        (
            lambda: table().log_prob(np.zeros([3])),
            ValueError,
            r"`value` must have shape \[\.\.\., 4\], got \(3,\)",
        ),
        (
            lambda: table(np.tile(LOCS, [3, 1])).log_prob(np.zeros([5, 4])),
            ValueError,
            r"leading axes \(5,\), which do not broadcast",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
