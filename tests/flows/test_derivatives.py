"""First and second derivatives of whole flows and densities, against differences."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, flows
from tfp_ebm.testing.conformance import fresh, randomize
from tfp_ebm.testing.derivatives import check_derivatives

OPTIONS = {"dtype": tf.float64}
SMALL = {"num_scales": 1, "num_filters": 3, **OPTIONS}
IMAGES = np.random.default_rng(0).uniform(0, 5, size=[2, 2, 4, 1])
POINTS = np.random.default_rng(1).normal(size=[2, 4])
FLOWS = {
    "nice": (lambda: flows.nice((2, 4, 1), 5, 2, hidden_units=(5,), **OPTIONS), IMAGES),
    "glow": (lambda: flows.glow((2, 4, 1), 5, num_steps=2, **SMALL), IMAGES),
    "flow_plus_plus": (
        lambda: flows.flow_plus_plus((2, 4, 1), 5, 6, 2, 1, (1, 1, 0), **OPTIONS),
        IMAGES,
    ),
    "real_nvp": (lambda: flows.real_nvp((2, 4, 1), 5, 2, (5,), rezero=True, **OPTIONS), IMAGES),
    "image_real_nvp": (
        lambda: flows.image_real_nvp((2, 4, 1), 5, 1, True, num_steps=2, **SMALL),
        IMAGES,
    ),
    "jet": (lambda: flows.jet((2, 4, 1), 5, 2, 2, 4, 1, 2, **OPTIONS), IMAGES),
    "maf": (lambda: flows.maf(3, 2, hidden_units=(5,), **OPTIONS), POINTS[:, :3]),
    "iaf": (lambda: flows.iaf(3, 2, hidden_units=(5,), **OPTIONS), POINTS[:, :3]),
    "affine": (lambda: flows.affine_flow(3, "qr", **OPTIONS), POINTS[:, :3]),
    "elementwise": (lambda: flows.elementwise_flow(3, num_components=2, **OPTIONS), POINTS[:, :3]),
    "vector_flow": (lambda: flows.vector_flow(4, 2, (5,), **OPTIONS), POINTS),
    "vector_flow odd": (lambda: flows.vector_flow(3, 2, (5,), **OPTIONS), POINTS[:, :3]),
    "residual": (
        lambda: flows.residual((2, 4, 1), 5, 1, 1, (4,), log_det="exact", **OPTIONS),
        IMAGES,
    ),
    "residual vectors": (lambda: flows.residual((4,), None, 1, 2, (4,), **OPTIONS), POINTS),
    "densenet vectors": (lambda: flows.densenet((4,), None, 1, 2, 2, 3, **OPTIONS), POINTS),
    "spline_flow": (lambda: flows.spline_flow(3, 2, 2, (5,), **OPTIONS), POINTS[:, :3]),
    "spline_flow single": (lambda: flows.spline_flow(1, 2, 2, **OPTIONS), POINTS[:, :1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["forward", "inverse"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * ("spline" in name)) for name in FLOWS]
)
def test_flows(name, direction):
    make, points = FLOWS[name]
    flow, x = make(), tf.constant(points)
    randomize(flow)
    ndims = x.shape.rank - 1
    if direction == "forward":  # From the latent vector to the data.
        x, ndims = fresh(flow.inverse(x)), 1

    def function(x):
        x = tf.identity(x)
        method = getattr(flow, f"{direction}_log_det_jacobian")
        return getattr(flow, direction)(x), method(x, event_ndims=ndims)

    check_derivatives(function, [x], flow.trainable_variables, f"{name} {direction}")


def test_an_integer_model_in_its_parameters():
    flow = flows.nice((2, 2, 1), 5, 2, hidden_units=(5,), **OPTIONS)
    base = distributions.SmoothedRBM.create(2, 2, dtype=tf.float64)
    density = tfp.distributions.TransformedDistribution(base, flow)
    model = distributions.Dequantized(density, num_levels=5)
    randomize(model)
    images = tf.constant(IMAGES[:, :, :2], tf.uint8)
    check_derivatives(
        lambda: model.log_prob(images, seed=(0, 1)), [], model.trainable_variables, "model"
    )
