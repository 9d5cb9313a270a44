"""Bounds of batches of models: every value and every model has draws of its own."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.stats import norm

from tfp_ebm.distributions import Augmented, Dequantized, LabeledRBM

tfb, tfd = tfp.bijectors, tfp.distributions

# Leading axes of a batch of models and of values that broadcast.
BATCHES = [
    ((), (5,)),
    ((3,), ()),
    ((16,), ()),
    ((16,), (16,)),
    ((16,), (5, 1)),
    ((2, 3), (7, 1, 3)),
]
CORRELATION = 0.8


def locs(batch_shape):
    return np.random.default_rng(0).normal(size=[*batch_shape, 2]) + 2


def dequantized(loc, noise=None):
    return Dequantized(tfd.MultivariateNormalDiag(loc, 3 * np.ones(2)), 5, noise)


def dequantized_log_prob(loc, value):
    return np.log(norm.cdf(value + 1.0, loc, 3) - norm.cdf(value, loc, 3)).sum(-1)


def augmented(loc, proposal_scale=0.7):
    """x and e are normal with correlation 0.8, so that p(e | x) = N(loc + 0.8 (x - loc), 0.6^2)."""
    covariance = [[1.0, CORRELATION], [CORRELATION, 1.0]]
    joint = tfd.MultivariateNormalTriL(loc, np.linalg.cholesky(covariance))

    def posterior(x):
        mean = loc[..., 1:] + CORRELATION * (x - loc[..., :1])
        return tfd.Independent(tfd.Normal(mean, tf.constant(proposal_scale, tf.float64)), 1)

    return Augmented(joint, posterior, 1)


@pytest.mark.parametrize(("batch_shape", "value_shape"), BATCHES)
def test_dequantized_batches(batch_shape, value_shape):
    loc, value = locs(batch_shape), np.random.default_rng(1).integers(0, 5, [*value_shape, 2])
    model = dequantized(loc)
    expected = dequantized_log_prob(loc, value)
    few = model.importance_log_prob(value, 16, seed=(0, 1))
    many = model.importance_log_prob(value, 1_500, seed=(0, 2))
    assert few.shape == many.shape == model.log_prob(value).shape == expected.shape
    np.testing.assert_allclose(few, expected, atol=0.35)
    np.testing.assert_allclose(many, expected, atol=0.04)
    point = model.dequantize(value, seed=(0, 3))
    assert point.shape == (*expected.shape, 2)
    np.testing.assert_array_equal(np.floor(point), np.broadcast_to(value, point.shape))
    assert model.sample((4, 3), seed=(0, 4)).shape == (4, 3, *batch_shape, 2)


@pytest.mark.parametrize(("batch_shape", "value_shape"), BATCHES)
def test_augmented_batches(batch_shape, value_shape):
    loc, value = locs(batch_shape), np.random.default_rng(1).normal(size=[*value_shape, 1])
    expected = norm.logpdf(value, loc[..., :1]).sum(-1)
    exact = augmented(loc, proposal_scale=0.6)
    np.testing.assert_allclose(exact.log_prob(value, seed=(0, 1)), expected, rtol=1e-9)
    model = augmented(loc)
    many = model.importance_log_prob(value, 1_500, seed=(0, 2))
    assert many.shape == expected.shape
    np.testing.assert_allclose(many, expected, atol=0.06)
    assert model.sample((4, 3), seed=(0, 4)).shape == (4, 3, *batch_shape, 1)


def test_integers_behind_augmentation_in_batches():
    loc = locs((16,))
    model, value = Dequantized(augmented(loc), 5), np.array([[3], [1]])[:, None]
    expected = np.log(norm.cdf(value + 1, loc[:, :1]) - norm.cdf(value, loc[:, :1])).sum(-1)
    many = model.importance_log_prob(value, 4_000, seed=(0, 1))
    assert many.shape == (2, 16)
    np.testing.assert_allclose(many, expected, atol=0.1)


def test_every_model_and_every_value_has_draws_of_its_own():
    loc = np.full([3, 2], 2.0)
    value = np.full([4, 1, 2], 2)
    for model in (dequantized(loc), Dequantized(augmented(loc), 5)):
        value = value[..., : model.event_shape[0]]
        bounds = model.log_prob(value, seed=(0, 1)).numpy()
        assert len(np.unique(bounds)) == 12
        np.testing.assert_array_equal(model.log_prob(value, seed=(0, 1)), bounds)


@pytest.mark.parametrize("index", [1, slice(1, 3), np.newaxis, (Ellipsis, np.newaxis), (0, None)])
def test_slices_are_the_models_in_them(index):
    loc, value = locs((4,)), np.array([3, 1])
    where = index if index != (..., None) else np.s_[:, None]
    sliced, direct = dequantized(loc)[index], dequantized(loc[where])
    assert sliced.batch_shape == direct.batch_shape
    one, other = (model.log_prob(value, seed=(0, 1)) for model in (sliced, direct))
    np.testing.assert_array_equal(one, other)


def test_a_drawn_value_and_its_bound_repeat_with_the_seed():
    model = dequantized(locs((3,)))
    one, same = (model.experimental_sample_and_log_prob(5, seed=(0, 1)) for _ in range(2))
    np.testing.assert_array_equal(one[1], same[1])
    assert one[1].shape == (5, 3)


@pytest.mark.parametrize("num_samples", [1, 15, 16, 17, 33, 50])
def test_any_number_of_draws_is_traced_once_and_counted_right(num_samples):
    """Where the bound is the same for every draw, it is that of their mean."""
    traced = []

    def noise(x):
        traced.append(x)
        return tfd.Independent(tfd.Uniform(tf.zeros_like(x), 1.0), 1)

    model = Dequantized(tfd.Independent(tfd.Uniform(tf.zeros([2]), 4.0), 1), 4, noise)
    bound = model.importance_log_prob([[0, 3], [1, 2], [3, 3]], num_samples, seed=(0, 1))
    np.testing.assert_allclose(bound, 3 * [-2 * np.log(4.0)], rtol=1e-6)
    assert len(traced) == 1


def test_labels_with_axes_of_their_own():
    """Sixteen rows of labels stand beside the sixteen draws of a block, and not for them."""
    base = LabeledRBM.create(num_visible=2, num_hidden=3, num_classes=16, seed=(0, 1))
    model = Dequantized(base, 4)
    value, labels = np.array([[1, 2], [0, 3]], np.uint8), np.arange(16)[:, None]
    together = model.importance_log_prob(value, 500, seed=(0, 1), labels=labels)
    assert together.shape == (16, 2)
    alone = model.importance_log_prob(value, 500, seed=(0, 2), labels=[7, 7])
    np.testing.assert_allclose(together[7], alone, atol=0.1)


def test_nan_stays_nan_where_a_density_does_not_see_it():
    blind = tfb.Inline(
        forward_fn=tf.identity,
        inverse_fn=lambda y: tf.where(tf.math.is_nan(y), tf.zeros_like(y), y),
        inverse_log_det_jacobian_fn=lambda y: tf.zeros([], y.dtype),
        forward_min_event_ndims=0,
    )
    density = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros(2)), blind)
    assert np.isfinite(density.log_prob([np.nan, 1.0]))
    compiled = tf.function(Dequantized(density, 5).log_prob, jit_compile=True)
    value = tf.constant([[9.0, 1.0], [3.0, 1.0]], tf.float64)
    np.testing.assert_array_equal(np.isnan(compiled(value)), [True, False])


def test_a_nan_anywhere_in_an_event_of_rank_2_makes_its_bound_nan():
    density = tfd.Independent(tfd.Normal(np.zeros([2, 3]), 3.0), 2)
    compiled = tf.function(Dequantized(density, 5).log_prob, jit_compile=True)
    value = np.zeros([2, 2, 3])
    value[1, 0, 2] = 9.0
    np.testing.assert_array_equal(np.isnan(compiled(tf.constant(value))), [False, True])


def test_errors():
    with pytest.raises(ValueError, match=r"leading axes \(5,\), which do not broadcast .* \(3,\)"):
        dequantized(locs((3,))).log_prob(np.zeros([5, 2], np.uint8))
    with pytest.raises(ValueError, match=r"`value` must have shape \[\.\.\., 2\], got \(\)"):
        dequantized(locs(())).log_prob(np.uint8(0))
    uniform = tfd.Independent(tfd.Uniform(np.zeros(2), 1.0), 1)
    with pytest.raises(ValueError, match=r"`noise\(x\)` must have batch shape \(4,\), .* got \(\)"):
        dequantized(locs(()), lambda x: uniform).log_prob(np.zeros([4, 2], np.uint8))
    with pytest.raises(TypeError, match=r"`noise\(x\)` must be a distribution, got EagerTensor"):
        dequantized(locs(()), tf.zeros_like).log_prob(np.zeros([4, 2], np.uint8))
