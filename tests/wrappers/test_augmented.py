import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.integrate import quad

from tfp_ebm import bijectors, networks
from tfp_ebm.distributions import Augmented, Dequantized, SmoothedRBM

tfb, tfd = tfp.bijectors, tfp.distributions


def standard(num):
    return lambda x: tfd.Sample(tfd.Normal(tf.zeros(tf.shape(x)[:-1]), 1.0), num)


def banana():
    """p(e) = N(0, 1), p(x | e) = N(e^2, 0.5): no closed form for p(x)."""
    flow = bijectors.Coupling(tfb.Split([1, 1]), lambda e: tfb.Shift(e**2)(tfb.Scale(0.5)))
    ends = tfd.MultivariateNormalDiag(tf.zeros([2]))
    return tfd.TransformedDistribution(ends, tfb.Chain([tfb.Permute([1, 0]), flow]))


def banana_density(x):
    def integrand(e):
        return np.exp(-(e**2) / 2 - (x - e**2) ** 2 / 0.5) / (2 * np.pi * 0.5)

    return quad(integrand, -8, 8)[0]


def test_importance_bound_rises_to_the_quadrature_value():
    model = Augmented(banana(), standard(1), 1)
    x = np.array([[0.3], [2.0]], np.float32)
    exact = np.log([banana_density(value) for value in x[:, 0]])
    many = np.repeat(x, 200, axis=0)
    means = [np.mean(model.log_prob(many, seed=(0, 1)))]
    for count in (16, 128, 4096):
        means.append(np.mean(model.importance_log_prob(many, count, seed=(0, 1))))
    assert means[0] < means[1] < means[2] < means[3] < exact.mean() + 0.01
    assert means[3] == pytest.approx(exact.mean(), abs=0.01)


def test_bounds_where_the_posterior_is_known():
    """x and e are normal with correlation 0.8, so that p(e | x) = N(0.8 x, 0.6^2)."""
    joint = tfd.MultivariateNormalFullCovariance(covariance_matrix=[[1.0, 0.8], [0.8, 1.0]])
    x = np.array([[-1.2], [0.4]], np.float32)
    exact = -0.5 * np.mean(x**2) - 0.5 * np.log(2 * np.pi)
    known = Augmented(joint, lambda x: tfd.Independent(tfd.Normal(0.8 * x, 0.6), 1), 1)
    for seed in range(5):
        assert np.mean(known.log_prob(x, seed=(0, seed))) == pytest.approx(exact, abs=1e-5)
    model = Augmented(joint, standard(1), 1)
    many = np.repeat(x, 4_000, axis=0)
    divergence = 0.5 * np.mean((1 + (0.8 * x) ** 2) / 0.36 - 1 + np.log(0.36))
    one_draw = np.mean(model.log_prob(many, seed=(0, 1)))
    assert one_draw == pytest.approx(exact - divergence, abs=0.05)
    few, more = (np.mean(model.importance_log_prob(many, s, seed=(0, 1))) for s in (8, 512))
    assert one_draw < few < more < exact + 0.003
    assert more == pytest.approx(exact, abs=0.01)
    grid = np.linspace(-8, 8, 161, dtype=np.float32)  # Sums over it are exact for such normals.
    summed = [0.1 * np.sum(joint.prob(np.stack([0 * grid + v, grid], -1))) for v in x[:, 0]]
    assert np.mean(np.log(summed)) == pytest.approx(exact, abs=1e-5)


def test_theorem_1_extra_coordinates_that_are_ignored_change_nothing():
    base = SmoothedRBM.create(1, 1)
    network = networks.MLP(1, 2, [8], "tanh")

    def affine(parameters):
        shift, log_scale = tf.split(parameters, 2, axis=-1)
        return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))

    plain = tfd.TransformedDistribution(base, bijectors.Coupling(tfb.Split(2), affine, network))
    joint = tfd.Blockwise([plain, tfd.MultivariateNormalDiag(tf.zeros([3]))])
    model = Augmented(joint, standard(3), num_augmented=3)
    x = np.random.default_rng(0).normal(size=[5, 2]).astype(np.float32)
    np.testing.assert_allclose(model.log_prob(x, seed=(0, 1)), plain.log_prob(x), rtol=1e-4)


def test_images_and_integers():
    joint = tfd.Independent(tfd.Normal(tf.zeros([2, 4, 3]), 5.0), 3)
    model = Dequantized(Augmented(joint, standard(2), 2), num_levels=5)
    assert model.event_shape == (2, 4, 1) and model.distribution.event_shape == (2, 4, 1)
    with pytest.raises(ValueError, match=r"event shape \(2, 4, 2\), .* got \(2,\)"):
        model.log_prob(np.zeros([3, 2, 4, 1], np.uint8))

    def posterior(x):
        return tfd.Independent(tfd.Normal(tf.repeat(x, 2, -1), 1.0), 3)

    model = Dequantized(Augmented(joint, posterior, 2), num_levels=5)
    value = np.zeros([3, 2, 4, 1], np.uint8)
    one, same, other = (model.log_prob(value, seed=seed) for seed in ((0, 1), (0, 1), (0, 2)))
    np.testing.assert_array_equal(one, same)
    assert np.all(one != other)
    assert model.sample(7, seed=(0, 1)).shape == (7, 2, 4, 1)
    assert model.importance_log_prob(value, 40, seed=(0, 1)).shape == (3,)


def test_gradients_reach_the_posterior():
    class Posterior(tf.Module):
        def __init__(self):
            super().__init__()
            self.loc = tf.Variable(0.3)

        def __call__(self, x):
            return tfd.Independent(tfd.Normal(self.loc * x, 1.0), 1)

    posterior = Posterior()
    model = Augmented(banana(), posterior, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(tf.ones([4, 1]), seed=(0, 1)))
    assert tape.gradient(loss, posterior.loc) != 0
    assert posterior.loc.ref() in {v.ref() for v in model.trainable_variables}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Augmented(banana(), None, 1), TypeError, "augmentation needs one"),
        (lambda: Augmented(banana(), standard(2), 2), ValueError, "longer than `num_augmented`"),
        (lambda: Augmented(banana(), standard(1), 0), ValueError, "`num_augmented`"),
        (lambda: Augmented("x", standard(1), 1), TypeError, "`distribution` must be"),
        (
            lambda: Augmented(banana(), standard(1), 1).importance_log_prob(np.ones([2, 1]), 0),
            ValueError,
            "`num_samples`",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_samples_and_densities_have_the_extra_coordinates_last():
    joint = tfd.MultivariateNormalDiag([3.0, -2.0, 50.0], [1e-3, 1e-3, 1.0])
    exact = tfd.MultivariateNormalDiag([50.0], [1.0])
    model = Augmented(joint, lambda x: exact[(tf.newaxis,) * (x.shape.rank - 1)], 1)
    sample = model.sample(5, seed=(0, 1))
    np.testing.assert_allclose(sample, np.tile([3.0, -2.0], [5, 1]), atol=0.01)
    x = np.array([[3.0, -2.001]], np.float32)
    expected = joint.log_prob([[3.0, -2.001, 50.0]]) - exact.log_prob([50.0])
    np.testing.assert_allclose(model.log_prob(x, seed=(0, 1)), expected, rtol=1e-4)
