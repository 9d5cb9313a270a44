import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import models


def num_parameters(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("paper_cifar10_gaussian", {}, 31_445_192),
        ("paper_cifar10_rbm", {}, 31_420_584),
        ("paper_cifar10_bernoulli", {}, 31_448_264),
        ("official_cifar10_flow_plus_plus", {}, 31_443_440),
        ("official_cifar10_vflow", {}, 39_700_096),
        (
            "paper_cifar10_gaussian",
            {"image_shape": (28, 28, 1), "num_filters": 96, "num_components": 32},
            24_855_800,
        ),
    ],
)
def test_published_parameter_counts(name, options, count):
    assert num_parameters(models.preset(name, **options)) == count


@pytest.mark.slow
def test_small_presets_have_densities():
    sizes = {"num_filters": 4, "num_components": 2, "num_blocks": 0}
    for name, shape, levels in [
        ("small_8x8", (8, 8, 1), 17),
        ("small_vflow_28x28", (28, 28, 1), 256),
        ("small_vflow_32x32", (32, 32, 3), 256),
    ]:
        image = np.random.default_rng(0).integers(0, levels, size=[2, *shape]).astype(np.uint8)
        assert np.all(np.isfinite(models.preset(name, **sizes).log_prob(image)))
    assert all(" " in description for description in models.preset_names().values())


SMALL = {"num_filters": 4, "num_components": 2, "num_blocks": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("official_cifar10_flow_plus_plus", {"num_couplings": (1, 0, 0)}),
        ("official_cifar10_vflow", {"num_couplings": (1, 0, 0, 0), "num_augmented": 1}),
        ("small_vflow_28x28", {"num_couplings": (1, 0, 0, 0), "noise": "variational"}),
    ],
)
def test_every_part_of_a_preset_has_the_same_levels_and_dtype(name, options):
    shared = {"image_shape": (4, 4, 1), "num_levels": 17, "dtype": tf.float64}
    model = models.preset(name, **shared, **SMALL, **options)
    assert model.num_levels == 17 and model.noise.num_levels == 17
    found = [part.num_levels for part in model.submodules if hasattr(part, "num_levels")]
    assert len(found) >= 2 and set(found) == {17}
    assert {variable.dtype for variable in model.trainable_variables} == {tf.float64}
    if "num_augmented" in options:
        extra = model.distribution.posterior(tf.zeros([1, 4, 4, 1], tf.float64))
        assert extra.event_shape == (4, 4, options["num_augmented"])
    outside = np.full([1, 4, 4, 1], 17, np.uint8)
    with pytest.raises(ValueError, match="integers from 0 to 16"):
        model.log_prob(outside)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("small_vflow_28x28", "delta"),
        ("official_cifar10_flow_plus_plus", "num_level"),
        ("small_8x8", "num_heds"),
        ("official_cifar10_vflow", "sampler"),
    ],
)
def test_an_option_that_a_preset_does_not_have_is_named(name, option):
    with pytest.raises(ValueError, match=f"`option of {name}` must be one of .* got '{option}'"):
        models.preset(name, **{option: 2})


def test_unknown_preset_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'paper_cifar10_rbm'"):
        models.preset("paper_cifar_rbm")
