"""The Frechet distance between two sets of features."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.metrics.features import check_same_features

__all__ = ["FrechetDistance", "frechet_distance"]

_FEW = 2048


class FrechetDistance(NamedTuple):
    """A Frechet distance, its error, and what it was measured on.

    Attributes:
      value: the distance, in squared units of the features.
      standard_error: of the value, both sets taken as random; the bias is not in it.
      num_samples: sizes of the two sets.
      num_features: F.
    """

    value: float
    standard_error: float
    num_samples: tuple[int, int]
    num_features: int


def frechet_distance(first: Any, second: Any) -> FrechetDistance:
    """Returns the Frechet distance between Gaussians fitted to two sets of features.

        d = |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    The trace of the root is the sum of the roots of the eigenvalues of the symmetric
    `A^T C_2 A`, where `C_1 = A A^T`: real by construction, in float64. The distance is biased
    upwards at small N, so compare only sets of one size, and name the network. Its error is by the
    delta method: the influence of a sample y of the second set is

        2 (m_2 - m_1)^T (y - m_2) + (y - m_2)^T (I - T) (y - m_2),   T = A (A^T C_2 A)^(-1/2) A^T,

    and that of the first set the same with the roles exchanged.

    >>> features = np.random.default_rng(0).normal(size=[3000, 4])
    >>> frechet_distance(features, features + 1.0).value.round(6).item()
    4.0

    Args:
      first: `[N, F]`, N above F.
      second: `[M, F]`, M above F.

    Returns:
      A `FrechetDistance`; fewer than 2,048 samples are warned about.

    Raises:
      ValueError: if features are not finite, of different sizes, or too few for covariances of
        full rank.

    Source: Heusel et al., "GANs trained by a two time-scale update rule" (2017).
    """
    first, second = check_same_features(first, second)
    num_features = first.shape[1]
    for name, features in (("first", first), ("second", second)):
        if len(features) <= num_features:
            raise ValueError(
                f"`{name}` must hold at least {num_features + 1} samples for a covariance of "
                f"{num_features} features, got {len(features)}; use more samples, or the kernel "
                "distance, which needs no covariance."
            )
    if min(len(first), len(second)) < _FEW:
        warnings.warn(
            f"The Frechet distance of fewer than {_FEW} samples is mostly bias; use the kernel "
            "distance, or more samples.",
            stacklevel=2,
        )
    means = [features.mean(axis=0) for features in (first, second)]
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second)]
    roots, transport = _transport(*covariances)
    shift = means[1] - means[0]
    value = shift @ shift + np.trace(covariances[0] + covariances[1]) - 2 * roots.sum()
    _, transport_back = _transport(*covariances[::-1])
    variances = [
        _influence(first - means[0], -shift, transport_back).var(ddof=1) / len(first),
        _influence(second - means[1], shift, transport).var(ddof=1) / len(second),
    ]
    return FrechetDistance(
        np.float64(value), float(np.sqrt(sum(variances))), (len(first), len(second)), num_features
    )


def _transport(first, second):
    """Returns the roots of the eigenvalues of C_1 C_2, and T, which maps the second to the first.

    Directions without variance carry none of either.
    """
    eigenvalues, vectors = np.linalg.eigh(first)
    factor = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    eigenvalues, vectors = np.linalg.eigh(factor.T @ second @ factor)
    roots = np.sqrt(np.maximum(eigenvalues, 0))
    is_seen = roots > 1e-10 * max(roots.max(), np.finfo(np.float64).tiny)
    inverse = np.where(is_seen, 1 / np.where(is_seen, roots, 1), 0)
    rotated = factor @ vectors
    return roots, (rotated * inverse) @ rotated.T


def _influence(centred, shift, transport):
    quadratic = np.sum(centred * (centred - centred @ transport), axis=1)
    return 2 * centred @ shift + quadratic
