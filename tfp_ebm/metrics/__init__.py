"""Figures of merit, with their units and errors."""

from tfp_ebm.metrics.bits_per_dimension import BitsPerDimension, bits_per_dimension

__all__ = ["BitsPerDimension", "bits_per_dimension"]
