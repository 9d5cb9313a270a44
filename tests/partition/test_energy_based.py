"""What every energy-based distribution says about itself."""

import numpy as np
import pytest
import tensorflow as tf

from tests import registry
from tfp_ebm.distributions import EnergyBased

COUPLINGS = {
    "SmoothedRBM": ["weights"],
    "DiscreteMixture": [],
    "BipartiteNormal": ["weights"],
    "RestrictedBoltzmannMachine": ["weights"],
    "GaussianBernoulliRBM": ["weights"],
    "ConvolutionalRBM": ["filters"],
    "LabeledRBM": ["weights", "label_weights"],
    "SmoothedBoltzmannMachine": ["factor"],
}


@pytest.mark.parametrize("name", COUPLINGS)
def test_couplings_are_read_now_and_carry_gradients(name):
    base = registry.DISTRIBUTIONS[name][0](tf.float64)
    given = tf.nest.flatten([getattr(base, key) for key in COUPLINGS[name]])
    with tf.GradientTape() as tape:
        couplings = base.couplings
        penalty = tf.add_n([tf.reduce_sum(part**2) for part in couplings] or [tf.constant(0.0)])
    assert len(couplings) == len(given)
    for part, parameter in zip(couplings, given, strict=True):
        expected = np.array(tf.convert_to_tensor(parameter))
        if name == "SmoothedBoltzmannMachine":  # Its diagonal is no coupling.
            np.fill_diagonal(expected, 0)
        np.testing.assert_array_equal(part, expected)
    gradients = tape.gradient(penalty, base.trainable_variables)
    reached = [g for g in gradients if g is not None and np.any(np.asarray(g) != 0)]
    assert len(reached) == len(given)


def test_every_registered_class_says_what_its_couplings_are():
    made = {name: entry for name, entry in registry.DISTRIBUTIONS.items() if entry}
    for name, (make, _) in made.items():
        assert not isinstance(make(tf.float32), EnergyBased) or name.split()[0] in COUPLINGS
