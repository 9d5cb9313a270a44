import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, models
from tfp_ebm.runs import machines
from tfp_ebm.runs.evaluate import evaluate_model

tfb, tfd = tfp.bijectors, tfp.distributions
IMAGES = np.random.default_rng(0).integers(0, 5, size=[30, 4, 4, 1]).astype(np.uint8)


def per_level(num_hidden=3, num_scales=2):
    model = models.eb_and_flow(
        *((4, 4, 1), 5, "glow", "per_level"),
        num_hidden=num_hidden,
        num_scales=num_scales,
        num_steps=1,
        num_filters=4,
        seed=(0, 1),
    )
    for index, part in enumerate(model.distribution.distribution.distributions):
        shape = part.weights.shape
        part.weights.assign(0.3 * (index + 1) * tf.random.stateless_normal(shape, (1, index)))
    return model


def log_partition(machine):
    """By a sum over the hidden bits, the visible units integrated in closed form."""
    weights, b, c = (
        tf.convert_to_tensor(value).numpy().astype(np.float64)
        for value in (machine.weights, machine.visible_bias, machine.hidden_bias)
    )
    scale = np.broadcast_to(tf.convert_to_tensor(machine.scale), b.shape).astype(np.float64)
    terms = []
    for h in itertools.product([0.0, 1.0], repeat=len(c)):
        push = weights @ np.array(h)
        terms.append(c @ h + np.sum(push**2 / 2 + push * b / scale))
    return np.logaddexp.reduce(terms) + np.sum(np.log(scale * np.sqrt(2 * np.pi)))


def test_log_z_of_all_machines_is_summed_and_listed():
    model = per_level()
    parts = model.distribution.distribution.distributions
    record = machines.estimate_log_partitions(model, seed=0)
    expected = [log_partition(part) for part in parts]
    assert len(parts) == 2 and abs(expected[0] - expected[1]) > 1
    np.testing.assert_allclose([m["value"] for m in record["machines"]], expected, rtol=1e-5)
    assert record["value"] == pytest.approx(sum(expected), rel=1e-5)
    assert record["method"] == record["direction"] == "exact"
    assert [m["event_shape"] for m in record["machines"]] == [[8], [8]]


@pytest.mark.slow
def test_errors_of_machines_add_up_in_squares():
    base = tfd.Blockwise(
        [
            distributions.SmoothedRBM.create(22, 22, num_chains=4, seed=(0, 1)),
            distributions.SmoothedRBM.create(22, 22, num_chains=4, seed=(0, 1)),
            distributions.BipartiteNormal.create(2, 2),
        ]
    )
    for part in base.distributions[:2]:
        part.weights.assign(0.1 * tf.random.stateless_normal([22, 22], (0, 2)))
    machines._NUM_STEPS, kept = 30, machines._NUM_STEPS
    try:
        record = machines.estimate_log_partitions(base, seed=0)
    finally:
        machines._NUM_STEPS = kept
    errors = [machine["standard_error"] for machine in record["machines"]]
    assert min(errors[:2]) > 0 and errors[2] == 0
    assert record["standard_error"] == pytest.approx(math.hypot(*errors))
    assert record["method"] == "BAR, exact" and record["is_consistent"] is True
    for machine in record["machines"]:
        low, high = machine["interval"]
        width = 4 * machine["standard_error"]
        assert machine["is_consistent"] and high - low == pytest.approx(width, abs=1e-4)
    first, second = (machine["value"] for machine in record["machines"][:2])
    assert first != second  # The same machine, annealed with draws of its own.


@pytest.mark.slow
def test_the_bracket_is_that_of_all_machines():
    """Uncoupled machines anneal without error, so that their gaps are known: none."""
    model = per_level()
    machines.estimate_log_partitions(model, seed=0)
    record = machines.bracket_log_partition(model, IMAGES, seed=0)
    parts = [machine["nats"] for machine in record["machines"]]
    assert len(parts) == 2 and record["nats"] == pytest.approx(sum(parts))
    assert record["bits_per_dimension"] == pytest.approx(record["nats"] / (16 * math.log(2)))
    assert record["num_events"] == 30 and record["nats_error"] > 0
    for part in model.distribution.distribution.distributions:
        part.weights.assign(tf.zeros_like(part.weights))
    record = machines.bracket_log_partition(model, IMAGES, seed=0)
    assert abs(record["nats"]) < 1e-3
    model.distribution.distribution.distributions[1].weights.assign(tf.ones([8, 3]))
    record = machines.bracket_log_partition(model, IMAGES, seed=0)
    assert record["nats"] == pytest.approx(record["machines"][1]["nats"], abs=1e-3)
    assert abs(record["machines"][0]["nats"]) < 1e-3 < abs(record["nats"])


def test_each_machine_starts_from_its_part_of_the_latents():
    first, second = (distributions.GaussianBernoulliRBM.create(2, 2, seed=(0, n)) for n in (1, 2))
    shift = tfb.Shift(tf.constant([0.0, 1.0, 2.0, 3.0]))
    joint = tfd.TransformedDistribution(tfd.Blockwise([first, second]), shift)

    def posterior(x):
        return tfd.Independent(tfd.Deterministic(x[..., :1] + 0.25), 1)

    model = distributions.Augmented(joint, posterior, num_augmented=1)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = machines.machines_and_points(model, x, (0, 1))
    assert [machine for machine, _ in found] == [first, second]
    latents = np.concatenate([x, x[:, :1] + 0.25], axis=1) - np.arange(4)
    np.testing.assert_allclose(np.concatenate([p for _, p in found], axis=1), latents)


@pytest.mark.slow
def test_models_without_machines_have_no_log_z():
    result = evaluate_model(models.eb_and_flow((4, 4, 1), 5, rbm="none", hidden_units=[4]), IMAGES)
    assert "log_partition" not in result and "bracket" not in result


@pytest.mark.slow
def test_the_evaluation_of_several_machines_rests_on_all():
    result = evaluate_model(per_level(), IMAGES)
    assert len(result["log_partition"]["machines"]) == len(result["bracket"]["machines"]) == 2
