"""Energy-based distributions, and wrappers that turn densities into models of integers."""

from tfp_ebm.distributions.augmented import Augmented
from tfp_ebm.distributions.bipartite_normal import BipartiteNormal
from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.conditional_parts import ConditionalParts
from tfp_ebm.distributions.convolutional_rbm import ConvolutionalRBM
from tfp_ebm.distributions.dequantized import Dequantized
from tfp_ebm.distributions.dequantized_table import DequantizedTable
from tfp_ebm.distributions.discrete_mixture import DiscreteMixture
from tfp_ebm.distributions.discretized_logistic import DiscretizedLogistic
from tfp_ebm.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture
from tfp_ebm.distributions.energy_based import EnergyBased
from tfp_ebm.distributions.gaussian_bernoulli_rbm import GaussianBernoulliRBM
from tfp_ebm.distributions.independent_spins import IndependentSpins
from tfp_ebm.distributions.integer_events import IntegerEvents
from tfp_ebm.distributions.labeled_rbm import LabeledRBM
from tfp_ebm.distributions.restricted_boltzmann_machine import RestrictedBoltzmannMachine
from tfp_ebm.distributions.smoothed_boltzmann_machine import SmoothedBoltzmannMachine
from tfp_ebm.distributions.smoothed_rbm import SmoothedRBM
from tfp_ebm.distributions.stochastic_bound import StochasticBound
from tfp_ebm.internal.copying import make_copyable

__all__ = [
    "Augmented",
    "BipartiteNormal",
    "BoltzmannMachine",
    "ConditionalParts",
    "ConvolutionalRBM",
    "Dequantized",
    "DequantizedTable",
    "DiscreteMixture",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "EnergyBased",
    "GaussianBernoulliRBM",
    "IndependentSpins",
    "IntegerEvents",
    "LabeledRBM",
    "RestrictedBoltzmannMachine",
    "SmoothedBoltzmannMachine",
    "SmoothedRBM",
    "StochasticBound",
]

make_copyable()
