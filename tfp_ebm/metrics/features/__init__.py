"""Networks whose features judge samples."""

from tfp_ebm.metrics.features.classifier import load_classifier, train_classifier
from tfp_ebm.metrics.features.efficientnet import efficientnet_lite0
from tfp_ebm.metrics.features.feature_network import FeatureNetwork, as_network
from tfp_ebm.metrics.features.inception import inception_v3

__all__ = [
    "FeatureNetwork",
    "as_network",
    "efficientnet_lite0",
    "inception_v3",
    "load_classifier",
    "train_classifier",
]
