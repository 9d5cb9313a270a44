"""Flows as posteriors: reverse KL, and Hamiltonian chains through a flow, on two modes."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.keras import keras

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def example(name):
    """Returns an example as a module."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fits():
    """The fits of a coupling flow, by base, with what `judge` says of them."""
    inference = example("variational_inference")
    keras.utils.set_random_seed(0)
    found = {}
    for name in BASES:
        flow = inference.make_flow("coupling", name)
        found[name] = inference.fit(flow, inference.make_base(name), 400)
    return {name: (one, *inference.judge(one)) for name, one in found.items()}


BASES = ("normal", "rbm")


@pytest.fixture(scope="module")
def moments():
    """The evidence and E[theta theta^T] by quadrature, of another grid than the example's."""
    log_joint = example("variational_inference").log_joint
    axis = np.linspace(-7, 7, 501)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    weights = np.exp(log_joint(tf.constant(grid)).numpy())
    step = axis[1] - axis[0]
    return np.log(weights.sum() * step**2), (grid.T * weights) @ grid / weights.sum()


def test_the_evidence_of_the_example(moments):
    assert example("variational_inference").log_evidence() == pytest.approx(moments[0], abs=1e-6)


def test_the_modes_that_are_found_are_those_of_the_posterior():
    inference = example("variational_inference")
    modes = tf.constant(inference.find_modes())
    np.testing.assert_allclose(modes[0], -modes[1], atol=1e-3)
    with tf.GradientTape() as tape:
        tape.watch(modes)
        value = inference.log_joint(modes)
    assert np.max(np.abs(tape.gradient(value, modes))) < 0.1 and np.min(value) > -12


@pytest.mark.parametrize("name", ["spins", "rbm"])
def test_a_flow_starts_where_the_modes_of_its_base_lie_on_those_of_the_posterior(name):
    inference = example("variational_inference")
    base, modes = inference.make_base(name), inference.find_modes()
    z = base.sample(2_000, seed=(0, 1))
    theta = inference.placement(name).forward(z).numpy()
    nearest = np.linalg.norm(theta[:, np.newaxis] - modes, axis=-1).argmin(axis=1)
    for index in range(2):
        # Of each, half of the draws, around it.
        assert abs(np.mean(nearest == index) - 0.5) < 0.05
        np.testing.assert_allclose(theta[nearest == index].mean(0), modes[index], atol=0.15)


@pytest.mark.slow
def test_a_base_with_two_modes_fits_two_modes_better(fits):
    _, gap, error, share = fits["rbm"]
    assert -4 * error < gap < 0.1 and 0.4 < share < 0.6
    assert 2 * gap + 4 * np.hypot(error, fits["normal"][2]) < fits["normal"][1]


@pytest.mark.slow
def test_a_residual_flow_is_trained_in_its_cheap_direction():
    inference = example("variational_inference")
    keras.utils.set_random_seed(0)
    before = inference.fit(inference.make_flow("residual", "rbm"), inference.make_base("rbm"), 1)
    keras.utils.set_random_seed(0)
    after = inference.fit(inference.make_flow("residual", "rbm"), inference.make_base("rbm"), 150)
    assert inference.judge(after)[0] < 0.5 * inference.judge(before)[0]


@pytest.mark.slow
def test_chains_through_a_flow_of_an_rbm_meet_both_modes(fits, moments, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    neutra = example("neutra")
    start = neutra.TRUTH.astype(np.float32) + 0.1 * tf.random.stateless_normal(
        [neutra.NUM_CHAINS, 2], (0, 5)
    )
    kernel = neutra.hamiltonian(neutra.log_joint, 0.1)
    assert np.all(neutra.in_turn([kernel], start, 50)[..., 0] > 0)
    theta = neutra.chains_through(fits["rbm"][0], start, 250)[50:]
    is_positive = theta[..., 0] > 0
    assert abs(np.mean(is_positive) - 0.5) < 0.05
    assert np.mean(is_positive[1:] != is_positive[:-1]) > 0.4  # Of independent draws, 0.5.
    flat = theta.reshape(-1, 2)
    np.testing.assert_allclose(flat.T @ flat / len(flat), moments[1], rtol=0.1)
