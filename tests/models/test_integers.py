"""Models of whole numbers: sums over all images, samples, and what is refused."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, models
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.testing.conformance import randomize

IMAGES = np.array(list(itertools.product(range(4), repeat=4)), np.uint8).reshape([-1, 2, 2, 1])
FLOW = {"num_steps": 1, "num_filters": 4, "num_blocks": 0, "hidden_units": (5,), "rezero": False}
BASE = {"num_components": 2, "num_filters": 4, "num_blocks": 0}


def _model(**flow):
    spec = ModelSpec(
        DataSpec((2, 2, 1), 4),
        ("integer_flow", {**FLOW, **flow}),
        ("discretized_logistic", BASE),
    )
    model = models.build(spec)
    randomize(model, 0.5)
    return model


@pytest.mark.parametrize("coupling", ["bipartite", "quadripartite"])
@pytest.mark.parametrize("num_scales", [0, 1])
def test_probabilities_of_all_images_sum_to_one(coupling, num_scales):
    model = _model(coupling=coupling, num_scales=num_scales)
    probability = np.exp(model.log_prob(IMAGES).numpy().astype(np.float64))
    assert np.isfinite(probability).all()
    np.testing.assert_allclose(probability.sum(), 1.0, atol=1e-6)  # Nothing lies outside.


def test_samples_have_these_probabilities():
    model = _model()
    probability = model.prob(IMAGES).numpy()
    samples = model.sample(20_000, seed=(0, 1)).numpy().reshape([-1, 4])
    codes = samples @ [64, 16, 4, 1]
    frequencies = np.bincount(codes, minlength=256) / len(samples)
    error = np.sqrt(probability * (1 - probability) / len(samples))
    assert np.all(np.abs(frequencies - probability) < 4 * error + 2 / len(samples))


def test_a_table_of_probabilities_in_numpy():
    model = _model(num_scales=0)
    parts = models.parts(model)
    z = models.latents(model, IMAGES).numpy()
    (raw,) = (v.numpy() for v in parts.base.trainable_variables)
    logits, loc, scale = np.split(raw.astype(np.float64), 3, axis=-1)
    loc, scale = 1.5 + loc + [-1.5, 1.5], 0.05 + np.log1p(np.exp(scale)) / 2
    weights = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    edges = np.array([-np.inf, 0.5, 1.5, 2.5, np.inf])
    cumulative = 1 / (1 + np.exp(-(edges[:, np.newaxis, np.newaxis] - loc) / scale))
    table = np.sum(weights * np.diff(cumulative, axis=0), axis=-1)
    expected = np.log(table[z.astype(int), np.arange(4)]).sum(axis=-1)
    np.testing.assert_allclose(model.log_prob(IMAGES), expected, rtol=2e-5)


def test_the_parts_of_a_model():
    model = _model()
    parts = models.parts(model)
    assert isinstance(model, distributions.IntegerEvents) and model.dtype == tf.uint8
    assert isinstance(parts.base, distributions.ConditionalParts) and parts.noise is None
    assert parts.base.part_sizes == (1, 1, 2) and parts.flow is parts.density.bijector
    np.testing.assert_array_equal(
        parts.flow.forward(models.latents(model, IMAGES)), IMAGES.astype(np.float32)
    )


def test_no_jacobian_is_added_to_the_model():
    model = _model()
    shifted = tfp.bijectors.Scale(2.0)(models.parts(model).base)
    z = models.latents(model, IMAGES)
    np.testing.assert_allclose(shifted.log_prob(2 * z), model.log_prob(IMAGES), rtol=1e-6)


def test_columns_of_whole_numbers_and_categories():
    data = DataSpec((3,), columns=("integer", 4, "integer"), location=(9, 0, -5), scale=(3, 1, 2))
    model = models.build(ModelSpec(data, ("integer_flow", FLOW), ("discretized_logistic", BASE)))
    randomize(model)
    rows = np.array([[9, 3, -5], [-200, 0, 4]], np.float32)
    assert model.num_levels == (None, 4, None)
    assert np.isfinite(model.log_prob(rows)).all()
    samples = model.sample(200, seed=(0, 1)).numpy()
    assert samples.dtype == np.float32 and set(samples[:, 1]) <= {0.0, 1.0, 2.0, 3.0}
    for bad in ([9.5, 0, 0], [9, 4, 0], [9, -1, 0]):
        with pytest.raises(ValueError, match="must hold whole numbers"):
            model.log_prob(np.array([bad], np.float32))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"base": "rbm"}, "the base rbm is over real ones; take the base discretized_logistic"),
        ({"flow": "nice"}, "the flow nice makes real ones; take the flow integer_flow"),
        ({"noise": "variational"}, "has no dequantisation, got `noise` variational"),
        ({"num_augmented": 1}, "takes no extra dimensions"),
        ({"data": DataSpec((2,))}, "the data hold real ones"),
        ({"data": DataSpec((2,), columns=("integer", "continuous"))}, "the data hold real ones"),
        ({"data": DataSpec((2, 2, 1), 4, num_context=3)}, "takes no condition"),
    ],
)
def test_what_does_not_fit_is_refused(spec, message):
    given = {"data": DataSpec((2, 2, 1), 4), "flow": "integer_flow", "base": "discretized_logistic"}
    with pytest.raises(ValueError, match=message):
        models.build(ModelSpec(**{**given, **spec}))
