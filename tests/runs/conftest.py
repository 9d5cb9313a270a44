"""A run of a model of a handful of numbers on two dozen images, for commands within a process."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import cli, datasets, distributions, models
from tfp_ebm.datasets import Dataset

_build = models.build


def _small_model(spec, **parts):
    """Traced at once, whatever was asked for of images."""
    if len(spec.data.event_shape) != 3:
        return _build(spec, **parts)
    loc = tf.Variable(tf.fill(spec.data.event_shape, 2.0), name="loc")
    density = tfp.distributions.Independent(tfp.distributions.Normal(loc, 1.0), 3)
    return distributions.Dequantized(density, spec.data.num_levels)


def _patch(patch):
    """Sixteen images in place of digits, and no determinism for the rest of the process."""
    images = np.random.default_rng(0).integers(0, 5, [24, 4, 4, 1]).astype(np.uint8)
    labels = np.arange(24) % 3
    parts = np.split(images, [16, 20])
    data = Dataset("digits", *parts, *np.split(labels, [16, 20]), num_levels=5)
    patch.setattr(datasets, "load", lambda name, data_dir=None, **options: data)
    patch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    patch.setattr(models, "build", _small_model)


@pytest.fixture
def small(monkeypatch):
    _patch(monkeypatch)


@pytest.fixture(scope="session")
def _trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    arguments = ["train", "gaussian_flow", "--dataset", "digits", "--output", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        _patch(patch)
        options = ["--epochs", "1", "--batch-size", "8", "--warmup-steps", "0"]
        assert cli.main([*arguments, *options]) == 0
    return folder


@pytest.fixture
def run(small, _trained, tmp_path):
    """A finished run of one epoch, a copy for the test to change."""
    return shutil.copytree(_trained, tmp_path / "run")
