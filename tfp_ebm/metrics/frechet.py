"""The Frechet distance between two sets of features."""

import warnings

import numpy as np

from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.distance import Distance
from tfp_ebm.metrics.feature_checks import check_same_features

__all__ = ["FrechetDistance", "frechet_distance"]

_FEW = 2048


class FrechetDistance(Distance):
    """A Frechet distance, in squared units of the features; never below 0.

    The error is that of rounding, too; the bias is not in it.

    >>> from tfp_ebm import metrics
    >>> rng = np.random.default_rng(0)
    >>> one, other = rng.normal(size=[100, 2]), 1 + rng.normal(size=[100, 2])
    >>> distance = metrics.frechet_distance(one, other)
    >>> distance.num_features, bool(abs(float(distance.value) - 2) < 1)
    (2, True)
    """


def frechet_distance(first: TensorLike, second: TensorLike) -> FrechetDistance:
    """Returns the Frechet distance between Gaussians fitted to two sets of features.

        d = |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    With factors `C_1 = A A^T`, `C_2 = B B^T` and the singular values `A^T B = U S V^T`, the trace
    term is `|A U - B V|^2`: a sum of squares in float64, which neither falls below 0 nor loses
    covariances without full rank. The distance is biased upwards at small N, so compare only sets
    of one size, and name the network. Its error is by the delta method: the influence of a sample y
    of the second set is

        2 (m_2 - m_1)^T (y - m_2) + (y - m_2)^T (I - T) (y - m_2),   T = A U S^(-1) U^T A^T,

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
    factors = [_factor(first - means[0]), _factor(second - means[1])]
    left, roots, right = np.linalg.svd(factors[0].T @ factors[1])
    rotated = [factors[0] @ left, factors[1] @ right.T]
    shift = means[1] - means[0]
    value = shift @ shift + np.sum((rotated[0] - rotated[1]) ** 2)
    variances = [
        _influence(first - means[0], -shift, rotated[1], roots).var(ddof=1) / len(first),
        _influence(second - means[1], shift, rotated[0], roots).var(ddof=1) / len(second),
    ]
    squares = sum(np.sum(part**2) for part in (*factors, *means))
    resolution = num_features * np.finfo(np.float64).eps * np.sqrt(squares)
    rounding = resolution * (2 * np.sqrt(value) + resolution)
    error = np.sqrt(sum(variances) + rounding**2)
    return FrechetDistance(np.float64(value), float(error), (len(first), len(second)), num_features)


def _factor(centred):
    """Returns A with `C = A A^T`, straight from the samples: their covariance has half the digits.

    A direction without variance keeps a length of 1e-16, the root of its eigenvalue one of 1e-8.
    """
    return np.linalg.qr(centred, mode="r").T / np.sqrt(len(centred) - 1)


def _influence(centred, shift, rotated, roots):
    """Returns the influence of each sample; directions that one set does not reach have no T."""
    is_seen = roots > 1e-10 * max(roots.max(), np.finfo(np.float64).tiny)
    inverse = np.where(is_seen, 1 / np.where(is_seen, roots, 1), 0)
    transported = ((centred @ rotated) * inverse) @ rotated.T
    return 2 * centred @ shift + np.sum(centred * (centred - transported), axis=1)
