"""Distributions over whole numbers, which they keep in floats as flows need.

They are public as `tfp_ebm.distributions`.
"""

from tfp_ebm.integers.conditional_parts import ConditionalParts
from tfp_ebm.integers.discretized_logistic import DiscretizedLogistic
from tfp_ebm.integers.discretized_logistic_mixture import DiscretizedLogisticMixture
from tfp_ebm.integers.integer_events import IntegerEvents

__all__ = ["ConditionalParts", "DiscretizedLogistic", "DiscretizedLogisticMixture", "IntegerEvents"]
