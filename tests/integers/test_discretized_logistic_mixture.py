"""Mixtures of rounded logistics."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm.distributions import DiscretizedLogistic, DiscretizedLogisticMixture

test_conformance = registry.conformance("DiscretizedLogisticMixture")


def test_it_is_the_sum_of_its_components():
    logits, loc, scale = np.array([0.3, -1.0, 0.2]), np.array([0.3, 5.0, 16.0]), np.full(3, 1.2)
    x = np.arange(0.0, 17.0)
    mixture = DiscretizedLogisticMixture(logits, loc, scale, 0.0, 16.0)
    weights = np.exp(logits) / np.exp(logits).sum()
    each = DiscretizedLogistic(loc, scale, 0.0, 16.0).prob(x[:, np.newaxis])
    np.testing.assert_allclose(mixture.prob(x), np.asarray(each) @ weights, rtol=1e-12)
    np.testing.assert_allclose(np.sum(mixture.prob(x)), 1.0, rtol=1e-12)


def test_samples_have_its_probabilities():
    mixture = DiscretizedLogisticMixture([0.0, 1.0], [2.0, 9.0], [0.5, 2.0], 0, 12)
    samples = mixture.sample(20_000, seed=(0, 1)).numpy()
    expected = mixture.prob(tf.range(13.0)).numpy()
    frequencies = np.bincount(samples.astype(int), minlength=13) / len(samples)
    error = np.sqrt(expected * (1 - expected) / len(samples))
    assert np.all(np.abs(frequencies - expected) < 4 * error)


def test_it_is_known_as_discrete():
    mixture = DiscretizedLogisticMixture([0.0, 1.0], [2.0, 9.0], [0.5, 2.0])
    made = tfp.bijectors.Scale(2.0)(mixture)
    np.testing.assert_allclose(made.log_prob(4.0), mixture.log_prob(2.0))


def test_scalars_are_refused():
    with pytest.raises(ValueError, match=r"`loc` must have shape \[..., num_components\]"):
        DiscretizedLogisticMixture([0.0, 1.0], 2.0, [0.5, 2.0])
