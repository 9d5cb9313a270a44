"""Every model, distribution and bijector is copied and pickled, with variables of its own."""

import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import conditionals, models
from tfp_ebm.distributions import SmoothedBoltzmannMachine, StochasticBound

tfb, tfd = tfp.bijectors, tfp.distributions

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda original: pickle.loads(pickle.dumps(original)),
}
SMALL = {"num_levels": 17, "num_filters": 4}


def normal(*shape):
    return tfd.Normal(tf.Variable(np.full(shape, 0.3, np.float32)), 1.0)


def autoregressive(x):
    return 0.5 * tf.stack([tf.zeros_like(x[..., 0]), x[..., 0]], -1), None


MODELS = {
    "rbm_flow": lambda: models.rbm_flow((4, 4, 1), num_couplings=(1, 0, 0), **SMALL),
    "rbm_flow with a learned delta": lambda: models.rbm_flow(
        (4, 4, 1), num_couplings=(0, 0, 0), learn_delta=True, sampler="replay", **SMALL
    ),
    "variational noise": lambda: models.gaussian_flow(
        (4, 4, 1), num_couplings=(0, 0, 0), noise="variational", **SMALL
    ),
    "glow per level": lambda: models.eb_and_flow(
        (4, 4, 1), 17, "glow", "per_level", 3, num_steps=1, num_filters=4, conditional=False
    ),
    "glow": lambda: models.eb_and_flow(
        (2, 2, 1), 17, "glow", "none", num_scales=1, num_steps=1, num_filters=4
    ),
    "convolutional": lambda: models.eb_and_flow(
        (4, 4, 1), 17, "glow", "convolutional", 3, num_steps=1, num_filters=4
    ),
    "integer_flow": lambda: models.create(
        "integer_flow", (4, 4, 1), num_scales=1, num_steps=1, **SMALL
    ),
    "nice": lambda: models.eb_and_flow((4, 4, 1), 17, rbm="logistic", hidden_units=[4]),
    "vector_vflow": lambda: models.vector_vflow(2, 2, 1, (4,)),
    "vector_flow": lambda: models.vector_vflow(2, 0, 1, (4,)),
    "flow posterior": lambda: models.vector_vflow(
        2, 2, 1, (4,), posterior=conditionals.FlowPosterior(2, 2, hidden_units=(4,))
    ),
    "block": lambda: SmoothedBoltzmannMachine.create_block(2, 1),
    "Sample": lambda: tfd.Sample(normal(), 2),
    "TransformedDistribution": lambda: tfd.TransformedDistribution(
        tfd.Independent(normal(2), 1),
        tfb.Chain([tfb.Invert(tfb.Shift(tf.Variable([1.0, 2.0]))), tfb.Exp()]),
    ),
    "MaskedAutoregressiveFlow": lambda: tfd.TransformedDistribution(
        tfd.Sample(normal(), 2), tfb.MaskedAutoregressiveFlow(autoregressive)
    ),
    "Blockwise": lambda: tfd.Blockwise([tfd.Sample(normal(), 2), tfd.Sample(normal(), 1)]),
    "Blockwise of machines": lambda: tfd.Blockwise(
        [registry.gaussian_bernoulli(size, 2, tf.float32) for size in (1, 2)]
    ),
    "JointDistributionNamed": lambda: tfd.JointDistributionNamed({"a": normal(), "b": normal()}),
    "JointMap": lambda: tfd.TransformedDistribution(
        tfd.JointDistributionSequential([normal(), normal()]),
        tfb.JointMap([tfb.Shift(tf.Variable(0.3)), tfb.Exp()]),
    ),
}
MODELS |= {
    name: lambda entry=entry: entry[0](tf.float32)
    for name, entry in registry.DISTRIBUTIONS.items()
    if entry and "larger" not in name
}


SLOW = {"glow", "glow per level", "variational noise", "convolutional"}
SLOW |= {"vector_vflow", "flow posterior"}


def log_prob(model, value):
    value = tf.nest.map_structure(tf.identity, value)
    options = {"seed": (0, 2)} if isinstance(model, StochasticBound) else {}
    return np.asarray(tf.reduce_sum(model.log_prob(value, **options)))


def change(module):
    for variable in module.trainable_variables:
        variable.assign_add(tf.fill(variable.shape, tf.constant(0.1, variable.dtype)))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in MODELS],
)
def test_a_copy_of_a_distribution_keeps_its_values_when_the_original_moves(name):
    original = MODELS[name]()
    value = original.sample(3, seed=(0, 1))
    expected = log_prob(original, value)
    copies = [make(original) for make in COPIES.values()]
    change(original)
    assert abs(log_prob(original, value) - expected) > 1e-5
    for copied in copies:
        assert type(copied) is type(original)
        assert len(copied.variables) == len(original.variables)
        np.testing.assert_allclose(log_prob(copied, value), expected, rtol=1e-5)
        change(copied)
        np.testing.assert_allclose(
            log_prob(copied, value), log_prob(original, value), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("name", [name for name, entry in registry.BIJECTORS.items() if entry])
def test_a_copy_of_a_bijector_keeps_its_values_when_the_original_moves(name):
    make_bijector, points, *_ = registry.BIJECTORS[name]
    original, x = make_bijector(tf.float32), tf.constant(points, tf.float32)
    expected = [part.numpy() for part in tf.nest.flatten(original.forward(x))]
    copies = [make(original) for make in COPIES.values()]
    change(original)
    for copied in copies:
        for part, other in zip(tf.nest.flatten(copied.forward(x)), expected, strict=True):
            np.testing.assert_allclose(part, other, rtol=1e-6)
        assert len(copied.variables) == len(original.variables)
        assert not {id(v) for v in copied.variables} & {id(v) for v in original.variables}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_what_is_shared_in_the_original_is_shared_in_the_copy(make):
    base = normal()
    shared = tfd.TransformedDistribution(base, tfb.Shift(base.loc))
    copied = make(shared)
    assert copied.distribution.loc is copied.bijector.shift
    assert len(copied.trainable_variables) == 1
