"""Distributions that wrap a density into a model of integers, or of part of its dimensions.

Their log-probability is a lower bound from draws of hidden variables. They are public as
`tfp_ebm.distributions`.
"""

from tfp_ebm.wrappers.augmented import Augmented
from tfp_ebm.wrappers.dequantized import Dequantized
from tfp_ebm.wrappers.dequantized_table import DequantizedTable
from tfp_ebm.wrappers.stochastic_bound import StochasticBound, bound_log_prob

__all__ = ["Augmented", "Dequantized", "DequantizedTable", "StochasticBound", "bound_log_prob"]
