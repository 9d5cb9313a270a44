import pathlib

import numpy as np
import pytest

import tfp_ebm
from tfp_ebm import metrics, runs
from tfp_ebm.runs import trained

NAMES = ("digits-rbm-flow",)
LARGEST = 3_000_000  # Bytes that everyone who installs the package pays.


def test_names_and_sizes():
    assert runs.trained_names() == NAMES
    root = trained.trained_folder(NAMES[0]).parent
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()]
    assert 0 < sum(sizes) < LARGEST


def test_what_is_no_name_is_told_the_names(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="comes with the package, which are digits-rbm-flow"):
        tfp_ebm.load("digits-rbm")
    with pytest.raises(ValueError, match="name of a trained model"):
        runs.trained_record("digits-rbm")
    # A folder of one's own that has the name of a trained model is the one that is meant.
    monkeypatch.chdir(tmp_path)
    pathlib.Path("digits-rbm-flow").mkdir()
    with pytest.raises(ValueError, match="holds no model"):
        tfp_ebm.load("digits-rbm-flow")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_likelihood_is_the_recorded_one(name):
    test = runs.trained_record(name)["test"]
    model = tfp_ebm.load(name)
    images = tfp_ebm.datasets.load("digits").test
    log_prob = model.log_prob(images, seed=tuple(test["seed"]))
    bits = metrics.bits_per_dimension(log_prob, images[0].size).numpy()
    assert len(bits) == test["num_events"] == 447
    np.testing.assert_allclose(bits.mean(), test["bits_per_dimension"], atol=1e-4)
    assert bits.mean() < 2.05  # Models three times as large reach 1.96 to 1.98.
    count = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert count == runs.trained_record(name)["parameters"]
    # What is saved again is the same to the last bit.
    again = tfp_ebm.load(trained.trained_folder(name))
    for one, other in zip(model.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one, other)
