import numpy as np
import pytest

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


def test_small_presets_have_densities():
    sizes = {"num_filters": 4, "num_components": 2, "num_blocks": 1}
    for name, shape, levels in [
        ("small_8x8", (8, 8, 1), 17),
        ("small_vflow_28x28", (28, 28, 1), 256),
        ("small_vflow_32x32", (32, 32, 3), 256),
    ]:
        image = np.random.default_rng(0).integers(0, levels, size=[2, *shape]).astype(np.uint8)
        assert np.all(np.isfinite(models.preset(name, **sizes).log_prob(image)))
    assert all(" " in description for description in models.preset_names().values())


def test_unknown_preset_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'paper_cifar10_rbm'"):
        models.preset("paper_cifar_rbm")
