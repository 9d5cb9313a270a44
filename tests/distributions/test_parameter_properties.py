"""What TensorFlow Probability asks of `_parameter_properties`."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles, registry
from tfp_ebm import distributions

util = tfp.experimental.util
WEIGHTS, _ = oracles.random_machine(3, 2, scale=0.1)
FILTERS = [np.ones([1, 1, 2, 3]), np.ones([1, 1, 1, 3])]
# The class, a shape of its samples, and the parameters that no such shape tells.
CASES = {
    "DiscreteMixture": ([3], {}),
    "DiscreteMixture batch": ([4, 2, 3], {}),
    "IndependentSpins": ([4, 3], {}),
    "SmoothedBoltzmannMachine": ([3], {}),
    "SmoothedBoltzmannMachine batch": ([2, 3], {}),
    "SmoothedRBM": ([5], {"weights": WEIGHTS}),
    "SmoothedRBM batch": ([4, 5], {"weights": WEIGHTS}),
    "BipartiteNormal": ([4, 5], {"weights": WEIGHTS}),
    "RestrictedBoltzmannMachine": ([2, 5], {"weights": WEIGHTS}),
    "GaussianBernoulliRBM": ([4, 3], {"weights": WEIGHTS, "hidden_bias": [0.1, 0.2]}),
    "ConvolutionalRBM": (
        [3],
        {
            "filters": FILTERS,
            "hidden_bias": np.zeros([1, 1, 3]),
            "part_shapes": [(1, 1, 2), (1, 1, 1)],
        },
    ),
    "LabeledRBM": (
        [2, 3],
        {
            "weights": WEIGHTS,
            "hidden_bias": [0.1, 0.2],
            "label_weights": np.zeros([4, 2]),
            "label_bias": np.zeros(4),
        },
    ),
}


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("name", CASES)
def test_make_trainable(name, dtype):
    shape, given = CASES[name]
    given = tf.nest.map_structure(
        lambda v: tf.constant(v, dtype) if isinstance(v, np.ndarray | float) else v, given
    )
    cls = getattr(distributions, name.split()[0])
    # Far from the edge of what is positive definite.
    start = {"delta": 3.0} if "weights" in given and "delta" in cls.parameter_properties() else {}
    options = {"batch_and_event_shape": shape, "parameter_dtype": dtype, **given}
    made = util.make_trainable(cls, initial_parameters=start, seed=(0, 1), **options)
    assert [*made.batch_shape, *made.event_shape] == shape and made.dtype == dtype
    trained = {n for n, p in cls.parameter_properties().items() if p.is_preferred} - set(given)
    assert len(made.trainable_variables) == len(trained)
    sample = made.sample(3, seed=(0, 2))
    assert sample.shape == (3, *shape)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(made.log_prob(sample))
    gradients = tape.gradient(total, made.trainable_variables)
    assert all(np.all(np.isfinite(tf.convert_to_tensor(g))) for g in gradients)
    init, apply = util.make_trainable_stateless(cls, initial_parameters=start, **options)
    stateless = apply(*init(seed=(0, 1)))
    assert [*stateless.batch_shape, *stateless.event_shape] == shape


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, parameter) for name, (_, given) in CASES.items() for parameter in given],
)
def test_shapes_that_samples_do_not_tell_are_named(name, parameter):
    shape, given = CASES[name]
    if parameter == "part_shapes":
        return
    given = {key: value for key, value in given.items() if key != parameter}
    cls = getattr(distributions, name.split()[0])
    with pytest.raises(
        NotImplementedError, match=rf"`{parameter}` has shape \[.* pass `{parameter}`"
    ):
        util.make_trainable(cls, batch_and_event_shape=shape, **given)


@pytest.mark.parametrize("name", [n for n, entry in registry.DISTRIBUTIONS.items() if entry])
def test_parameters_lie_in_the_image_of_their_constraint(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float64)
    if name.endswith("block"):  # An upper triangular factor.
        return
    for key, properties in type(base).parameter_properties(tf.float64).items():
        value = base.parameters[key]
        if isinstance(value, list | tfp.distributions.Distribution):
            continue
        value = tf.convert_to_tensor(value, tf.float64)
        bijector = properties.default_constraining_bijector_fn()
        np.testing.assert_allclose(bijector(bijector.inverse(value) + 0.0), value, rtol=1e-10)
        constrained = bijector(
            tf.fill(bijector.inverse(value).shape, tf.constant(-40.0, tf.float64))
        )
        assert np.all(np.isfinite(constrained))
