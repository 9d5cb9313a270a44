import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.stats import norm

from tfp_ebm.distributions import Dequantized

tfd = tfp.distributions


def normal_pixels(num_levels=17, size=2, **kwargs):
    density = tfd.MultivariateNormalDiag(np.full(size, 8.0), np.full(size, 3.0))
    return Dequantized(density, num_levels=num_levels, **kwargs)


def exact_log_prob(value):
    return np.log(norm.cdf(value + 1.0, 8, 3) - norm.cdf(value, 8, 3)).sum(-1)


def test_uniform_density_of_bytes_is_exactly_eight_bits():
    density = tfd.Independent(tfd.Uniform(tf.zeros([4]), 256.0), 1)
    value = np.random.default_rng(0).integers(0, 256, size=[9, 4]).astype(np.uint8)
    nats = Dequantized(density).log_prob(value)
    np.testing.assert_array_equal(-nats / np.log(2) / 4, np.full(9, 8.0, np.float32))


def test_bound_lies_below_the_exact_value_and_importance_sampling_closes_the_gap():
    model = normal_pixels()
    value = np.array([[3, 9], [12, 7]], np.uint8)
    exact = exact_log_prob(value)
    draws = model.log_prob(np.tile(value, [400, 1, 1]), seed=(0, 1)).numpy()
    error = draws.std(0) / 20
    assert np.all(draws.mean(0) < exact + 4 * error)
    many = [model.importance_log_prob(value, s, seed=(0, 1)).numpy() for s in (1, 2_000)]
    np.testing.assert_allclose(many[1], exact, atol=0.01)
    assert np.all(draws.mean(0) < many[1])


def test_same_seed_same_bound():
    model, value = normal_pixels(), np.array([[3, 9]], np.uint8)
    np.testing.assert_array_equal(
        model.log_prob(value, seed=(1, 2)), model.log_prob(value, seed=(1, 2))
    )
    assert model.log_prob(value, seed=(1, 2)) != model.log_prob(value, seed=(1, 3))


def test_learned_noise_enters_the_bound():
    def noise(x):
        return tfd.Independent(tfd.Beta(0.8 * tf.ones_like(x), 0.9 * tf.ones_like(x)), 1)

    model = normal_pixels(noise=noise)
    value = np.array([[3, 9], [12, 7]], np.uint8)
    tight = model.importance_log_prob(value, 4_000, seed=(0, 3))
    np.testing.assert_allclose(tight, exact_log_prob(value), atol=0.02)
    wrong = Dequantized(model.distribution, 17).importance_log_prob(value, 4_000, seed=(0, 3))
    np.testing.assert_allclose(wrong, tight, atol=0.03)


