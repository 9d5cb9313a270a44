"""Feature networks, and the checks of what they return."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tfp_ebm.internal import checks

__all__ = ["check_features", "check_probabilities", "extract", "inception_v3"]


def extract(network: Callable[[np.ndarray], Any], images: Any, batch_size: int = 128) -> np.ndarray:
    """Returns a network's output for all images, `[N, F]` float64.

    Args:
      network: function of `[n, H, W, C]` images that returns `[n, F]`.
      images: `[N, H, W, C]`.
      batch_size: images at a time.

    Raises:
      ValueError: if there are no images, or the output is not finite or not `[n, F]`.
    """
    checks.positive_integer("batch_size", batch_size)
    images = np.asarray(images)
    if len(images) == 0:
        raise ValueError("`images` is empty; features need at least one image.")
    batches = [
        np.asarray(network(images[start : start + batch_size]), np.float64)
        for start in range(0, len(images), batch_size)
    ]
    for batch in batches:
        if batch.ndim != 2:
            raise ValueError(
                f"`network` must return [N, F], one vector for each image, got shape {batch.shape}."
            )
    return check_features("network(images)", np.concatenate(batches))


def check_features(name: str, features: Any) -> np.ndarray:
    """Returns features as float64 `[N, F]`, or raises if they are not finite or of another rank."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise ValueError(f"`{name}` must have shape [N, F], got {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinite entries.")
    return features


def check_probabilities(name: str, probabilities: Any) -> np.ndarray:
    """Returns class probabilities as float64 `[N, K]`, or raises if rows do not add up to 1."""
    probabilities = check_features(name, probabilities)
    total = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(total - 1).max() > 1e-3:
        raise ValueError(
            f"`{name}` must hold rows of probabilities, got sums from {total.min():.4g} to "
            f"{total.max():.4g} and a smallest entry of {probabilities.min():.4g}; apply a softmax."
        )
    return probabilities


def inception_v3(output: str = "features") -> Callable[[np.ndarray], np.ndarray]:
    """Returns Inception-v3 with ImageNet weights, which Keras downloads once.

    Images of 1 or 3 channels in 0 ... 255 are resized to 299x299 bilinearly. These weights are
    those of Keras, not those behind published Frechet distances: never set the two side by side.

    Args:
      output: `"features"`, 2048 of them, or `"probabilities"`, 1000 classes.
    """
    from tfp_ebm.internal.keras import keras

    checks.choice("output", output, ("features", "probabilities"))
    options = {"include_top": False, "pooling": "avg"} if output == "features" else {}
    model = keras.applications.InceptionV3(weights="imagenet", **options)

    def network(images):
        import tensorflow as tf

        images = tf.image.resize(tf.cast(images, tf.float32), [299, 299])
        images = tf.image.grayscale_to_rgb(images) if images.shape[-1] == 1 else images
        return model(images / 127.5 - 1, training=False).numpy()

    return network
