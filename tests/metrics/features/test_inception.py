import numpy as np
import pytest

from tfp_ebm import metrics
from tfp_ebm.internal.keras import keras

RNG = np.random.default_rng(0)


@pytest.mark.slow
def test_inception_v3_with_random_weights():
    network = metrics.inception_v3(weights=None)
    grey = RNG.integers(0, 256, size=[2, 8, 8, 1])
    output = network(grey)
    assert output.features.shape == (2, 2048) and output.probabilities.shape == (2, 1000)
    colour = network(np.repeat(grey, 3, axis=-1))
    np.testing.assert_allclose(colour.features, output.features, rtol=1e-5, atol=1e-6)
    assert "random weights" in network.name and "299" in network.resize and network.sha256


@pytest.mark.parametrize(
    ("error", "expected"),
    [(Exception("URL fetch failure"), OSError), (TypeError("a bug"), TypeError)],
)
def test_weights_that_cannot_be_downloaded(monkeypatch, error, expected):
    def fail(weights):
        raise error

    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(expected, match=str(error)):
        metrics.inception_v3()
