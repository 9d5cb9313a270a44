"""No model has two values for one thing."""

import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import conditionals, models
from tfp_ebm import flows as ready_flows

tfb, tfd = tfp.bijectors, tfp.distributions

SHAPE = (4, 4, 1)


@pytest.fixture(scope="module")
def flows():
    options = {"num_steps": 1, "num_filters": 4, "conditional": False}
    return {
        "nice": ready_flows.nice(SHAPE, 17, hidden_units=[4], num_couplings=1),
        "glow": ready_flows.glow(SHAPE, 17, num_scales=2, **options),
        "mine": tfb.Chain([tfb.Reshape([4, 4, 1], [16]), tfb.Scale(3.0)]),
    }


@pytest.mark.parametrize("name", ["nice", "glow"])
def test_a_given_flow_of_another_number_of_levels_is_refused(flows, name):
    with pytest.raises(ValueError, match=r"`flow` was made for 17 levels, .* `num_levels` is 256"):
        models.eb_and_flow(SHAPE, 256, flows[name], "none")
    assert models.eb_and_flow(SHAPE, 17, flows[name], "none").num_levels == 17


@pytest.mark.parametrize("name", ["nice", "glow", "mine"])
def test_a_given_flow_of_another_shape_or_dtype_is_refused(flows, name):
    with pytest.raises(ValueError, match=r"`flow` must map 32 latents .* \(4, 8, 1\), got"):
        models.eb_and_flow((4, 8, 1), 17, flows[name], "none")
    with pytest.raises(ValueError, match=r"`flow` was made for another dtype than float64"):
        models.eb_and_flow(SHAPE, 17, flows[name], "none", dtype=tf.float64)


@pytest.mark.slow
def test_a_given_flow_has_the_scales_of_a_base_with_parts(flows):
    for rbm in ("per_level", "convolutional"):
        with pytest.raises(ValueError, match="`flow` has 2 scales, but `num_scales` is 1"):
            models.eb_and_flow(SHAPE, 17, flows["glow"], rbm, num_scales=1)
    with pytest.raises(ValueError, match="`flow` has 0 scales, but `num_scales` is 2"):
        models.eb_and_flow(SHAPE, 17, flows["nice"], "per_level")
    assert models.eb_and_flow(SHAPE, 17, flows["mine"], "none").event_shape == SHAPE


@pytest.mark.parametrize("option", ["num_chains", "dtype", "seed", "num_hidden"])
def test_an_argument_given_twice_is_refused(option):
    with pytest.raises(ValueError, match=f"`rbm_options` must not hold .*{option}"):
        models.eb_and_flow(SHAPE, 17, rbm_options={option: 2})


def noise(num_levels, **options):
    return conditionals.VariationalNoise(
        SHAPE, num_levels, num_filters=4, num_blocks=0, num_couplings=1, **options
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.d_flow(SHAPE, 17, noise=noise(256)), "`noise` was made for 256 levels"),
        (lambda: models.vflow(SHAPE, 1, 17, noise=noise(256)), "`noise` was made for 256 levels"),
        (
            lambda: models.vflow(
                SHAPE, 1, 17, posterior=noise(9, num_channels=1, on_unit_cell=False)
            ),
            "`posterior` was made for 9 levels",
        ),
        (
            lambda: models.vflow(SHAPE, 1, 17, base=tfd.MultivariateNormalDiag(tf.zeros([16]))),
            r"`base` must have event shape \(32,\)",
        ),
        (
            lambda: models.create("nice", SHAPE, 17, num_augmented=1),
            "The flow nice takes no extra channels",
        ),
        (lambda: models.vflow(SHAPE, 1, 17, noise="variatonal"), "Did you mean 'variational'"),
    ],
)
def test_parts_of_another_model_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
