import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, metrics

tfd = tfp.distributions


def test_uniform_model_of_bytes_has_exactly_eight_bits():
    density = tfd.Independent(tfd.Uniform(tf.zeros([2, 2, 3]), 256.0), 3)
    images = np.random.default_rng(0).integers(0, 256, size=[50, 2, 2, 3]).astype(np.uint8)
    metric = metrics.BitsPerDimension(12)
    metric.update_state(distributions.Dequantized(density).log_prob(images))
    # The log-probability itself is a float32, so the sum may miss 8 by its last place.
    assert float(metric.result()) == pytest.approx(8, abs=1e-6)
    assert float(metric.standard_error()) < 1e-6
    uniform = np.full(50, -12 * np.log(256.0))
    np.testing.assert_array_equal(metrics.bits_per_dimension(uniform, 12), np.full(50, 8.0))


def test_mean_and_standard_error_over_batches():
    nats = np.random.default_rng(0).normal(-90, 5, size=100).astype(np.float32)
    metric = metrics.BitsPerDimension(64)
    for part in np.split(nats, [10, 50]):
        metric.update_state(part)
    bits = -nats.astype(np.float64) / 64 / np.log(2)
    assert float(metric.result()) == pytest.approx(bits.mean(), rel=1e-6)
    assert float(metric.standard_error()) == pytest.approx(bits.std(ddof=1) / 10, rel=1e-5)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_the_error_of_less_than_two_events_is_unknown():
    metric = metrics.BitsPerDimension(64)
    assert np.isnan(metric.standard_error())
    metric.update_state([-90.0])
    assert float(metric.result()) > 0 and np.isnan(metric.standard_error())
    metric.update_state([-90.0])
    assert float(metric.standard_error()) == pytest.approx(0, abs=1e-6)


def test_shapes_are_kept_and_all_entries_of_a_batch_count():
    nats = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(metrics.bits_per_dimension(nats, 2), -nats / 2 / np.log(2))
    metric = metrics.BitsPerDimension(2)
    metric.update_state(nats)
    metric.update_state(nats[0, 0])
    values = -np.append(nats, 0.0) / 2 / np.log(2)
    assert float(metric.result()) == pytest.approx(values.mean())
    assert float(metric.standard_error()) == pytest.approx(values.std(ddof=1) / np.sqrt(7))


def test_errors():
    with pytest.raises(ValueError, match="`num_dimensions`"):
        metrics.bits_per_dimension([1.0], 0)
    with pytest.raises(ValueError, match="`sample_weight` must be None"):
        metrics.BitsPerDimension(2).update_state([1.0], sample_weight=[2.0])
