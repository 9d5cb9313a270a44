"""The kernel distance between two sets of features."""

from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.metrics.features import check_features

__all__ = ["KernelDistance", "kernel_distance"]


class KernelDistance(NamedTuple):
    """A kernel distance and its error.

    Attributes:
      value: mean over subsets of the unbiased squared maximum mean discrepancy.
      standard_error: of that mean, over subsets.
      num_samples: sizes of the two sets.
      subset_size: size of the subsets.
    """

    value: float
    standard_error: float
    num_samples: tuple[int, int]
    subset_size: int


def kernel_distance(
    first: Any, second: Any, num_subsets: int = 50, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Returns the kernel distance (KID), unbiased at any number of samples.

        k(x, y) = (x^T y / F + 1)^3
        d = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    >>> features = np.random.default_rng(0).normal(size=[400, 4])
    >>> near = kernel_distance(features[:200], features[200:], subset_size=200)
    >>> far = kernel_distance(features[:200], features[200:] + 1.0, subset_size=200)
    >>> bool(abs(near.value) < 0.1 < far.value)
    True

    Args:
      first: `[N, F]`.
      second: `[M, F]`.
      num_subsets: number of random subsets.
      subset_size: size of each; at most N and M.
      seed: seed of the subsets.

    Raises:
      ValueError: if features are not finite or of different sizes, or a subset larger than a set.

    Source: Binkowski et al., "Demystifying MMD GANs" (2018).
    """
    first, second = check_features("first", first), check_features("second", second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "`first` and `second` must come from the same network, got "
            f"{first.shape[1]} and {second.shape[1]} features."
        )
    num_subsets = checks.positive_integer("num_subsets", num_subsets, minimum=2)
    subset_size = checks.positive_integer("subset_size", subset_size, minimum=2)
    if subset_size > min(len(first), len(second)):
        raise ValueError(
            f"`subset_size` must be at most the number of samples, got {subset_size} with "
            f"{len(first)} and {len(second)} samples."
        )
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(num_subsets):
        x, y = (part[rng.permutation(len(part))[:subset_size]] for part in (first, second))
        values.append(_unbiased(x, y))
    error = float(np.std(values, ddof=1) / np.sqrt(num_subsets))
    return KernelDistance(float(np.mean(values)), error, (len(first), len(second)), subset_size)


def _unbiased(x, y):
    count, size = x.shape

    def kernel(a, b):
        return (a @ b.T / size + 1) ** 3

    def off_diagonal_mean(gram):
        return (gram.sum() - np.trace(gram)) / (count * (count - 1))

    return (
        off_diagonal_mean(kernel(x, x)) + off_diagonal_mean(kernel(y, y)) - 2 * kernel(x, y).mean()
    )
