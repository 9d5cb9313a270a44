import json

import numpy as np
import pytest

from tfp_ebm import datasets, metrics
from tfp_ebm.internal.keras import keras


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


def tiny(tmp_path, images, num_levels, name="tiny.npz", **options):
    options = {"epochs": 1, "widths": (2, 3), "batch_size": 8, **options}
    labels = np.arange(len(images)) % 3
    return metrics.train_classifier(images, labels, tmp_path / name, num_levels, **options)


def test_a_classifier_and_its_figures_come_back_from_their_files(tmp_path):
    images = np.random.default_rng(0).integers(0, 17, size=[12, 4, 4, 1])
    network = tiny(tmp_path, images, 17, validation=(images, np.zeros(12)), seed=3)
    features, probabilities = network(images, 17)
    assert features.shape == (12, 64) and probabilities.shape == (12, 3)
    assert network.name == "classifier" and network.resize == "none"
    config = json.loads((tmp_path / "tiny.json").read_text())
    share = np.mean(probabilities.argmax(1) == 0)
    assert config.pop("accuracy") == pytest.approx(share) and config.pop("sha256") == network.sha256
    assert config == {"image_shape": [4, 4, 1], "num_classes": 3, "widths": [2, 3], "epochs": 1,
                      "seed": 3}  # fmt: skip
    again = metrics.load_classifier(tmp_path / "tiny.npz")
    np.testing.assert_array_equal(again(images, 17).features, features)
    (tmp_path / "tiny.json").write_text(json.dumps({**config, "sha256": "0"}))
    with pytest.raises(ValueError, match="is no whole classifier"):
        metrics.load_classifier(tmp_path / "tiny.npz")


def test_levels_are_scaled_to_bytes_and_weights_drawn_by_the_seed(tmp_path, monkeypatch):
    seen = []

    def fit(model, images, labels, batch_size, epochs, verbose):
        del labels, verbose
        seen.append((images.min(), images.max(), batch_size, epochs))

    monkeypatch.setattr(keras.Model, "fit", fit)
    images = np.arange(17).repeat(2)[:32].reshape(2, 4, 4, 1)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = 0, 16
    networks = [tiny(tmp_path, images, 17, seed=seed, epochs=3) for seed in (1, 1, 2)]
    assert seen == [(0, 255, 8, 3)] * 3
    assert networks[0].sha256 == networks[1].sha256 != networks[2].sha256


def test_classifier_wants_a_label_for_each_image(tmp_path):
    with pytest.raises(ValueError, match=r"`labels` must have shape \[N\].*\(3,\) for \(4, 8, 8"):
        metrics.train_classifier(np.zeros([4, 8, 8, 1]), np.zeros(3), tmp_path / "c.npz")
