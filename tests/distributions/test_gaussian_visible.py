import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.distributions import ConvolutionalRBM, GaussianBernoulliRBM, LabeledRBM

POINTS = np.random.default_rng(0).normal([1, -2, 0, 30], [0.5, 3, 1, 8], size=[2000, 4])
POINTS = POINTS.astype(np.float32)
MAKERS = {
    "dense": lambda **options: GaussianBernoulliRBM.create(4, 30, seed=(0, 1), **options),
    "labeled": lambda **options: LabeledRBM.create(4, 30, 3, seed=(0, 1), **options),
}


@pytest.mark.parametrize("sampler", ["replay", "persistent", "tempering", "contrastive"])
def test_every_sampler_starts_afresh_at_the_moments(sampler):
    base = MAKERS["dense"](sampler=sampler, num_chains=500)
    base.initialize_from_data(POINTS, seed=(0, 2))
    held = [variable.numpy() for variable in base.chains.variables if variable.shape[-1:] == [4]]
    for states in held:
        states = states.reshape(-1, 4)
        np.testing.assert_allclose(states.mean(0), POINTS.mean(0), atol=1.0, rtol=0.15)
        np.testing.assert_allclose(states.std(0), POINTS.std(0), rtol=0.15)
    assert held and not base.is_log_partition_stale()


@pytest.mark.parametrize("kind", ["dense", "labeled"])
def test_initialization_centres_the_machine(kind):
    base = MAKERS[kind](weight_scale=0.1)
    base.initialize_from_data(POINTS, seed=(0, 2))
    np.testing.assert_allclose(base.scale, POINTS.std(0), rtol=1e-4)
    mean = POINTS.mean(0)
    weights, sigma = base.weights.numpy(), tf.convert_to_tensor(base.scale).numpy()
    field = (mean / sigma) @ weights + base.hidden_bias.numpy()
    np.testing.assert_allclose(field, np.zeros(30), atol=1e-4)
    at_even_bits = base.visible_bias.numpy() + sigma * (weights @ np.full(30, 0.5))
    np.testing.assert_allclose(at_even_bits, mean, rtol=1e-4, atol=1e-4)


def test_the_bits_of_a_convolutional_machine_are_centred_too():
    base = ConvolutionalRBM.create([(2, 2, 1)], 6, seed=(0, 1))
    base.initialize_from_data(POINTS, seed=(0, 2))
    even = base.posterior(POINTS.mean(0)).mean()
    np.testing.assert_allclose(even, np.full(even.shape, 0.5), atol=1e-4)


def test_initialization_nears_the_likelihood_of_a_gaussian():
    base = MAKERS["dense"]()
    before = base.log_prob(POINTS).numpy().mean()
    base.initialize_from_data(POINTS, seed=(0, 2))
    deviation = POINTS.astype(np.float64).std(0)
    gaussian = -0.5 * 4 * (1 + np.log(2 * np.pi)) - np.log(deviation).sum()
    assert abs(base.log_prob(POINTS).numpy().mean() - gaussian) < 0.05
    assert before < gaussian - 10


def test_a_constant_scale_stays():
    base = MAKERS["dense"](learn_scale=False)
    base.initialize_from_data(POINTS)
    np.testing.assert_array_equal(base.scale, np.ones(4))


def test_bad_points_and_constant_parameters_are_refused():
    base = MAKERS["dense"]()
    for value in (POINTS[:1], POINTS[0], POINTS[:, :3]):
        with pytest.raises(ValueError, match="`value` must have shape"):
            base.initialize_from_data(value)
    with pytest.raises(ValueError, match="`value` must be finite"):
        base.initialize_from_data(np.full([3, 4], np.nan))
    constant = GaussianBernoulliRBM(np.ones([4, 4], np.float32), *np.zeros([2, 4], np.float32))
    with pytest.raises(ValueError, match="needs variables"):
        constant.initialize_from_data(POINTS)
