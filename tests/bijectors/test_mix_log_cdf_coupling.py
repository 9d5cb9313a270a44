import numpy as np
import pytest
import tensorflow_probability as tfp
from scipy.special import expit, logit, logsumexp

from tests import registry
from tfp_ebm import bijectors, networks

tfb = tfp.bijectors

test_conformance = registry.conformance("MixLogCDFCoupling")

# Two entries to transform, five components: an output of every other size is another one.
NUM_COMPONENTS = 5
OUTPUTS = np.random.default_rng(0).normal(size=[2 * (2 + 3 * NUM_COMPONENTS)])
POINTS = np.random.default_rng(1).normal(size=[7, 4])


def coupling(outputs=OUTPUTS):
    return bijectors.MixLogCDFCoupling(
        tfb.Split(2), lambda first: np.broadcast_to(outputs, [*first.shape[:-1], len(outputs)]), 5
    )


def formula(second):
    """b' and log db'/db of equation 3, entry by entry."""
    values, log_slopes = [], []
    for entry, outputs in enumerate(np.split(OUTPUTS, 2)):
        (log_scale, shift), mixture = outputs[:2], outputs[2:]
        logits, locs, log_scales = np.split(mixture, 3)
        weights = np.exp(logits - logsumexp(logits))
        standard = (second[:, entry, None] - locs) * np.exp(-log_scales)
        cdf = expit(standard) @ weights
        density = (expit(standard) * expit(-standard) * np.exp(-log_scales)) @ weights
        values.append(np.exp(np.tanh(log_scale)) * logit(cdf) + shift)
        log_slopes.append(np.tanh(log_scale) + np.log(density) - np.log(cdf * (1 - cdf)))
    return np.stack(values, axis=-1), np.sum(log_slopes, axis=0)


def test_is_equation_3():
    values, log_det = formula(POINTS[:, 2:])
    expected = np.concatenate([POINTS[:, :2], values], axis=-1)
    np.testing.assert_allclose(coupling().forward(POINTS), expected, rtol=1e-10)
    found = coupling().forward_log_det_jacobian(POINTS, event_ndims=1)
    np.testing.assert_allclose(found, log_det, rtol=1e-9)
    np.testing.assert_allclose(coupling().inverse(expected), POINTS, rtol=1e-8)
    found = coupling().inverse_log_det_jacobian(expected + 0, event_ndims=1)
    np.testing.assert_allclose(found, -log_det, rtol=1e-8)


def test_a_network_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"must return 34 channels: 2 channels.*got 33"):
        coupling(OUTPUTS[:-1]).forward(POINTS)
    with pytest.raises(ValueError, match="`num_components` must be an integer of at least 1"):
        bijectors.MixLogCDFCoupling(tfb.Split(2), networks.MLP(2, 34), 0)
