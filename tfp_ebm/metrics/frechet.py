"""The Frechet distance between two sets of features."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.metrics.features import check_features

__all__ = ["FrechetDistance", "frechet_distance"]

_FEW = 2048


class FrechetDistance(NamedTuple):
    """A Frechet distance and what it was measured on.

    Attributes:
      value: the distance, in squared units of the features.
      num_samples: sizes of the two sets.
      num_features: F.
    """

    value: float
    num_samples: tuple[int, int]
    num_features: int


def frechet_distance(first: Any, second: Any) -> FrechetDistance:
    """Returns the Frechet distance between Gaussians fitted to two sets of features.

        d = |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    The trace of the root is the sum of the roots of the eigenvalues of the symmetric
    `A^T C_2 A`, where `C_1 = A A^T`: real by construction, in float64. The distance is biased
    upwards at small N, so compare only sets of one size, and name the network.

    >>> features = np.random.default_rng(0).normal(size=[3000, 4])
    >>> frechet_distance(features, features + 1.0).value.round(6).item()
    4.0

    Args:
      first: `[N, F]`, N above 1.
      second: `[M, F]`, M above 1.

    Returns:
      A `FrechetDistance`; fewer than 2,048 samples are warned about.

    Raises:
      ValueError: if features are not finite, of different sizes, or too few for a covariance.

    Source: Heusel et al., "GANs trained by a two time-scale update rule" (2017).
    """
    first, second = check_features("first", first), check_features("second", second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "`first` and `second` must come from the same network, got "
            f"{first.shape[1]} and {second.shape[1]} features."
        )
    for name, features in (("first", first), ("second", second)):
        if len(features) < 2:
            raise ValueError(
                f"`{name}` must hold at least 2 samples for a covariance, got {len(features)}."
            )
    if min(len(first), len(second)) < _FEW:
        warnings.warn(
            f"The Frechet distance of fewer than {_FEW} samples is mostly bias; use the kernel "
            "distance, or more samples.",
            stacklevel=2,
        )
    means = [features.mean(axis=0) for features in (first, second)]
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second)]
    eigenvalues, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    product = np.linalg.eigvalsh(root.T @ covariances[1] @ root)
    trace = sum(np.trace(covariance) for covariance in covariances)
    trace -= 2 * np.sqrt(np.maximum(product, 0)).sum()
    value = float(np.sum((means[0] - means[1]) ** 2) + trace)
    return FrechetDistance(np.float64(value), (len(first), len(second)), first.shape[1])
