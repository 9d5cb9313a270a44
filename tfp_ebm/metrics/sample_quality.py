"""The quality of samples, judged by a feature network against reference images."""

from typing import Any

from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.features.feature_network import FeatureNetwork, as_network
from tfp_ebm.metrics.frechet import frechet_distance
from tfp_ebm.metrics.inception_score import inception_score
from tfp_ebm.metrics.kernel import kernel_distance
from tfp_ebm.metrics.record import Record

__all__ = ["SampleQuality"]


class SampleQuality:
    """Judges samples: Frechet distance, kernel distance, Inception score, each as a `Record`.

    Features of the reference images are computed once. The Frechet distance is left out where
    there are no more images than features, and the Inception score where the network knows no
    classes.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 256, size=[3000, 2, 2, 1])
    >>> def pixels(images):
    ...     return images.reshape(len(images), -1) / 255
    >>> judge = SampleQuality(pixels, images[:2500], split="test")
    >>> [record.metric for record in judge(images[500:])]
    ['frechet_distance', 'kernel_distance']
    """

    def __init__(
        self,
        network: Any,
        reference: TensorLike,
        num_levels: int = 256,
        split: str = "test",
    ) -> None:
        """Constructs the judge.

        Args:
          network: a `FeatureNetwork`, or what `as_network` makes one of.
          reference: `[N, H, W, C]`, images of the data set.
          num_levels: number of pixel levels.
          split: part of the data set that they come from.

        Raises:
          ValueError: if the network's output on the images does not fit.
          TypeError: if the network is not callable.
        """
        self._network = as_network(network)
        self._num_levels = num_levels
        self._split = split
        self._reference = self._network(reference, num_levels).features

    @property
    def network(self) -> FeatureNetwork:
        """The feature network."""
        return self._network

    def __call__(self, samples: TensorLike) -> list[Record]:
        """Returns the records of samples.

        Args:
          samples: `[M, H, W, C]` with values from 0 to num_levels - 1.

        Raises:
          ValueError: if the network's output on the samples does not fit.
        """
        features, probabilities = self._network(samples, self._num_levels)
        count, num_reference = len(features), len(self._reference)
        records = []
        if min(count, num_reference) > features.shape[1]:
            frechet = frechet_distance(self._reference, features)
            kind = "standard error by the delta method, without bias"
            records.append(("frechet_distance", frechet.value, frechet.standard_error, kind))
        kernel = kernel_distance(self._reference, features)
        kind = "standard error by the jackknife"
        records.append(("kernel_distance", kernel.value, kernel.standard_error, kind))
        records = [self._record(*record, count, num_reference) for record in records]
        if probabilities is not None:
            splits = min(10, max(1, count // 2))
            score = inception_score(probabilities, splits)
            kind = f"standard deviation over {splits} splits"
            record = ("inception_score", score.value, score.standard_deviation, kind)
            records.append(self._record(*record, count, 0))
        return records

    def _record(self, metric, value, error, error_kind, num_samples, num_reference):
        return Record(
            metric=metric,
            value=float(value),
            error=float(error),
            error_kind=error_kind,
            num_samples=num_samples,
            num_reference=num_reference,
            split=self._split,
            network=self._network.name,
            network_sha256=self._network.sha256,
            resize=self._network.resize,
        )
