"""Conditioner networks, as tf_keras layers built by their constructors."""

from tfp_ebm.networks.conv_net import ConvNet
from tfp_ebm.networks.gated_attention import GatedAttention
from tfp_ebm.networks.gated_resnet import GatedConvolution, GatedResNet, concat_elu
from tfp_ebm.networks.keras3_network import Keras3Network
from tfp_ebm.networks.lipschitz_layers import LipschitzLinear, LipSwish
from tfp_ebm.networks.lipschitz_net import LipschitzDenseNet, LipschitzNet
from tfp_ebm.networks.masked_mlp import MaskedMLP
from tfp_ebm.networks.mlp import MLP
from tfp_ebm.networks.residual_net import ResidualNet
from tfp_ebm.networks.spectral_norm import convolution_norm_bound
from tfp_ebm.networks.transformer import Transformer
from tfp_ebm.networks.translation import Translation

__all__ = [
    "MLP",
    "ConvNet",
    "GatedAttention",
    "GatedConvolution",
    "GatedResNet",
    "Keras3Network",
    "LipSwish",
    "LipschitzDenseNet",
    "LipschitzLinear",
    "LipschitzNet",
    "MaskedMLP",
    "ResidualNet",
    "Transformer",
    "Translation",
    "concat_elu",
    "convolution_norm_bound",
]
