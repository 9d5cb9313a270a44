import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.flows.test_vector_flow import moved
from tfp_ebm import bijectors, flows, models
from tfp_ebm.models import Conditional, DataSpec, ModelSpec

tfb, tfd = tfp.bijectors, tfp.distributions

OPTIONS = {"num_steps": 2, "hidden_units": (9,), "num_bins": 3, "num_components": 2}
KINDS = ("affine", "gated", "spline", "mixture")
RNG = np.random.default_rng(0)


def flow_of(make, size, transform, **options):
    return moved(make(size, transform=transform, dtype=tf.float64, **{**OPTIONS, **options}), 0.2)


def log_dets_and_jacobian(flow, x):
    """Returns the log-determinant of the inverse, that of automatic differentiation, and z."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy()
    jacobian = jacobian[0, :, 0, :]
    return flow.inverse_log_det_jacobian(x + 0, 1), np.linalg.slogdet(jacobian)[1], jacobian, z


@pytest.mark.parametrize("make", [flows.maf, flows.iaf], ids=["maf", "iaf"])
@pytest.mark.parametrize(
    ("transform", "size"),
    [("affine", 3), ("gated", 4), ("spline", 1), ("affine", 1)]
    + [pytest.param("spline", 3, marks=pytest.mark.slow)]
    + [pytest.param("mixture", 3, marks=pytest.mark.slow)],
)
def test_log_determinant_by_autodiff_and_round_trip(make, transform, size):
    flow, x = flow_of(make, size, transform), tf.constant(RNG.normal(size=[1, size]))
    log_det, expected, jacobian, z = log_dets_and_jacobian(flow, x)
    assert np.all(jacobian != 0)
    np.testing.assert_allclose(log_det, [expected], rtol=1e-8)
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-9)
    forward = flow.forward_log_det_jacobian(z + 0, event_ndims=1)
    np.testing.assert_allclose(forward, -log_det, rtol=1e-8)


def test_random_orders_differ_from_step_to_step_and_repeat():
    def orders():
        flow = flows.maf(7, num_steps=3, hidden_units=(5,), transform="affine", order="random")
        found = [part for part in flow.submodules if isinstance(part, bijectors.Permutation)]
        return [part.forward(np.arange(7.0)).numpy().tolist() for part in found]

    first = orders()
    assert len(first) == 3 and len(set(map(tuple, first))) == 3
    assert sorted(orders()) == sorted(first)


def one_map(flow):
    return next(part for part in flow.submodules if isinstance(part, bijectors.Autoregressive))


def test_the_affine_step_is_that_of_tensorflow_probability():
    step = one_map(flow_of(flows.maf, 5, "affine"))
    limit = 2 / np.pi * np.log(5.0)

    def shift_and_log_scale(y):
        shift, raw = tf.unstack(step.conditioner(y), axis=-1)
        log_scale = limit * tf.atan(raw / limit)
        return -tf.exp(-log_scale) * shift, -log_scale

    theirs = tfb.MaskedAutoregressiveFlow(shift_and_log_scale)
    x = RNG.normal(size=[7, 5])
    np.testing.assert_allclose(step.forward(x), theirs.forward(x), rtol=1e-10)
    np.testing.assert_allclose(step.inverse(x), theirs.inverse(x), rtol=1e-10)
    expected = theirs.inverse_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(step.inverse_log_det_jacobian(x, 1), expected, rtol=1e-10)
    assert isinstance(step, tfb.MaskedAutoregressiveFlow)


def test_the_gated_step_is_that_of_the_paper():
    step = one_map(flow_of(flows.iaf, 4, "gated"))
    z = RNG.normal(size=[6, 4])
    mean, raw = np.moveaxis(step.conditioner(z).numpy(), -1, 0)
    sigma = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(step.inverse(z), sigma * z + (1 - sigma) * mean, rtol=1e-12)
    log_det = step.inverse_log_det_jacobian(z, event_ndims=1)
    np.testing.assert_allclose(log_det, np.log(sigma).sum(-1), rtol=1e-12)


@pytest.mark.parametrize("make", [flows.maf, flows.iaf], ids=["maf", "iaf"])
def test_the_network_runs_once_the_fast_way(make):
    flow = flow_of(make, 5, "affine", num_steps=3)
    calls = []
    steps = [part for part in flow.submodules if isinstance(part, bijectors.Autoregressive)]
    assert len(steps) == 3
    for step in steps:
        network = step._conditioner

        def counting(x, network=network):
            calls.append(1)
            return network(x)

        step._conditioner = counting
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros(5)), flow)
    if make is flows.maf:
        model.log_prob(RNG.normal(size=[4, 5]))
    else:
        model.sample(4, seed=(0, 1))
    assert len(calls) == 3
    calls.clear()
    model.sample(4, seed=(0, 1)) if make is flows.maf else model.log_prob(np.zeros([4, 5]))
    assert len(calls) == 3 * (5 + 1)


@pytest.mark.parametrize("flow", ["maf", "iaf"])
def test_densities_given_a_condition_are_normalised(flow):
    options = {"num_steps": 2, "hidden_units": (9,), "transform": "affine"}
    spec = ModelSpec(DataSpec((2,), num_context=3), (flow, options), "normal", dtype="float64")
    conditional = Conditional(moved(models.build(spec), 0.15))
    points = np.linspace(-12, 12, 161)
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    conditions = tf.constant(RNG.normal(size=[2, 3]))
    density = np.exp(conditional(conditions).log_prob(grid[:, np.newaxis]))
    np.testing.assert_allclose(density.sum(0) * (points[1] - points[0]) ** 2, 1, atol=2e-3)
    assert np.abs(density[:, 0] - density[:, 1]).max() > 1e-2
    with pytest.raises(ValueError, match=r"must have shape \[..., 3\]"):
        conditional(tf.zeros([2, 4], tf.float64))


def test_one_entry_given_a_condition():
    flow = flow_of(flows.maf, 1, "affine", num_context=2)
    step = one_map(flow)
    x = RNG.normal(size=[3, 1])
    values = [step.inverse(x, condition=tf.constant(c)).numpy() for c in np.eye(2)]
    assert np.all(values[0] != values[1])


@pytest.mark.parametrize("order", ["random", (2, 0, 1)])
def test_orders(order):
    flow = flow_of(flows.maf, 3, "affine", order=order)
    x = tf.constant(RNG.normal(size=[1, 3]))
    log_det, expected, _, z = log_dets_and_jacobian(flow, x)
    np.testing.assert_allclose(log_det, [expected], rtol=1e-9)
    again = flow_of(flows.maf, 3, "affine", order=order)
    for one, other in zip(again.variables, flow.variables, strict=True):
        one.assign(other)
    np.testing.assert_array_equal(again.inverse(x), z)


@pytest.mark.slow
@pytest.mark.parametrize("make", [flows.maf, flows.iaf], ids=["maf", "iaf"])
def test_float32_round_trip_of_splines_of_many_bins(make):
    flow = make(3, num_steps=4, num_bins=32, hidden_units=[8], transform="spline")
    x = 3 * np.random.default_rng(0).normal(size=[2_000, 3]).astype(np.float32)
    models.initialize_from_data(flow, x)
    for part in flow.submodules:
        if isinstance(part, bijectors.Autoregressive):
            moved(part, 0.2)
    z = flow.inverse(x)
    assert np.std(flow.inverse_log_det_jacobian(x, event_ndims=1)) > 0.3
    np.testing.assert_allclose(flow.forward(tf.identity(z)), x, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": (0, 2, 2)}, r"`order` must hold each number from 0 to 2 once.*without \[1\]"),
        ({"order": (1, 0)}, "`order` must have 3 entries, got 2"),
        ({"order": "sideways"}, "`order` must be one of random, reversal"),
        ({"transform": "cubic"}, "`transform` must be one of affine, gated"),
        ({"num_steps": 0}, "`num_steps` must be an integer of at least 1, got 0"),
        ({"hidden_units": (1,)}, "`hidden_units` must be at least 2 in each layer, got 1"),
        ({"num_bins": 1, "transform": "spline"}, "`num_bins` must be an integer of at least 2"),
    ],
)
@pytest.mark.parametrize("make", [flows.maf, flows.iaf], ids=["maf", "iaf"])
def test_errors(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(3, **options)
