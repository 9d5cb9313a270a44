"""Feature networks with a name and a fingerprint of their weights."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.feature_checks import check_features, check_probabilities

__all__ = ["FeatureNetwork", "Output", "as_network", "weights_sha256"]


class Output(NamedTuple):
    """What a network says about images.

    Attributes:
      features: `[N, F]` float64.
      probabilities: `[N, K]` float64 of classes, or None if the network has no classes.
    """

    features: np.ndarray
    probabilities: np.ndarray | None


class FeatureNetwork:
    """A network that turns images into features, and perhaps class probabilities.

    >>> pixels = FeatureNetwork(lambda images: images.reshape(len(images), -1), name="pixels")
    >>> pixels(np.zeros([5, 2, 2, 1])).features.shape
    (5, 4)
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], Any],
        name: str,
        weights: Sequence[Any] = (),
        resize: str = "none",
        has_probabilities: bool = False,
    ) -> None:
        """Constructs the network.

        Args:
          function: function of float32 `[n, H, W, C]` images with values in 0 ... 255 that returns
            features `[n, F]`, or, with `has_probabilities`, a pair of these and `[n, K]`.
          name: name in records.
          weights: arrays of the weights, for the fingerprint in records.
          resize: how images become the network's input, in words, for records.
          has_probabilities: whether the function returns probabilities too.
        """
        self._function = function
        self._name = name
        self._sha256 = weights_sha256(weights)
        self._resize = resize
        self._has_probabilities = has_probabilities

    name = Given[str]("Name in records.")
    sha256 = Given[str]("SHA-256 of the weights; empty if there are none.")
    resize = Given[str]("How images become the network's input.")
    has_probabilities = Given[bool]("Whether the network gives class probabilities.")

    def __call__(self, images: TensorLike, num_levels: int = 256, batch_size: int = 128) -> Output:
        """Returns features and, where the network has them, class probabilities.

        Args:
          images: `[N, H, W, C]` with values from 0 to num_levels - 1, scaled to 0 ... 255.
          num_levels: number of pixel levels.
          batch_size: images at a time.

        Raises:
          ValueError: if there are no images, or the network's output is not finite, not `[n, F]`,
            or its probabilities do not add up to 1.
        """
        batch_size = checks.positive_integer("batch_size", batch_size)
        scale = 255 / (checks.positive_integer("num_levels", num_levels, minimum=2) - 1)
        images = np.asarray(images)
        if len(images) == 0:
            raise ValueError("`images` is empty; features need at least one image.")
        outputs = [
            self._function(images[start : start + batch_size].astype(np.float32) * scale)
            for start in range(0, len(images), batch_size)
        ]
        if not self._has_probabilities:
            return Output(self._join(outputs), None)
        features, probabilities = zip(*outputs, strict=True)
        name = f"{self._name}(images)"
        return Output(self._join(features), check_probabilities(name, self._join(probabilities)))

    def _join(self, batches):
        batches = [check_features(f"{self._name}(images)", batch) for batch in batches]
        return np.concatenate(batches)


def as_network(network: Any) -> FeatureNetwork:
    """Returns a `FeatureNetwork`, made from any callable if it is none.

    The weights of a Keras model are fingerprinted; those of another callable cannot be read, and
    records know it by its name only.

    >>> from tfp_ebm import metrics
    >>> network = metrics.as_network(lambda images: images[:, 0, 0, :])
    >>> isinstance(network, metrics.FeatureNetwork)
    True

    Args:
      network: a `FeatureNetwork`, a Keras model, or a function of `[n, H, W, C]` images with values
        in 0 ... 255 that returns features `[n, F]`.

    Raises:
      TypeError: if it is not callable.
    """
    if isinstance(network, FeatureNetwork):
        return network
    if not callable(network):
        raise TypeError(f"`network` must be callable, got {type(network).__name__}.")
    name = getattr(network, "__name__", None) or getattr(network, "name", type(network).__name__)
    weights = network.get_weights() if hasattr(network, "get_weights") else ()
    return FeatureNetwork(network, name, weights)


def weights_sha256(weights: Sequence[Any]) -> str:
    """Returns the SHA-256 of arrays in order, with their shapes and types; empty for none."""
    digest = hashlib.sha256()
    for array in map(np.asarray, weights):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest() if len(weights) else ""
