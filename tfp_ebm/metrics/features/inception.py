"""Inception-v3 as the feature network."""

import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.metrics.features.feature_network import FeatureNetwork

__all__ = ["inception_v3"]


def inception_v3(weights: str | None = "imagenet") -> FeatureNetwork:
    """Returns Inception-v3: 2048 pooled features and 1000 class probabilities.

    Images of 1 or 3 channels in 0 ... 255 are resized to 299x299 bilinearly. The weights are those
    of Keras, which downloads them once, not those behind published Frechet distances and Inception
    scores: name the network, and never set the two side by side.

    Without weights, to see its shapes; `"imagenet"` fetches those of Keras once:

    >>> from tfp_ebm import metrics
    >>> network = metrics.inception_v3(weights=None)
    >>> network(tf.zeros([1, 32, 32, 3])).features.shape
    (1, 2048)

    Args:
      weights: `"imagenet"`, a path to a file of weights, or None for random ones.

    Raises:
      OSError: if the weights cannot be downloaded.

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016).
    """
    try:
        classifier = keras.applications.InceptionV3(weights=weights)
    except Exception as error:
        # Keras has no class of its own for downloads that fail.
        if type(error) is not Exception:
            raise
        raise OSError(
            f"The weights of Inception-v3 could not be downloaded ({error}); give `weights` a file "
            "of them, or another network."
        ) from error
    pooled = classifier.get_layer("avg_pool").output
    model = keras.Model(classifier.input, [pooled, classifier.output])

    def function(images):
        images = tf.image.resize(tf.cast(images, tf.float32), [299, 299])
        images = tf.image.grayscale_to_rgb(images) if images.shape[-1] == 1 else images
        features, classes = model(images / 127.5 - 1, training=False)
        return features.numpy(), classes.numpy()

    name = f"inception_v3 (Keras, {weights or 'random'} weights)"
    resize = "bilinear to 299x299, grey copied to 3 channels, x / 127.5 - 1"
    return FeatureNetwork(function, name, model.get_weights(), resize, has_probabilities=True)
