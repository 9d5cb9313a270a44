import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors, networks
from tfp_ebm.internal.seeds import seed_scope
from tfp_ebm.testing.conformance import randomize

tfb, tfd = tfp.bijectors, tfp.distributions

test_conformance = registry.conformance("Residual")


def moved(network, scale=1.0):
    """Returns a network far from 0."""
    randomize(network, scale)
    return network


def jacobians(bijector, x):
    """Returns `[N, D, D]` by automatic differentiation, one output at a time."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        entries = tf.unstack(tf.reshape(bijector.forward(x), [len(x), -1]), axis=1)
    rows = [tf.reshape(tape.gradient(entry, x), [len(x), -1]) for entry in entries]
    return np.stack(rows, axis=1).astype(np.float64)


@pytest.mark.parametrize(
    "network",
    [
        lambda: networks.LipschitzNet((2,), [16], dtype="float64"),
        pytest.param(
            lambda: networks.LipschitzDenseNet((8,), 2, 8, dtype="float64"), marks=pytest.mark.slow
        ),
        pytest.param(
            lambda: networks.LipschitzNet((2, 2, 2), [6], dtype="float64"), marks=pytest.mark.slow
        ),
    ],
)
def test_exact_log_determinants_and_inverses(network):
    layer = bijectors.Residual(moved(network()))
    x = tf.constant(np.random.default_rng(0).normal(size=[20, *layer.network.event_shape]))
    matrices = jacobians(layer, x)
    expected = np.linalg.slogdet(matrices)[1]
    log_det = layer.forward_log_det_jacobian(tf.identity(x))
    assert layer.log_det_kind == "exact" and np.std(expected) > 1e-3
    np.testing.assert_allclose(log_det, expected, atol=1e-10)
    # The series by itself, by NumPy.
    slopes = matrices - np.eye(matrices.shape[-1])
    power, series = np.eye(matrices.shape[-1]), 0.0
    for k in range(1, 400):
        power = power @ slopes
        series = series - (-1) ** k / k * np.trace(power, axis1=1, axis2=2)
    np.testing.assert_allclose(log_det, series, atol=1e-7)
    y = layer.forward(x)
    found = layer.fixed_point(y)
    np.testing.assert_allclose(layer.inverse(tf.identity(y)), x, atol=1e-10)
    np.testing.assert_allclose(found.x, x, atol=1e-10)
    assert np.max(found.residual) < 1e-11 and 2 < found.num_evaluations < 100


@pytest.mark.slow
@pytest.mark.parametrize("coefficient", [0.5, 0.98])
def test_the_inverse_in_float32(coefficient):
    network = networks.LipschitzDenseNet((30,), 2, 20, coefficient=coefficient)
    layer = bijectors.Residual(moved(network))
    y = tf.constant(3 * np.random.default_rng(1).normal(size=[200, 30]), tf.float32)
    x = layer.inverse(y)
    assert np.max(np.abs(layer.forward(tf.identity(x)) - y)) < 1e-5 * np.max(np.abs(y))
    assert np.max(layer.fixed_point(y).residual) < 1e-5


def test_estimates_are_functions_of_their_seed():
    network = moved(networks.LipschitzNet((20,), [16], dtype="float64"))
    layer, other = bijectors.Residual(network), bijectors.Residual(network, log_det="series")
    assert (layer.log_det_kind, other.log_det_kind) == ("unbiased estimate", "truncated estimate")
    x = tf.constant(np.random.default_rng(2).normal(size=[5, 20]))

    def log_det(layer, seed):
        return layer.forward_log_det_jacobian(tf.identity(x), seed=seed).numpy()

    np.testing.assert_array_equal(log_det(layer, (1, 2)), log_det(layer, (1, 2)))
    assert np.all(log_det(layer, (1, 2)) != log_det(layer, (1, 3)))
    assert np.all(log_det(layer, None) != log_det(layer, None))
    draws = []
    for _ in range(2):
        with seed_scope(tf.constant([4, 5])):
            draws.append(log_det(layer, None))
    np.testing.assert_array_equal(*draws)
    with bijectors.exact_log_determinants():
        assert layer.log_det_kind == other.log_det_kind == "exact"
        exact = log_det(layer, None)
        np.testing.assert_array_equal(exact, log_det(other, (1, 2)))
    np.testing.assert_allclose(exact, np.linalg.slogdet(jacobians(layer, x))[1], atol=1e-10)
    assert layer.log_det_kind == "unbiased estimate"


@pytest.mark.slow
@pytest.mark.parametrize("log_det", ["roulette", "series"])
def test_estimates_of_images_are_unbiased(log_det):
    network = moved(networks.LipschitzNet((3, 2, 3), [8], dtype="float64"))
    layer = bijectors.Residual(network, log_det, num_terms=30 if log_det == "series" else None)
    one = tf.constant(np.random.default_rng(3).normal(size=[1, 3, 2, 3]))
    draws = layer.forward_log_det_jacobian(tf.tile(one, [10_000, 1, 1, 1]), seed=(0, 1))
    expected = np.linalg.slogdet(jacobians(layer, one))[1][0]
    error = np.std(draws) / 100
    assert abs(np.mean(draws) - expected) < 3 * error < 0.05


@pytest.mark.parametrize("log_det", ["exact", "roulette"])
def test_one_density_runs_the_network_once(log_det):
    network = networks.LipschitzNet((3,), [4])
    layers = [bijectors.Residual(network, log_det) for _ in range(3)]
    calls, apply = [], network.apply
    network.apply = lambda *arguments: calls.append(None) or apply(*arguments)
    base = tfd.MultivariateNormalDiag(tf.zeros([3]))
    model = tfd.TransformedDistribution(base, tfb.Invert(tfb.Chain(layers)))
    model.log_prob(tf.ones([2, 3]))
    assert len(calls) == 3
    calls.clear()
    samples = model.sample(2)
    after_sampling = len(calls)
    model.log_prob(samples)  # From the cache.
    assert len(calls) == after_sampling


def test_conditions():
    network = moved(networks.LipschitzNet((2,), [5], num_context=3, dtype="float64"))
    layer, rng = bijectors.Residual(network), np.random.default_rng(4)
    x, condition = tf.constant(rng.normal(size=[4, 2])), tf.constant(rng.normal(size=[4, 3]))
    y = layer.forward(x, condition=condition)
    np.testing.assert_allclose(y, x + network(x, condition), rtol=1e-12)
    back = layer.inverse(tf.identity(y), condition=condition)
    np.testing.assert_allclose(back, x, atol=1e-10)
    shared = layer.forward(x, condition=condition[0])
    np.testing.assert_allclose(shared[0], y[0], rtol=1e-12)
    assert np.abs(shared[1] - y[1]).min() > 1e-6
    with pytest.raises(TypeError, match="missing 1 required argument: `condition`"):
        layer.forward(x + 1)
    with pytest.raises(
        ValueError, match=r"`condition` must have shape \[..., 3\], got shape \(4, 2"
    ):
        layer.forward(x + 1, condition=condition[:, :2])
    with pytest.raises(TypeError, match="takes no `condition`"):
        bijectors.Residual(networks.LipschitzNet((2,))).forward([[0.0, 0.0]], condition=[[1.0]])


@pytest.mark.parametrize("log_det", ["exact", "roulette"])
def test_no_events(log_det):
    layer, none = bijectors.Residual(networks.LipschitzNet((3, 2, 1), [4]), log_det), [0, 3, 2, 1]
    assert layer.forward(tf.zeros(none)).shape == layer.inverse(tf.ones(none)).shape == none
    assert layer.forward_log_det_jacobian(tf.zeros(none)).shape == [0]


class Steep(tf.Module):
    event_shape, coefficient = (2,), 1.0

    def tensors(self, condition=None):
        return []

    def apply(self, x, tensors):
        return -1.5 * x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bijectors.Residual(networks.MLP(2, 2)),
            TypeError,
            "`network` must be a contraction such as networks.LipschitzNet.*got MLP",
        ),
        (
            lambda: bijectors.Residual(Steep()),
            ValueError,
            "must have a Lipschitz `coefficient` between 0 and 1.*got 1.0",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2,)), "rulette"),
            ValueError,
            "`log_det` must be one of .* Did you mean 'roulette'",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2,)), num_terms=0),
            ValueError,
            "`num_terms` must be an integer of at least 1, got 0",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2,)), tolerance=0.0),
            ValueError,
            "`tolerance` must be a finite number above 0",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2,))).forward(np.zeros([4, 2])),
            TypeError,
            "`network` has variables of float32 for data of float64",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2, 2, 1))).forward(tf.zeros([4])),
            ValueError,
            r"needs events of shape \[2, 2, 1\].*got shape \(4,\)",
        ),
        (
            lambda: bijectors.Residual(networks.LipschitzNet((2,))).forward(tf.zeros([4, 3])),
            ValueError,
            r"`residual` needs events of shape \[2\], that of its network, got shape \(4, 3\)",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_network_that_breaks_its_word_gives_no_inverse():
    network = Steep()
    network.coefficient = 0.9
    with pytest.raises(ValueError, match=r"`residual` did not converge.* residual of"):
        bijectors.Residual(network).inverse(tf.ones([3, 2]))
    slow = bijectors.Residual(networks.LipschitzNet((2,)), max_evaluations=1)
    with pytest.raises(ValueError, match="after 1 evaluations"):
        slow.inverse(tf.ones([3, 2]))
