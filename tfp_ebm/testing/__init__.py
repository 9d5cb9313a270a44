"""Conformance checks that anyone can run on their own classes."""

from tfp_ebm.testing.bijectors import check_bijector
from tfp_ebm.testing.conformance import ConformanceError
from tfp_ebm.testing.distributions import check_distribution

__all__ = ["ConformanceError", "check_bijector", "check_distribution"]