@pytest.mark.parametrize(("num_levels", "no_level"), [(255, 255), (256, 0), (257, -1)])
def test_nan_of_the_density_is_no_level(num_levels, no_level):
    """Some of the entries, which the others do not show."""
    loc = tf.constant([3.5, np.nan, np.inf, -np.inf])
    density = tfd.Independent(tfd.Deterministic(loc), 1)
    model = Dequantized(density, num_levels)
    expected = [3, no_level, num_levels - 1, 0]
    with pytest.warns(RuntimeWarning, match=f"drew NaN; there the sample is {no_level}"):
        assert model.sample(seed=(0, 1)).numpy().tolist() == expected
    for compile in (False, True):
        draw = tf.function(lambda: model.sample(2, seed=(0, 1)), jit_compile=compile)
        assert draw().numpy().tolist() == [expected, expected]
    strict = Dequantized(density, num_levels, validate_args=True)
    with pytest.raises(ValueError, match="drew NaN, which is no level"):
        strict.sample(seed=(0, 1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="drew NaN"):
        tf.function(lambda: strict.sample(seed=(0, 1)))()
    infinite = tfd.Independent(tfd.Deterministic(tf.constant([np.inf, 3.5])), 1)
    calm = Dequantized(infinite, num_levels, validate_args=True)
    assert calm.sample(seed=(0, 1)).numpy().tolist() == [num_levels - 1, 3]


def test_samples_are_levels():
    sample = normal_pixels(num_levels=5).sample(200, seed=(0, 1)).numpy()
    assert sample.dtype == np.uint8 and sample.shape == (200, 2)
    assert sample.min() >= 0 and sample.max() == 4


@pytest.mark.parametrize(
    "bad", [[[3.5, 1.0]], [[np.nan, 1.0]], [[np.inf, 1.0]], [[17.0, 1.0]], [[-1.0, 1.0]]]
)
def test_what_is_no_level_is_refused_in_eager_and_graph_mode(bad):
    model = normal_pixels()
    message = "must hold integers from 0 to 16"
    with pytest.raises(ValueError, match=message):
        model.log_prob(np.array(bad))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.function(model.log_prob)(tf.constant(bad, tf.float64))


@pytest.mark.parametrize("mode", ["eager", "XLA"])
@pytest.mark.parametrize(
    ("dtype", "num_levels"),
    [(tf.float32, 256), (tf.float32, 2**16), (tf.float64, 2**16), (tf.float32, 2**23)],
)
def test_the_floor_of_a_noisy_level_is_the_level(dtype, num_levels, mode):
    """The noise is 0, or the largest number below 1, or what a sigmoid has rounded to 1."""
    ends = [0.0, np.nextafter(dtype.as_numpy_dtype(1), 0), 1.0]
    density = tfd.Independent(tfd.Uniform(tf.zeros([3], dtype), float(num_levels)), 1)
    levels = np.arange(max(0, num_levels - 2**16), num_levels)[:, None] * np.ones(3, np.int32)

    def noise(x):
        return tfd.Independent(tfd.Deterministic(tf.constant(ends, dtype) + tf.zeros_like(x)), 1)

    model = Dequantized(density, num_levels, noise)
    function = (
        tf.function(model.dequantize, jit_compile=True) if mode == "XLA" else model.dequantize
    )
    point = function(tf.constant(levels, tf.int32))
    np.testing.assert_array_equal(np.floor(point), levels)
    np.testing.assert_array_equal(point[:, 0], levels[:, 0])
    np.testing.assert_array_equal(
        point[:, 2], np.nextafter(levels[:, 2].astype(dtype.as_numpy_dtype) + 1, 0)
    )


def test_coarse_numbers_still_give_a_bound():
    """At 2^22 levels a cell holds two numbers: the sum over them is the midpoint rule's."""
    middle = 2.0**22 - 7
    density = tfd.Independent(tfd.Normal(tf.constant([middle]), 2.0), 1)
    model = Dequantized(density, num_levels=2**22)
    value = np.array([[2**22 - 8], [2**22 - 5]])
    expected = np.log(norm.cdf(value + 1, middle, 2) - norm.cdf(value, middle, 2))[:, 0]
    many = model.importance_log_prob(value, 3_000, seed=(0, 1))
    np.testing.assert_allclose(many, expected, atol=0.05)


@pytest.mark.parametrize(
    ("dtype", "num_levels", "largest"),
    [("float32", 2**24, 2**23), ("float64", 2**53, 2**52), ("bfloat16", 256, 128)],
)
def test_levels_that_a_dtype_cannot_tell_apart_are_refused(dtype, num_levels, largest):
    density = tfd.Independent(tfd.Uniform(tf.zeros([2], dtype), tf.ones([], dtype)), 1)
    with pytest.raises(ValueError, match=f"at most {largest} .* {dtype}, .* {num_levels}; use flo"):
        Dequantized(density, num_levels)
    assert Dequantized(density, largest).num_levels == largest


def test_integers_of_a_dtype_that_holds_all_levels():
    density = tfd.MultivariateNormalDiag(np.zeros(2))
    dtypes = [Dequantized(density, 2**power).dtype for power in (8, 9, 31, 33)]
    assert dtypes == [tf.uint8, tf.int32, tf.int32, tf.int64]


def test_what_is_no_level_is_nan_where_xla_drops_errors():
    def learned(x):
        return tfd.Independent(tfd.Uniform(tf.zeros_like(x), 1.0), 1)

    density = tfd.Independent(tfd.Uniform(tf.fill([2], -1e3), 1e3), 1)
    value = [[3, 9], [260, 0], [-5, 0], [3.5, 0], [np.nan, 0], [np.inf, 0], [0, 255]]
    for noise in (None, learned):
        model = Dequantized(density, noise=noise)
        log_prob = tf.function(model.log_prob, jit_compile=True)(tf.constant(value, tf.float32))
        assert np.isnan(log_prob).tolist() == [False, *[True] * 5, False]


def test_a_fraction_that_the_density_cannot_see_is_no_level():
    with pytest.raises(ValueError, match="must hold integers"):
        Dequantized(tfd.MultivariateNormalDiag([0.0, 0.0])).log_prob(np.array([[3 + 1e-12, 1]]))


@pytest.mark.parametrize("low", [-0.5, 0.5, np.nan])
def test_noise_outside_the_cell_is_refused(low):
    model = normal_pixels(noise=lambda x: tfd.Independent(tfd.Uniform(low + 0 * x, low + 1), 1))
    value = np.full([40, 2], 3, np.uint8)
    with pytest.raises(ValueError, match=r"`noise` of `Dequantized` must draw from \[0, 1\)"):
        model.log_prob(value)
    compiled = tf.function(model.log_prob, jit_compile=True)
    assert np.isnan(compiled(value, seed=(0, 1))).any()


def test_errors():
    model = normal_pixels()
    with pytest.raises(ValueError, match=r"`value` must have shape \[\.\.\., 2\], got \(1, 3\)"):
        model.log_prob(np.zeros([1, 3], np.uint8))
    with pytest.raises(ValueError, match="`num_levels` must be an integer of at least 2, got 1"):
        normal_pixels(num_levels=1)
    with pytest.raises(TypeError, match="`distribution` must be"):
        Dequantized("x")
    with pytest.raises(TypeError, match="`noise` must be None or a callable"):
        normal_pixels(noise=3)
    with pytest.raises(ValueError, match="`num_samples` must be an integer of at least 1"):
        model.importance_log_prob(np.zeros([1, 2], np.uint8), 0)
