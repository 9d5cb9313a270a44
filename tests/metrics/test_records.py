import json
import math

import numpy as np
import pytest

from tfp_ebm import metrics
from tfp_ebm.internal.keras import keras

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 17, size=[2500, 2, 2, 1])


def pixels_and_classes(images):
    flat = images.reshape(len(images), -1) / 255
    high = flat.mean(axis=1)
    return flat, np.stack([high, 1 - high], axis=1)


def network(**options):
    arguments = {"weights": [np.arange(3.0)], "resize": "none", "has_probabilities": True}
    return metrics.FeatureNetwork(pixels_and_classes, "pixels", **{**arguments, **options})


def test_records_say_what_they_were_measured_with():
    judge = metrics.SampleQuality(network(), IMAGES[:2100], num_levels=17, split="validation")
    records = judge(IMAGES[300:])
    assert [record.metric for record in records] == [
        *("frechet_distance", "kernel_distance", "inception_score")
    ]
    for record in records:
        assert record.network == "pixels" and len(record.network_sha256) == 64
        assert record.split == "validation" and record.num_samples == 2200
        assert record.resize == "none" and record.error > 0
    assert [record.num_reference for record in records] == [2100, 2100, 0]
    again = metrics.SampleQuality(network(), IMAGES[:2100], 17, "validation")(IMAGES[300:])
    assert json.dumps([r.to_dict() for r in again]) == json.dumps([r.to_dict() for r in records])


def test_records_hold_the_values_of_the_metrics():
    flat = IMAGES.reshape(-1, 4) / 16
    records = metrics.SampleQuality(network(), IMAGES[:2100], num_levels=17)(IMAGES[300:])
    frechet = metrics.frechet_distance(flat[:2100], flat[300:])
    assert records[0].value == pytest.approx(frechet.value, rel=1e-4)
    kernel = metrics.kernel_distance(flat[:2100], flat[300:])
    assert records[1].value == pytest.approx(kernel.value, rel=1e-4)
    high = flat[300:].mean(axis=1)
    score = metrics.inception_score(np.stack([high, 1 - high], axis=1))
    assert records[2].value == pytest.approx(score.value, rel=1e-5)


def test_what_cannot_be_measured_is_left_out():
    judge = metrics.SampleQuality(lambda x: x.reshape(len(x), -1), IMAGES[:4], num_levels=17)
    assert [record.metric for record in judge(IMAGES[:4])] == ["kernel_distance"]


def test_the_error_of_a_single_image_is_unknown_not_zero():
    image = metrics.SampleQuality(network(), IMAGES[:4], num_levels=17)(IMAGES[:3])[-1]
    assert image.metric == "inception_score" and math.isnan(image.error)
    assert json.loads(json.dumps(image.to_dict(), allow_nan=False))["error"] is None
    assert math.isnan(metrics.difference(image, image)[1])
    record = metrics.likelihood_record([-3.0], 4, 17)
    assert record.nats == 3 and math.isnan(record.nats_error)
    assert math.isnan(record.bits_per_dimension_error)
    assert json.loads(json.dumps(record.to_dict(), allow_nan=False))["nats_error"] is None
    unknown = metrics.likelihood_record([-3.0, -4.0], 4, 17, log_partition_error=math.nan)
    assert math.isnan(unknown.nats_error)


def test_splits_of_an_inception_score_hold_at_least_two_images():
    record = metrics.SampleQuality(network(), IMAGES[:4], num_levels=17)(IMAGES[:9])[-1]
    assert record.error_kind == "standard deviation over 4 splits" and record.error > 0


def test_any_callable_is_a_network():
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    model(np.zeros([1, 2, 2, 1]))
    one, other = metrics.as_network(model), metrics.as_network(lambda x: x)
    assert one.sha256 and one.name == model.name
    model.layers[1].kernel.assign_add(np.ones([4, 3]))
    assert metrics.as_network(model).sha256 != one.sha256
    assert other.sha256 == "" and other.name == "<lambda>"
    assert metrics.as_network(one) is one
    with pytest.raises(TypeError, match="`network` must be callable, got int"):
        metrics.as_network(3)


def test_batches_are_joined_in_order_and_scaled_to_bytes():
    output = network()(IMAGES[:10], num_levels=17, batch_size=3)
    np.testing.assert_allclose(output.features, IMAGES[:10].reshape(10, 4) / 16, rtol=1e-6)
    assert output.probabilities.shape == (10, 2)


def test_difference_of_runs():
    one = metrics.Record("kernel_distance", 0.5, 0.03, "", 9, 9, "test", "net", "ab", "none")
    value, error = metrics.difference(one, one._replace(value=0.1, error=0.04))
    assert value == pytest.approx(0.4) and error == pytest.approx(0.05)
    changes = {"network": "other", "network_sha256": "cd", "resize": "bilinear", "split": "train"}
    for field, changed in {**changes, "num_samples": 8, "metric": "frechet_distance"}.items():
        with pytest.raises(ValueError, match=f"share their `{field}`.*measure both runs again"):
            metrics.difference(one, one._replace(**{field: changed}))


def test_ledger_of_a_likelihood():
    nats = RNG.normal(90, 5, size=400)
    record = metrics.likelihood_record(-nats, 64, 17, log_partition_error=0.2)
    assert record.nats == pytest.approx(nats.mean())
    assert record.nats_error == pytest.approx(math.hypot(nats.std(ddof=1) / 20, 0.2))
    assert record.bits_per_dimension == pytest.approx(nats.mean() / 64 / math.log(2))
    assert record.bits_per_dimension_error == pytest.approx(record.nats_error / 64 / math.log(2))
    assert record.is_bound and record.num_events == 400 and record.num_levels == 17
    raw = metrics.likelihood_record(-nats, 64, 17, kind="density at the raw pixels", num_draws=0)
    assert not raw.is_bound and json.dumps(raw.to_dict())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.likelihood_record([np.nan], 4, 17), "`log_prob` must be finite"),
        (lambda: metrics.likelihood_record([], 4, 17), r"must have shape \[N\]"),
        (
            lambda: metrics.likelihood_record([1.0], 4, 17, log_partition_error=-1.0),
            "`log_partition_error`",
        ),
        (lambda: metrics.likelihood_record([1.0], 4, 17, kind="bound"), "Did you mean"),
        (lambda: metrics.as_network(lambda x: x)(IMAGES), r"must have shape \[N, F\], one vector"),
        (
            lambda: metrics.as_network(lambda x: x.reshape(len(x), -1) * np.nan)(IMAGES),
            r"`<lambda>\(images\)` must be finite",
        ),
        (
            lambda: metrics.FeatureNetwork(
                lambda x: (x[:, 0, 0], x[:, 0, 0]), "raw", has_probabilities=True
            )(IMAGES),
            r"`raw\(images\)` must hold rows of probabilities.*apply a softmax",
        ),
        (lambda: network()(IMAGES[:0]), "`images` is empty"),
        (lambda: network()(IMAGES, num_levels=1), "`num_levels` must be"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
