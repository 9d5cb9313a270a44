"""Checks of features and of class probabilities."""

import numpy as np

from tfp_ebm.internal.types import TensorLike

__all__ = ["check_features", "check_probabilities", "check_same_features"]


def check_features(name: str, features: TensorLike) -> np.ndarray:
    """Returns features as float64 `[N, F]`, or raises if they are not finite or of another rank."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[1] == 0:
        raise ValueError(
            f"`{name}` must have shape [N, F], one vector for each image, got {features.shape}."
        )
    if not np.isfinite(features).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinite entries.")
    return features


def check_same_features(first: TensorLike, second: TensorLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns two checked sets of features, or raises if they have other numbers of features."""
    first, second = check_features("first", first), check_features("second", second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "`first` and `second` must come from the same network, got "
            f"{first.shape[1]} and {second.shape[1]} features."
        )
    return first, second


def check_probabilities(name: str, probabilities: TensorLike) -> np.ndarray:
    """Returns class probabilities as float64 `[N, K]`, or raises if rows do not add up to 1."""
    probabilities = check_features(name, probabilities)
    total = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(total - 1).max() > 1e-3:
        raise ValueError(
            f"`{name}` must hold rows of probabilities, got sums from {total.min():.4g} to "
            f"{total.max():.4g} and a smallest entry of {probabilities.min():.4g}; apply a softmax."
        )
    return probabilities
