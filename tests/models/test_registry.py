import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, flows, models
from tfp_ebm.models import DataSpec, ModelSpec, registry


@pytest.mark.parametrize("field", ["flow", "base", "noise", "posterior"])
def test_every_option_has_a_default_and_a_sentence(field):
    for name in registry._REGISTRY[field]:
        assert registry.find(field, name).summary
        for option, (default, summary) in models.part_options(field, name).items():
            assert summary and "\n" not in summary, f"{name} {option}"
            assert default is None or isinstance(default, bool | int | float | str | tuple)


def test_options_of_a_base_are_those_of_its_function_and_of_the_class():
    options = models.part_options("base", "rbm")
    assert options["delta"].default == 2.5  # Of the class.
    assert options["num_hidden"].default is None  # The function's own.
    assert options["num_chains"] == (None, "number of chains")
    assert not {"num_visible", "dtype", "name"} & {*options}


@pytest.fixture
def restored(monkeypatch):
    parts = {field: dict(named) for field, named in registry._REGISTRY.items()}
    monkeypatch.setattr(registry, "_REGISTRY", parts)


def scaled(num_dims, factor=2.0, dtype=tf.float32):
    """A scale.

    Args:
      num_dims: D.
      factor: what latents are multiplied by. Not 0.
      dtype: dtype.
    """
    return tfp.bijectors.Scale(tf.fill([num_dims], tf.constant(factor, dtype)))


def student(latents, dtype, degrees=3.0):
    ones = tf.ones([latents.size], dtype)
    return tfp.distributions.Independent(tfp.distributions.StudentT(degrees * ones, 0.0, 1.0), 1)


def test_flows_and_bases_from_outside(restored):
    models.register_flow("scaled", scaled, "a scale", data=("vectors",))
    models.register_base("student", student, "heavy tails")
    assert models.flow_names()["scaled"] == "a scale"
    assert models.base_names()["student"] == "heavy tails"
    assert models.part_options("flow", "scaled") == {
        "factor": (2.0, "what latents are multiplied by")
    }
    spec = ModelSpec(DataSpec((3,)), ("scaled", {"factor": 3.0}), ("student", {"degrees": 5.0}))
    expected = tfp.distributions.StudentT(5.0, 0.0, 3.0).log_prob([1.0, 2.0, -1.0])
    actual = models.build(spec).log_prob([1.0, 2.0, -1.0])
    assert abs(float(actual - tf.reduce_sum(expected))) < 1e-5
    image = models.build(ModelSpec(DataSpec((2, 2, 1), 5), "scaled", "rbm"))
    assert isinstance(image, distributions.Dequantized)
    models.register_flow("scaled", scaled, "the same again", data=("vectors",))
    with pytest.raises(ValueError, match="`name` 'scaled' is taken by another flow"):
        models.register_flow("scaled", student)
    with pytest.raises(ValueError, match="`data` must be one of"):
        models.register_flow("other", scaled, data=("tables",))


def test_a_base_lists_no_option_that_it_sets_itself():
    options = models.part_options("base", "conv_rbm")
    assert "num_filters" not in options and {"num_hidden", "strides"} <= {*options}


def test_a_flow_has_the_number_of_scales_of_its_own_signature():
    def deep(image_shape, num_scales=3):
        raise NotImplementedError

    part_shapes = registry._scales(deep)
    assert part_shapes((8, 8, 1), {}) == flows.latent_shapes((8, 8, 1), 3)
    assert len(part_shapes((8, 8, 1), {"num_scales": 1})) == 1 and part_shapes((5,), {}) is None
