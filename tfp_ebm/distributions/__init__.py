"""Energy-based distributions, and wrappers that turn densities into models of integers."""

from tfp_ebm.distributions.bipartite_normal import BipartiteNormal
from tfp_ebm.distributions.boltzmann_machine import BoltzmannMachine
from tfp_ebm.distributions.convolutional_rbm import ConvolutionalRBM
from tfp_ebm.distributions.discrete_mixture import DiscreteMixture
from tfp_ebm.distributions.gaussian_bernoulli_rbm import GaussianBernoulliRBM
from tfp_ebm.distributions.independent_spins import IndependentSpins
from tfp_ebm.distributions.labeled_rbm import LabeledRBM
from tfp_ebm.distributions.restricted_boltzmann_machine import RestrictedBoltzmannMachine
from tfp_ebm.distributions.smoothed_boltzmann_machine import SmoothedBoltzmannMachine
from tfp_ebm.distributions.smoothed_rbm import SmoothedRBM
from tfp_ebm.integers import (
    ConditionalParts,
    DiscretizedLogistic,
    DiscretizedLogisticMixture,
    IntegerEvents,
)
from tfp_ebm.internal.copying import make_copyable
from tfp_ebm.partition.energy_based import EnergyBased
from tfp_ebm.wrappers import Augmented, Dequantized, DequantizedTable, StochasticBound

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
