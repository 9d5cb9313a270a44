"""Bijectors of images and vectors, from data to latent in `forward`."""

from tfp_ebm.bijectors.act_norm import ActNorm
from tfp_ebm.bijectors.autoregressive import Autoregressive
from tfp_ebm.bijectors.channel_split import ChannelSplit
from tfp_ebm.bijectors.checkerboard_split import CheckerboardSplit
from tfp_ebm.bijectors.coupling import Coupling
from tfp_ebm.bijectors.factor_out import FactorOut
from tfp_ebm.bijectors.general_coupling import GeneralCoupling
from tfp_ebm.bijectors.image_to_logit import ImageToLogit
from tfp_ebm.bijectors.integer_operations import (
    InvertibleOperation,
    round_straight_through,
    rounded_addition,
)
from tfp_ebm.bijectors.invertible_1x1_conv import Invertible1x1Conv
from tfp_ebm.bijectors.mix_log_cdf import MixLogCDF
from tfp_ebm.bijectors.mix_log_cdf_coupling import MixLogCDFCoupling
from tfp_ebm.bijectors.monotone_spline import MonotoneSpline
from tfp_ebm.bijectors.permutation import Permutation
from tfp_ebm.bijectors.residual import Residual
from tfp_ebm.bijectors.scale_matvec_qr import ScaleMatvecQR
from tfp_ebm.bijectors.squeeze import Squeeze
from tfp_ebm.internal.copying import make_copyable
from tfp_ebm.internal.exact_log_dets import exact_log_determinants

__all__ = [
    "ActNorm",
    "Autoregressive",
    "ChannelSplit",
    "CheckerboardSplit",
    "Coupling",
    "FactorOut",
    "GeneralCoupling",
    "ImageToLogit",
    "Invertible1x1Conv",
    "InvertibleOperation",
    "MixLogCDF",
    "MixLogCDFCoupling",
    "MonotoneSpline",
    "Permutation",
    "Residual",
    "ScaleMatvecQR",
    "Squeeze",
    "exact_log_determinants",
    "round_straight_through",
    "rounded_addition",
]

make_copyable()
