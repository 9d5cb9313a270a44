import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors

test_conformance = registry.conformance("ImageToLogit")

tfb, tfd = tfp.bijectors, tfp.distributions


def test_preprocessing_at_both_ends():
    bijector = bijectors.ImageToLogit(num_levels=256)
    x = np.array([0.0, 256.0, 100.0])
    p = 0.05 + 0.9 * x / 256
    np.testing.assert_allclose(bijector.forward(x), np.log(p / (1 - p)), rtol=1e-12)
    assert np.max(np.abs(bijector.forward(x))) < 2.945


def test_preprocessing_gives_a_distribution_of_levels_its_quantiles():
    levels = tfd.TransformedDistribution(
        tfd.Logistic(np.float64(0.3), 0.8), tfb.Invert(bijectors.ImageToLogit(num_levels=17))
    )
    x = np.array([0.5, 4.0, 16.0])
    p = 0.05 + 0.9 * x / 17
    expected = scipy.stats.logistic.cdf(np.log(p / (1 - p)), 0.3, 0.8)
    np.testing.assert_allclose(levels.cdf(x), expected, rtol=1e-12)
    np.testing.assert_allclose(levels.survival_function(x), 1 - expected, rtol=1e-12)
    np.testing.assert_allclose(levels.quantile(expected), x, rtol=1e-9)


@pytest.mark.parametrize("bad", [-1000.0, 1000.0, -0.95, 17.95])
def test_preprocessing_checks_its_domain_if_asked(bad):
    """0 and 17 map to -+2.94; a margin of 17 / 18 on either side maps to infinity."""
    strict = bijectors.ImageToLogit(num_levels=17, validate_args=True)
    inside = np.array([-0.94, 0.0, 17.0, 17.94])
    assert np.all(np.isfinite(strict.forward(inside)))
    for method in (strict.forward, lambda x: strict.forward_log_det_jacobian(x, event_ndims=0)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"between -0\.944.* and 17\.944"):
            method(np.array([3.0, bad]))
    assert np.isnan(bijectors.ImageToLogit(num_levels=17).forward(bad))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bijectors.ImageToLogit(alpha=0.0),
            "`alpha` must be above 0 and below 0.5, got 0.0",
        ),
        (
            lambda: bijectors.ImageToLogit(num_levels=1),
            "`num_levels` must be an integer of at least 2",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
