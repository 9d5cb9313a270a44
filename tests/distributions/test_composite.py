"""Distributions without chains pass through TensorFlow's functions, loops and nests."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import distributions

tfb, tfd = tfp.bijectors, tfp.distributions
COMPOSITE = {
    "IndependentSpins": lambda: distributions.IndependentSpins(tf.Variable([0.3, -0.5])),
    "DiscreteMixture": lambda: distributions.DiscreteMixture([0.3, -0.5], tf.Variable(2.0)),
    "DiscreteMixture learned": lambda: distributions.DiscreteMixture.create(2, learn_delta=True),
    "BipartiteNormal": lambda: distributions.BipartiteNormal([[0.3], [0.2]], [2.0, 3.0]),
    "BipartiteNormal learned": lambda: distributions.BipartiteNormal.create(2, 1, learn_delta=True),
}


@pytest.mark.parametrize("name", COMPOSITE)
def test_functions_loops_and_nests(name):
    base = COMPOSITE[name]()
    value = base.sample(3, seed=(0, 1))
    num_traces = []

    @tf.function(autograph=False)
    def through(distribution):
        num_traces.append(1)
        return distribution

    through(base)
    leaves = tf.nest.flatten(base, expand_composites=True)
    for same in (
        through(base),
        tf.function(lambda: base.copy(), autograph=False)(),
        tf.while_loop(lambda i, _: i < 2, lambda i, d: (i + 1, d), (0, base))[1],
        tf.nest.pack_sequence_as(base, leaves, expand_composites=True),
    ):
        assert type(same) is type(base) and same.batch_shape == base.batch_shape
        np.testing.assert_allclose(same.log_prob(value), base.log_prob(value), rtol=1e-6)
    assert len(num_traces) == 1


@pytest.mark.parametrize("name", COMPOSITE)
def test_variables_are_found_inside_other_distributions(name):
    base = COMPOSITE[name]()
    own = {v.ref() for v in base.trainable_variables}
    for wrapped in (
        tfd.TransformedDistribution(base, tfb.Chain([tfb.Scale(2.0), tfb.Shift(1.0)])),
        tfd.TransformedDistribution(base, tfb.Invert(tfb.Scale(2.0))),
        tfd.Independent(tfd.BatchBroadcast(base, [2, 1]), 1),
        tfd.Sample(base, 3),
    ):
        assert {v.ref() for v in wrapped.trainable_variables} == own
        assert any(isinstance(m, type(base)) for m in wrapped.submodules)


def test_machines_own_variables_and_are_not_composite():
    base = registry.DISTRIBUTIONS["SmoothedRBM"][0](tf.float32)
    with pytest.raises(TypeError, match="SmoothedRBM, which is not a Tensor"):
        tf.function(lambda: base, autograph=False)()
    weights, bias = (tf.convert_to_tensor(part) for part in (base.weights, base.bias))

    @tf.function(autograph=False)
    def inside(weights, bias):
        return distributions.SmoothedRBM(weights, bias, 2.4).log_prob(tf.zeros([2]))

    np.testing.assert_allclose(inside(weights, bias), base.log_prob(tf.zeros([2])), rtol=1e-6)
