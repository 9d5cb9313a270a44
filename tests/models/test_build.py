"""Every flow with every base on every kind of data, and the checks of what does not fit."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import conditionals, distributions, flows, models
from tfp_ebm.models import DataSpec, ModelSpec

SMALL = {
    "num_filters": 4,
    "num_components": 2,
    "num_blocks": 0,
    "num_couplings": 2,
    "hidden_units": (6,),
    "num_steps": 1,
    "num_scales": 1,
    "num_chains": 8,
    "num_bins": 4,
    "num_layers": 1,
    "growth": 2,
    "num_heads": 1,
}


def small(data, flow, base, **options):
    """Returns the description of a model whose networks are tiny."""
    spec = ModelSpec(data, flow, base, **options)
    known = models.option_names(spec)
    sizes = {name: value for name, value in SMALL.items() if name in known}
    if flow == "integer_flow" and data.kind != "images":
        sizes.pop("num_scales")
    if flow == "flow_plus_plus":
        sizes["num_couplings"] = (1, 0, 0)
    if known.get("num_hidden") == "base":
        sizes["num_hidden"] = 1
    return models.with_options(spec, **sizes)


def test_the_parts_of_a_model_are_those_of_its_description():
    data = DataSpec((4, 4, 1), 17)
    spec = small(data, "flow_plus_plus", "rbm", noise="variational", num_augmented=1)
    model = models.build(spec)
    assert isinstance(model, distributions.Dequantized)
    assert isinstance(model.distribution, distributions.Augmented)
    parts = models.parts(model)
    assert isinstance(parts.base, distributions.SmoothedRBM) and parts.base.event_shape == (32,)
    assert parts.noise is model.noise and parts.posterior is model.distribution.posterior
    assert parts.num_augmented == 1 and parts.density is model.distribution.distribution
    assert parts.flow is parts.density.bijector


def test_parts_of_what_is_made_by_hand():
    normal = tfp.distributions.MultivariateNormalDiag(tf.zeros([2]))
    parts = models.parts(normal)
    assert parts.base is normal and parts.flow is None and parts.posterior is None
    shifted = tfp.bijectors.Shift(1.0)(normal)
    parts = models.parts(distributions.Dequantized(shifted, 5))
    assert parts.base is normal and parts.flow is shifted.bijector and parts.noise is None


def test_a_normal_of_many_dimensions_is_a_base_and_no_flow():
    normal = tfp.distributions.MultivariateNormalDiag(tf.zeros([2]))
    assert models.parts(normal).base is normal and models.parts(normal).flow is None


@pytest.mark.slow
def test_extra_dimensions_are_drawn_on_the_way_to_the_latents():
    model = models.build(small(DataSpec((4, 4, 1), 17), "flow_plus_plus", "rbm", num_augmented=1))
    images = np.random.default_rng(0).integers(0, 17, [5, 4, 4, 1]).astype(np.uint8)
    z = models.latents(model, images, seed=(0, 1))
    assert z.shape == (5, 32)
    np.testing.assert_array_equal(z, models.latents(model, images, seed=(0, 1)))
    x, extra = tf.split(models.parts(model).flow.forward(z), 2, axis=-1)
    np.testing.assert_array_equal(tf.floor(x + 1e-4), images)
    assert np.std(extra - x) > 0.1
    other = tf.split(models.parts(model).flow.forward(models.latents(model, images, (0, 2))), 2, -1)
    assert np.std(extra - other[1]) > 0.1


def test_whole_numbers_are_centred_on_their_cells():
    data = DataSpec((2,), columns=("integer", 3), location=(10.0, 0.0), scale=(2.0, 1.0))
    spec = ModelSpec(data, ("nice", {"num_couplings": 0}), dtype="float64")
    z = models.parts(models.build(spec)).flow.inverse([[12.5, 0.1, 0.2, 0.3]])
    np.testing.assert_allclose(np.sort(z[0]), [0.1, 0.2, 0.3, 1.0])


def test_networks_of_the_noise_share_what_is_not_given():
    data = DataSpec((4, 4, 1), 17)
    shared = small(data, "flow_plus_plus", "normal", noise="variational")
    own = models.with_options(shared, **{"noise.num_filters": 6})
    size = {"num_levels": 17, "num_blocks": 0, "num_components": 2, "num_couplings": 2}
    for spec, filters in ((shared, 4), (own, 6)):
        spec = models.with_options(
            spec, **{f"noise.{name}": size[name] for name in size if name != "num_levels"}
        )
        noise = models.parts(models.build(spec)).noise
        expected = conditionals.VariationalNoise((4, 4, 1), num_filters=filters, **size)
        shapes = [variable.shape for variable in expected.trainable_variables]
        assert [variable.shape for variable in noise.trainable_variables] == shapes


def test_parts_that_are_there_already_stand_in_for_described_ones():
    spec = small(DataSpec((4, 4, 1), 17), "nice", "normal")
    first = models.build(spec)
    base = distributions.DiscreteMixture.create(16)
    noise = conditionals.VariationalNoise(
        (4, 4, 1), 17, num_filters=4, num_blocks=0, num_couplings=1
    )
    again = models.build(spec, flow=models.parts(first).flow, base=base, noise=noise)
    parts = models.parts(again)
    assert parts.flow is models.parts(first).flow
    assert parts.base is base and parts.noise is noise
    assert models.spec_of(first) == spec
    with pytest.raises(ValueError, match=r"must come from `models\.build`"):
        models.spec_of(again)
    other = conditionals.VariationalNoise((4, 4, 1), 9, num_channels=1, on_unit_cell=False)
    extra = small(DataSpec((4, 4, 1), 17), "flow_plus_plus", "normal", num_augmented=1)
    with pytest.raises(ValueError, match="`posterior` was made for 9 levels"):
        models.build(extra, posterior=other)
    with pytest.raises(ValueError, match=r"`base` must have event shape \(16,\)"):
        models.build(spec, base=distributions.DiscreteMixture.create(15))


def test_a_flow_of_vectors_takes_images_through_logits():
    data = DataSpec((2, 2, 1), 5)
    spec = ModelSpec(data, ("vector_glow", {"num_steps": 1, "hidden_units": [4]}), dtype="float64")
    flow = models.parts(models.build(spec)).flow
    x = tf.random.stateless_uniform([3, 2, 2, 1], (0, 1), 0, 5, dtype=tf.float64)
    own = flows.vector_flow(4, 1, [4], dtype=tf.float64)
    for mine, theirs in zip(own.trainable_variables, flow.trainable_variables, strict=True):
        theirs.assign(mine + 0.1)
        mine.assign_add(tf.fill(mine.shape, tf.constant(0.1, tf.float64)))
    scaled = 0.05 + 0.9 * x.numpy() / 5
    logits = np.log(scaled / (1 - scaled)).reshape(3, 4)
    np.testing.assert_allclose(flow.inverse(x), own.inverse(logits), rtol=1e-9)
    log_det = np.sum(np.log(0.9 / 5 / (scaled * (1 - scaled))), axis=(1, 2, 3))
    np.testing.assert_allclose(
        flow.inverse_log_det_jacobian(x, event_ndims=3),
        own.inverse_log_det_jacobian(logits, event_ndims=1) + log_det,
        rtol=1e-9,
    )


def test_vectors_are_standardized_and_extra_coordinates_are_not():
    data = DataSpec((2,), location=(10.0, -3.0), scale=(4.0, 0.5))
    spec = ModelSpec(data, ("vector_glow", {"num_steps": 1}), num_augmented=2, dtype="float64")
    flow = models.parts(models.build(spec)).flow
    joint = np.array([[14.0, -2.5, 0.3, -0.2]])
    own = flows.vector_flow(4, 1, dtype=tf.float64)
    for mine, theirs in zip(own.trainable_variables, flow.trainable_variables, strict=True):
        theirs.assign(mine)
    np.testing.assert_allclose(flow.inverse(joint), own.inverse([[1.0, 1.0, 0.3, -0.2]]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ModelSpec(DataSpec((3,)), "glow"),
            r"The flow glow is for images, but the data are vectors of shape \(3,\)",
        ),
        (
            lambda: ModelSpec(DataSpec((2,), columns=("integer", 3)), "flow_plus_plus"),
            "is for images, but the data are a table",
        ),
        (
            lambda: ModelSpec(DataSpec((4, 4, 1), 5), ("nice", {"hidden_unit": [4]})),
            "`option of the flow nice` must be one of .* Did you mean 'hidden_units'",
        ),
        (lambda: ModelSpec(DataSpec((4, 4, 1), 5), "nise"), "Did you mean 'nice'"),
        (lambda: ModelSpec(DataSpec((4, 4, 1), 5), "nice", "rbn"), "Did you mean 'rbm'"),
        (
            lambda: ModelSpec(DataSpec((4, 4, 1), 5), "nice", "conv_rbm"),
            "conv_rbm stands on the parts of a flow of several scales",
        ),
        (lambda: ModelSpec(DataSpec((4, 4, 1), 5), "nice", "labeled_rbm"), "the data have none"),
        (
            lambda: ModelSpec(DataSpec((4, 4, 1), 5), "glow", num_augmented=1),
            "The flow glow takes no extra channels",
        ),
        (
            lambda: ModelSpec(DataSpec((4,)), "vector_glow", noise="variational"),
            "The noise variational is for images",
        ),
        (
            lambda: ModelSpec(
                DataSpec((4, 4, 1), 5), "flow_plus_plus", num_augmented=1, posterior="normal"
            ),
            "The posterior normal is for vectors; for images take variational",
        ),
        (
            lambda: ModelSpec(DataSpec((4, 4, 1), 5), "nice", ("rbm", {"num_hidden": 16})),
            "`num_hidden` must leave visible units: from 1 to 15",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        models.build(make())
