import json

import numpy as np
import pytest

from tfp_ebm import datasets, metrics


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
