import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_ebm
from tfp_ebm import models
from tfp_ebm.models import DataSpec, ModelSpec

SPEC = ModelSpec(DataSpec((2, 2, 1), 5), ("nice", {"hidden_units": [4]}), ("spins", {"delta": 3.0}))
IMAGES = np.random.default_rng(0).integers(0, 5, [6, 2, 2, 1]).astype(np.uint8)


@pytest.fixture
def model():
    model = models.build(SPEC)
    for index, variable in enumerate(model.trainable_variables):
        variable.assign(tf.random.stateless_normal(variable.shape, (0, index)))
    return model


def test_a_model_comes_back_bit_by_bit_and_replaces_itself(model, tmp_path):
    tfp_ebm.save(model, tmp_path / "deep" / "model")
    model.trainable_variables[0].assign_add(tf.ones_like(model.trainable_variables[0]))
    tfp_ebm.save(model, tmp_path / "deep" / "model")
    again = tfp_ebm.load(tmp_path / "deep" / "model")
    expected = model.log_prob(IMAGES, seed=(0, 1))
    np.testing.assert_array_equal(again.log_prob(IMAGES, seed=(0, 1)), expected)
    assert models.spec_of(again) == SPEC


def test_a_run_is_loaded_too(run):
    assert tfp_ebm.load(run).event_shape == (4, 4, 1)


def test_a_model_made_otherwise_needs_its_description(model, tmp_path):
    parts = models.parts(model)
    own = models.build(SPEC, base=parts.base, flow=parts.flow)
    with pytest.raises(ValueError, match=r"`model` must come from `models\.build`"):
        tfp_ebm.save(own, tmp_path / "model")
    tfp_ebm.save(own, tmp_path / "model", SPEC)
    again = tfp_ebm.load(tmp_path / "model")
    expected = model.log_prob(IMAGES, seed=(0, 1))
    np.testing.assert_array_equal(again.log_prob(IMAGES, seed=(0, 1)), expected)
    with pytest.raises(ValueError, match="must come from"):
        models.spec_of(tfp.distributions.Normal(0.0, 1.0))


def test_what_is_no_saved_model_is_left_alone_and_named(model, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    with pytest.raises(ValueError, match="exists and holds no saved model"):
        tfp_ebm.save(model, tmp_path / "precious")
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]
    with pytest.raises(ValueError, match=r"holds no model: neither model\.json"):
        tfp_ebm.load(tmp_path / "precious")
    tfp_ebm.save(model, tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    content = json.loads(path.read_text())
    content["spec"]["base"] = ["spins", {"delta": 2.0}]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"DiscreteMixture.delta \(3.0 there, 2.0 here\)"):
        tfp_ebm.load(tmp_path / "model")
    path.write_text("{")
    with pytest.raises(ValueError, match=r"model\.json is damaged"):
        tfp_ebm.load(tmp_path / "model")
