import json
import math

import numpy as np
import pytest

from tfp_ebm import metrics

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
    errors = [frechet.standard_error, kernel.standard_error, score.standard_deviation]
    np.testing.assert_allclose([record.error for record in records], errors, rtol=1e-4)
    kinds = [record.error_kind for record in records]
    assert "delta method" in kinds[0] and "jackknife" in kinds[1] and "10 splits" in kinds[2]


@pytest.mark.filterwarnings("ignore:The Frechet")
def test_reference_images_are_judged_once():
    calls = []

    def pixels(images):
        calls.append(len(images))
        return images.reshape(len(images), -1)

    judge = metrics.SampleQuality(pixels, IMAGES[:7], num_levels=17)
    for _ in range(2):
        judge(IMAGES[7:12])
    assert calls == [7, 5, 5] and judge.network.name == "pixels"
    assert judge(IMAGES[:5])[0].split == "test"


@pytest.mark.filterwarnings("ignore:The Frechet")
@pytest.mark.parametrize(("reference", "samples", "has_frechet"), [(5, 5, True), (4, 9, False),
                                                                   (9, 4, False)])  # fmt: skip
def test_a_frechet_distance_needs_more_images_than_features(reference, samples, has_frechet):
    judge = metrics.SampleQuality(network(), IMAGES[:reference], num_levels=17)
    names = [record.metric for record in judge(IMAGES[20 : 20 + samples])]
    assert ("frechet_distance" in names) == has_frechet


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
