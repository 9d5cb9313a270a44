"""The Inception score."""

import math
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.metrics.feature_checks import check_probabilities

__all__ = ["InceptionScore", "inception_score"]


class InceptionScore(NamedTuple):
    """An Inception score and its spread over splits.

    Sure and various predictions of three classes have the highest score, 3:

    >>> from tfp_ebm import metrics
    >>> score = metrics.inception_score(np.eye(3)[np.arange(30) % 3], num_splits=1)
    >>> round(float(score.value), 3)
    3.0

    Attributes:
      value: mean over splits, from 1 to the number of classes.
      standard_deviation: over splits; NaN, unknown, for one split, or where a split holds a single
        sample, whose score is always 1.
      num_samples: N.
    """

    value: float
    standard_deviation: float
    num_samples: int


def inception_score(probabilities: TensorLike, num_splits: int = 10) -> InceptionScore:
    """Returns `exp(mean KL(p(y | x) || p(y)))` of a classifier's probabilities.

    >>> inception_score(np.eye(10).repeat(20, axis=0), num_splits=1).value.round(6).item()
    10.0

    Args:
      probabilities: `[N, K]`, rows that add up to 1.
      num_splits: number of equal parts, over which the mean and deviation are taken.

    Raises:
      ValueError: if rows are no probabilities, or there are fewer samples than splits.

    Source: Salimans et al., "Improved techniques for training GANs" (2016).
    """
    probabilities = check_probabilities("probabilities", probabilities)
    num_splits = checks.positive_integer("num_splits", num_splits)
    if len(probabilities) < num_splits:
        raise ValueError(
            f"`probabilities` must hold at least {num_splits} samples, one for each split, got "
            f"{len(probabilities)}."
        )
    scores = []
    for part in np.array_split(probabilities, num_splits):
        marginal = part.mean(axis=0)
        ratio = np.log(np.where(part > 0, part, 1)) - np.log(np.where(part > 0, marginal, 1))
        scores.append(np.exp(np.sum(part * ratio, axis=1).mean()))
    is_known = num_splits > 1 and len(probabilities) >= 2 * num_splits
    deviation = float(np.std(scores)) if is_known else math.nan
    return InceptionScore(np.mean(scores), deviation, len(probabilities))
