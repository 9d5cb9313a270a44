"""Every method of the machine with a label against sums over labels and bits."""

import numpy as np
import tensorflow as tf
from scipy.special import expit, logsumexp, softmax

from tests import oracles
from tfp_ebm.machines.labeled_machine import LabeledMachine

WEIGHTS, BIAS = oracles.random_machine(3, 2, scale=0.8)
LOC, HIDDEN_BIAS = BIAS[:3], BIAS[3:]
SCALE = np.array([0.5, 0.8, 1.3])
RNG = np.random.default_rng(1)
LABEL_WEIGHTS, LABEL_BIAS = RNG.normal(size=[4, 2]), RNG.normal(size=4)
BITS = (oracles.all_states(2) + 1) / 2
LABELS = np.eye(4)
COUNT = 40_000


def machine():
    gaussian = (WEIGHTS, LOC, HIDDEN_BIAS, SCALE)
    return LabeledMachine.from_parameters(gaussian, LABEL_WEIGHTS, LABEL_BIAS)


def log_weights(points, beta):
    """Log weights of points with every label and every state of the bits, `[N, 4, 4]`."""
    residual = (points - LOC) / SCALE
    own = -0.5 * np.sum(residual**2, axis=-1)
    signal = beta * ((points / SCALE) @ WEIGHTS)[:, None] + beta * LABEL_WEIGHTS + HIDDEN_BIAS
    return own[:, None, None] + LABEL_BIAS[:, None] + signal @ BITS.T


def log_partition(beta):
    pushed = beta * BITS @ WEIGHTS.T
    of_bits = BITS @ HIDDEN_BIAS + pushed @ (LOC / SCALE) + 0.5 * np.sum(pushed**2, axis=-1)
    of_labels = LABEL_BIAS[:, None] + beta * LABEL_WEIGHTS @ BITS.T
    return logsumexp(of_bits + of_labels) + np.sum(np.log(SCALE * np.sqrt(2 * np.pi)))


def test_log_marginals_and_partition_functions():
    points = RNG.normal(size=[5, 3])
    exact = {beta: logsumexp(log_weights(points, beta), axis=-1) for beta in (0.0, 0.3, 1.0)}
    np.testing.assert_allclose(machine().label_logits(points), exact[1.0], rtol=1e-12)
    for label in range(4):
        state = np.concatenate([points, np.tile(LABELS[label], [5, 1])], axis=-1)
        np.testing.assert_allclose(machine().log_marginal(state), exact[1.0][:, label], rtol=1e-12)
        increment = machine().log_marginal_increment(state, 0.3, 1.0)
        np.testing.assert_allclose(increment, (exact[1.0] - exact[0.3])[:, label], atol=1e-12)
        np.testing.assert_array_equal(machine().complete(state, (0, 1)), points)
    np.testing.assert_allclose(machine().reference_log_partition(), log_partition(0))
    np.testing.assert_allclose(machine().enumerate_log_partition(), log_partition(1))


def test_the_machine_given_a_label_is_that_of_the_points_alone():
    points = RNG.normal(size=[5, 1, 3])
    given = machine().given_label().log_marginal(points) + LABEL_BIAS
    np.testing.assert_allclose(given, machine().label_logits(points[:, 0]), rtol=1e-12)


def test_a_label_that_does_not_exist_is_nan():
    rows = machine().one_hot(tf.constant([0, 3, 4, -1])).numpy()
    np.testing.assert_array_equal(rows[:2], LABELS[[0, 3]])
    assert np.all(np.isnan(rows[2:]))


def test_labels_are_drawn_from_their_softmax():
    logits = tf.constant(np.tile(LABEL_BIAS, [COUNT, 1]))
    expected = softmax(LABEL_BIAS)
    drawn = machine().draw_labels(logits, (0, 1))
    assert oracles.within_standard_errors(drawn, expected, np.diag(expected))


def test_a_sweep_has_the_exact_transition():
    beta, start = 0.6, np.concatenate([[0.7, -0.4, 1.1], LABELS[2]])
    signal = (start[:3] / SCALE) @ WEIGHTS + LABEL_WEIGHTS[2]
    odds = expit(beta * signal + HIDDEN_BIAS)
    of_bits = np.prod(np.where(BITS == 1, odds, 1 - odds), axis=1)
    points = LOC + SCALE * (beta * BITS @ WEIGHTS.T)
    labels = softmax(LABEL_BIAS + beta * BITS @ LABEL_WEIGHTS.T, axis=-1)
    means = np.concatenate([points, labels], axis=1)
    pair = np.einsum("s,si,sj->ij", of_bits, means, means)
    pair[:3, :3] += np.diag(SCALE**2)
    pair[3:, 3:] = np.diag(of_bits @ labels)
    moved = machine().sweep(tf.constant(np.tile(start, [COUNT, 1])), beta, (0, 1))
    assert oracles.within_standard_errors(moved, of_bits @ means, pair)


def test_exact_draws_and_the_reference():
    reference = machine().sample_reference(COUNT, (0, 3)).numpy()
    labels = softmax(LABEL_BIAS)
    mean = np.concatenate([LOC, labels])
    pair = np.outer(mean, mean)
    pair[:3, :3] += np.diag(SCALE**2)
    pair[3:, 3:] = np.diag(labels)
    assert oracles.within_standard_errors(reference, mean, pair)
    exact = machine().sample_exactly(COUNT, (0, 4)).numpy()
    pushed = BITS @ WEIGHTS.T
    log_joint = BITS @ HIDDEN_BIAS + pushed @ (LOC / SCALE) + 0.5 * np.sum(pushed**2, axis=-1)
    joint = softmax(log_joint + LABEL_BIAS[:, None] + LABEL_WEIGHTS @ BITS.T, axis=None)
    mean = np.concatenate([joint.sum(0) @ (LOC + SCALE * pushed), joint.sum(1)])
    np.testing.assert_allclose(exact.mean(0), mean, atol=5 * exact.std(0).max() / np.sqrt(COUNT))
