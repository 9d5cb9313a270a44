import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import flows, models
from tfp_ebm.training import energy_based_parts

SMALL_NICE = {"hidden_units": [8], "num_couplings": 2}
SMALL_GLOW = {"num_steps": 1, "num_filters": 4}


@pytest.mark.slow
def test_machines_of_several_levels_are_saved(tmp_path):
    """The joint distribution of their parts is asked for its shape before."""
    shape = (4, 4, 1)
    first, other = (
        models.eb_and_flow(shape, 5, "glow", "per_level", num_hidden=4, num_scales=2, **SMALL_GLOW)
        for _ in range(2)
    )
    base = models.parts(first).base
    base.sample(2, seed=(0, 1))
    for variable in base.trainable_variables:
        variable.assign_add(0.1 * tf.random.stateless_normal(variable.shape, (0, 2)))
    path = tf.train.Checkpoint(model=first).write(str(tmp_path / "saved"))
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    z = tf.random.stateless_normal([3, 16], (0, 3))
    np.testing.assert_array_equal(
        base.unnormalized_log_prob(z), models.parts(other).base.unnormalized_log_prob(z)
    )


@pytest.mark.parametrize(
    ("flow", "rbm", "options"),
    [
        ("nice", "dense", SMALL_NICE),
        ("nice", "none", SMALL_NICE),
        ("nice", "logistic", SMALL_NICE),
        ("glow", "dense", {**SMALL_GLOW, "num_scales": 1}),
        ("glow", "per_level", {**SMALL_GLOW, "num_scales": 2}),
        ("glow", "convolutional", {**SMALL_GLOW, "num_scales": 2}),
    ],
)
def test_models_have_densities_and_samples_and_train(flow, rbm, options):
    shape = (4, 4, 1)
    model = models.eb_and_flow(shape, 5, flow, rbm, num_hidden=4, num_chains=8, **options)
    for index, variable in enumerate(model.trainable_variables):
        variable.assign_add(0.05 * tf.random.stateless_normal(variable.shape, (0, index)))
    images = np.random.default_rng(0).integers(0, 5, size=[3, *shape]).astype(np.uint8)
    count = {"none": 0, "logistic": 0, "dense": 1, "convolutional": 1, "per_level": 2}[rbm]
    assert len(energy_based_parts(model)) == count
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(images, seed=(0, 1)))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None and np.any(gradient != 0), variable.name
    assert model.sample(5, seed=(0, 1)).shape == (5, *shape)


def test_the_logistic_base_in_numpy():
    model = models.eb_and_flow((2, 2, 1), 5, rbm="logistic", **SMALL_NICE)
    z = np.random.default_rng(0).normal(size=[3, 4])
    expected = np.sum(-z - 2 * np.log1p(np.exp(-z)), axis=-1)
    np.testing.assert_allclose(model.distribution.distribution.log_prob(z), expected, rtol=1e-5)


def test_an_rbm_refines_a_flow_trained_with_a_gaussian_base():
    images = np.random.default_rng(0).integers(0, 5, size=[50, 2, 4, 1]).astype(np.uint8)
    first = models.eb_and_flow((2, 4, 1), 5, rbm="none", **SMALL_NICE)
    flow = first.distribution.bijector
    weak = {"weight_scale": 1e-4}
    refined = models.eb_and_flow((2, 4, 1), 5, flow=flow, num_hidden=6, rbm_options=weak)
    start = [tf.reduce_mean(m.log_prob(images, seed=(0, 1))) for m in (first, refined)]
    np.testing.assert_allclose(start[1], start[0], atol=5e-3)
    flow.trainable_variables[0].assign_add(tf.ones_like(flow.trainable_variables[0]))
    moved = [tf.reduce_mean(m.log_prob(images, seed=(0, 1))) for m in (first, refined)]
    np.testing.assert_allclose(moved[1], moved[0], atol=5e-3)
    assert abs(float(moved[0] - start[0])) > 1e-3


def test_without_couplings_it_is_an_rbm_on_pixels():
    model = models.eb_and_flow((2, 4, 1), 5, num_hidden=3, num_couplings=0)
    x = np.random.default_rng(0).uniform(0, 5, size=[6, 2, 4, 1]).astype(np.float32)
    z = model.distribution.bijector.inverse(x).numpy()
    pixels = x.reshape(6, 8) / 5
    np.testing.assert_allclose(
        z, np.concatenate([pixels[:, ::2], pixels[:, 1::2]], axis=1), rtol=1e-6
    )


def test_labels_and_options_reach_the_base():
    options = {"sampler_options": {"size": 40}}
    model = models.eb_and_flow(
        (2, 4, 1),
        5,
        num_hidden=13,
        num_classes=3,
        num_chains=8,
        sampler="replay",
        rbm_options=options,
        **SMALL_NICE,
    )
    base = model.distribution.distribution
    assert base.num_classes == 3 and base.chains.states.shape == (40, 8 + 3)
    images = np.zeros([2, 2, 4, 1], np.uint8)
    kwargs = {"distribution_kwargs": {"labels": [1, 2]}}
    assert np.all(
        model.log_prob(images, seed=(0, 1), **kwargs) < model.log_prob(images, seed=(0, 1))
    )
    assert model.sample([3, 2], seed=(0, 1), **kwargs).shape == (3, 2, 2, 4, 1)


def test_errors():
    with pytest.raises(ValueError, match="conv_rbm stands on the parts of a flow of several"):
        models.eb_and_flow((4, 4, 1), flow="nice", rbm="convolutional")
    with pytest.raises(ValueError, match="`num_classes` needs `rbm='dense'`, got 'none'"):
        models.eb_and_flow((4, 4, 1), rbm="none", num_classes=3)
    with pytest.raises(ValueError, match=r"no further options, got \['hidden_units'\]"):
        flow = flows.nice((4, 4, 1), 5, hidden_units=[4])
        models.eb_and_flow((4, 4, 1), 5, flow=flow, rbm="none", hidden_units=[8])
    with pytest.raises(ValueError, match="per_level stands on the parts of a flow of several"):
        models.eb_and_flow((4, 4, 1), flow="nice", rbm="per_level")
    with pytest.raises(ValueError, match="`flow` must be one of"):
        models.eb_and_flow((4, 4, 1), flow="iaf")
