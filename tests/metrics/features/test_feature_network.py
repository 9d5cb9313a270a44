import numpy as np
import pytest

from tfp_ebm import metrics
from tfp_ebm.internal.keras import keras
from tfp_ebm.metrics.features.feature_network import weights_sha256

RNG = np.random.default_rng(0)


IMAGES = RNG.integers(0, 17, size=[2500, 2, 2, 1])


def pixels_and_classes(images):
    flat = images.reshape(len(images), -1) / 255
    high = flat.mean(axis=1)
    return flat, np.stack([high, 1 - high], axis=1)


def network(**options):
    arguments = {"weights": [np.arange(3.0)], "resize": "none", "has_probabilities": True}
    return metrics.FeatureNetwork(pixels_and_classes, "pixels", **{**arguments, **options})


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


def test_fingerprints_tell_weights_apart():
    weights = [np.arange(6.0).reshape(2, 3), np.zeros(2)]
    others = [
        [np.arange(6.0).reshape(3, 2), np.zeros(2)],
        [np.arange(6.0, dtype=np.float32).reshape(2, 3), np.zeros(2)],
        weights[::-1],
        weights[:1],
        [weights[0] + 1e-12, weights[1]],
        [np.asfortranarray(weights[0]).T.reshape(2, 3), weights[1]],
        [],
    ]
    seen = {weights_sha256(each) for each in (weights, *others)}
    assert len(seen) == 8 and weights_sha256([]) == ""
    assert weights_sha256([np.asfortranarray(weights[0]), weights[1]]) == weights_sha256(weights)


def test_images_come_in_batches_of_floats_from_0_to_255():
    seen = []

    def function(images):
        seen.append((images.dtype, len(images), images.min(), images.max()))
        return images.reshape(len(images), -1)

    images = np.array([0, 16] * 4).reshape(8, 1, 1, 1)
    metrics.as_network(function)(images, num_levels=17, batch_size=3)
    assert seen == [(np.float32, count, 0, 255) for count in (3, 3, 2)]
    seen.clear()
    metrics.as_network(function)(np.zeros([129, 1, 1, 1]))
    assert [count for _, count, _, _ in seen] == [128, 1]


def test_what_a_network_says_of_itself():
    one = network(resize="bilinear")
    assert (one.name, one.resize, one.has_probabilities) == ("pixels", "bilinear", True)
    plain = metrics.FeatureNetwork(lambda x: x.reshape(len(x), -1), "plain")
    assert plain(IMAGES[:2]).probabilities is None and not plain.has_probabilities
    assert (plain.resize, plain.sha256) == ("none", "")


@pytest.mark.parametrize(
    ("call", "message"),
    [
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
