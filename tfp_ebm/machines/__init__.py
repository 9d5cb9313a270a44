"""Boltzmann machines as nests of tensors: what samplers move and estimators anneal.

A machine knows its energies, conditionals and sums; a distribution of `tfp_ebm.distributions` makes
one of its parameters by `machine()`, and adds chains, log Z and what TensorFlow Probability asks.
`AnnealedMachine` is the protocol that chains and estimators ask for; a machine of one's own with
its methods is sampled and annealed by `tfp_ebm.mcmc` and `tfp_ebm.partition`.
"""

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.machines.connected_machine import ConnectedMachine
from tfp_ebm.machines.convolutional_machine import ConvolutionalMachine
from tfp_ebm.machines.gaussian_machine import GaussianMachine
from tfp_ebm.machines.labeled_machine import LabeledMachine
from tfp_ebm.machines.spin_machine import SpinMachine

__all__ = [
    "AnnealedMachine",
    "ConnectedMachine",
    "ConvolutionalMachine",
    "GaussianMachine",
    "LabeledMachine",
    "SpinMachine",
]
