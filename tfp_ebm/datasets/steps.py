"""The resolution of numbers: the step that all of them are multiples of."""

import decimal

import numpy as np

__all__ = ["decimal_step"]

_MAX_DECIMALS = 12
_MANTISSAS = ("5", "2.5", "2", "1")


def decimal_step(values: np.ndarray) -> float | None:
    """Returns the largest step that all differences of values are multiples of, or None.

    Steps are 1, 2, 2.5 or 5 times a power of ten. Numbers with decimals need values that repeat,
    since few numbers of many digits are multiples of some step by chance.

    >>> decimal_step(np.array([0.25, 1.5, 0.25])), decimal_step(np.array([3, 17, 8]))
    (0.25, 1.0)
    >>> decimal_step(np.random.default_rng(0).normal(size=100)) is None
    True

    Args:
      values: `[N]`, finite integers or floating-point numbers, not all the same.
    """
    epsilon = np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps
    unique = np.unique(values).astype(np.float64)
    most = _MAX_DECIMALS if len(unique) < len(values) else 0
    for decimals in range(most + 1):
        scaled = unique * 10.0**decimals
        tolerance = 1e-6 + 4 * epsilon * np.abs(scaled)
        if tolerance.max() > 1e-2 or np.abs(scaled).max() > 2**53:
            return None
        whole = np.rint(scaled)
        # Tiny values are near 0, and yet no multiples of 1: different ones must stay different.
        if np.all(np.abs(scaled - whole) <= tolerance) and np.all(np.diff(whole) > 0):
            return _largest_step(int(np.gcd.reduce(np.diff(whole.astype(np.int64)))), decimals)
    return None


def _largest_step(divisor, decimals):
    """Returns the largest step that divides a whole number of units of 10^-decimals."""
    divisor = decimal.Decimal(divisor)
    power = divisor.adjusted()
    while True:
        for mantissa in _MANTISSAS:
            step = decimal.Decimal(mantissa).scaleb(power)
            if divisor % step == 0:
                return float(step.scaleb(-decimals))
        power -= 1
