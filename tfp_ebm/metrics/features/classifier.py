"""A small image classifier, the feature network of MNIST-like data."""

import json
import pathlib
import zipfile
from typing import Any

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.features.feature_network import FeatureNetwork

__all__ = ["load_classifier", "train_classifier"]

_NUM_FEATURES = 64


def _build(image_shape, num_classes, widths):
    layers = keras.layers
    images = keras.Input(image_shape)
    x = images / 127.5 - 1
    for index, width in enumerate(widths):
        x = layers.Conv2D(width, 3, 1 if index == 0 else 2, padding="same", activation="relu")(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    features = layers.Dense(_NUM_FEATURES, activation="relu")(x)
    classes = layers.Dense(num_classes, activation="softmax")(layers.Dropout(0.3)(features))
    return keras.Model(images, [features, classes])


def _as_network(model):
    def function(images):
        features, classes = model(images, training=False)
        return features.numpy(), classes.numpy()

    return FeatureNetwork(
        function, "classifier", model.get_weights(), resize="none", has_probabilities=True
    )


def train_classifier(
    images: TensorLike,
    labels: TensorLike,
    path: str | pathlib.Path,
    num_levels: int = 256,
    validation: tuple[Any, Any] | None = None,
    epochs: int = 5,
    batch_size: int = 128,
    widths: tuple[int, ...] = (32, 64, 64),
    seed: int = 0,
) -> FeatureNetwork:
    """Trains a convolutional classifier, stores its weights, and returns it as a feature network.

    64 features before the classes. Three convolutions of stride 1, 2 and 2 are right for images of
    8 to 64 pixels a side; Fashion-MNIST takes a minute or two on two cores, with 90 percent of the
    test labels right. Distances by such a network compare runs on one data set with each other, and
    with nothing published.

    >>> import pathlib, tempfile
    >>> from tfp_ebm import metrics
    >>> images = np.random.default_rng(0).integers(0, 256, [32, 8, 8, 1], dtype=np.uint8)
    >>> path = pathlib.Path(tempfile.mkdtemp(), "classifier.npz")
    >>> network = metrics.train_classifier(images, np.arange(32) % 2, path, epochs=1, widths=(4,))
    >>> path.is_file()
    True

    Args:
      images: `[N, H, W, C]` integers from 0 to num_levels - 1, a training part.
      labels: `[N]` integers, from 0.
      path: NPZ file of the weights; a JSON file of the figures beside it.
      num_levels: number of pixel levels.
      validation: images and labels that were not trained on, to report the accuracy of.
      epochs: passes over the images.
      batch_size: images in an update.
      widths: channels of the convolutions.
      seed: seed of weights, order and dropout. Sets Keras's global seed.

    Returns:
      A `FeatureNetwork` with class probabilities.

    Raises:
      ValueError: if there is not one label for each image.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 4 or labels.shape != (len(images),):
        raise ValueError(
            "`labels` must have shape [N] for `images` of shape [N, H, W, C], got "
            f"{labels.shape} for {images.shape}."
        )
    scale = 255 / (checks.positive_integer("num_levels", num_levels, minimum=2) - 1)
    keras.utils.set_random_seed(seed)
    config = {
        "image_shape": list(images.shape[1:]),
        "num_classes": int(labels.max()) + 1,
        "widths": list(widths),
    }
    model = _build(**config)
    classes = keras.Model(model.input, model.outputs[1])
    classes.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", ["accuracy"])
    classes.fit(images * np.float32(scale), labels, batch_size, epochs, verbose=0)
    if validation is not None:
        held_out, answers = validation
        result = classes.evaluate(held_out * np.float32(scale), answers, verbose=0)
        config["accuracy"] = float(result[1])
    network = _as_network(model)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, *model.get_weights())
    config |= {"epochs": epochs, "seed": seed, "sha256": network.sha256}
    path.with_suffix(".json").write_text(json.dumps(config, indent=1) + "\n")
    return network


def load_classifier(path: str | pathlib.Path) -> FeatureNetwork:
    """Returns the classifier that `train_classifier` stored.

    >>> import tempfile
    >>> from tfp_ebm import metrics
    >>> path = f"{tempfile.mkdtemp()}/classifier.npz"
    >>> images, labels = np.zeros([4, 8, 8, 1], np.uint8), [0, 1, 0, 1]
    >>> network = metrics.train_classifier(images, labels, path, epochs=1, widths=(4,))
    >>> metrics.load_classifier(path).sha256 == network.sha256
    True

    Args:
      path: NPZ file of the weights.

    Raises:
      ValueError: if a file is missing, or the weights are not those that were stored.
    """
    path = pathlib.Path(path)
    try:
        config = json.loads(path.with_suffix(".json").read_text())
        with np.load(path) as file:
            weights = [file[f"arr_{index}"] for index in range(len(file.files))]
        model = _build(config["image_shape"], config["num_classes"], config["widths"])
        model.set_weights(weights)
        network = _as_network(model)
        is_whole = network.sha256 == config["sha256"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"{path} is no whole classifier: it, or the JSON file beside it, is missing or "
            "damaged; make one by `metrics.train_classifier`."
        )
    return network
