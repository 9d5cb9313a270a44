"""How well labels can be read off a representation by a linear classifier."""

import math
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.feature_checks import check_features

__all__ = ["ProbeAccuracy", "linear_probe"]

_STRENGTHS = (0.003, 0.03, 0.3, 3.0)


class ProbeAccuracy(NamedTuple):
    """The accuracy of a linear classifier on a representation.

    >>> from tfp_ebm import metrics
    >>> metrics.ProbeAccuracy(0.9, 0.01, 64, 447, 1.0).value
    0.9

    Attributes:
      value: fraction of the test labels that it gets right.
      standard_error: binomial, over the test part; where all labels or none are right, that of a
        share of (k + 1) / (n + 2), Laplace's rule: the binomial one is 0 for any n.
      num_features: F.
      num_samples: sizes of the training and the test part.
      strength: inverse of the penalty, the best of four on the held-out part.
    """

    value: float
    standard_error: float
    num_features: int
    num_samples: tuple[int, int]
    strength: float


def linear_probe(
    features: TensorLike, labels: TensorLike, held_out: tuple[Any, Any], test: tuple[Any, Any]
) -> ProbeAccuracy:
    """Trains a multinomial logistic regression on standardised features, and tests it.

    The penalty is chosen on the held-out part, the figure is that of the test part. Needs
    scikit-learn, the extra `digits`.

    >>> from tfp_ebm import metrics
    >>> labels = np.arange(60) % 2
    >>> features = labels[:, np.newaxis] + 0.1 * np.random.default_rng(0).normal(size=[60, 3])
    >>> parts = (features[40:50], labels[40:50]), (features[50:], labels[50:])
    >>> metrics.linear_probe(features[:40], labels[:40], *parts).value
    1.0

    Args:
      features: `[N, F]`, of the training part.
      labels: `[N]`, integers.
      held_out: features and labels of another part, for the choice of the penalty.
      test: features and labels of the part that is reported.

    Raises:
      ValueError: if features are not finite or of another shape.
      ImportError: if scikit-learn is missing.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ImportError(
            'The linear probe needs scikit-learn: pip install "tfp-ebm[digits]"'
        ) from None
    features = check_features("features", features)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1)

    def standardise(name, part):
        part = check_features(name, part)
        if part.shape[1] != features.shape[1]:
            raise ValueError(
                f"`{name}` must have {features.shape[1]} features like the training part, got "
                f"{part.shape[1]}."
            )
        return (part - mean) / scale

    fitted = {
        strength: LogisticRegression(C=strength, max_iter=2000).fit(
            standardise("features", features), labels
        )
        for strength in _STRENGTHS
    }
    held_out = (standardise("held_out", held_out[0]), held_out[1])
    strength = max(_STRENGTHS, key=lambda each: fitted[each].score(*held_out))
    accuracy = fitted[strength].score(standardise("test", test[0]), test[1])
    count = len(test[1])
    share = accuracy if 0 < accuracy < 1 else (accuracy * count + 1) / (count + 2)
    return ProbeAccuracy(
        value=float(accuracy),
        standard_error=math.sqrt(share * (1 - share) / count),
        num_features=features.shape[1],
        num_samples=(len(features), count),
        strength=strength,
    )
