"""No update leaves the positive definite set."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracles
from tfp_ebm.distributions import BipartiteNormal, SmoothedRBM
from tfp_ebm.internal.keras import keras
from tfp_ebm.machines import bipartite_precision
from tfp_ebm.machines.bipartite_precision import (
    BipartitePrecision,
    SpectralNormConstraint,
    check_positive_definite,
)


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4), (3, 3)])
def test_products_and_factors_are_those_of_the_dense_matrix(sizes):
    weights, _ = oracles.random_machine(*sizes)
    precision = BipartitePrecision(tf.constant(weights), tf.constant(2.3, tf.float64))
    matrix, z = (
        oracles.precision(weights, 2.3),
        np.random.default_rng(0).normal(size=[5, sum(sizes)]),
    )
    np.testing.assert_allclose(precision.matvec(z), z @ matrix)
    expected = np.linalg.slogdet(matrix)[1]
    np.testing.assert_allclose(precision.log_abs_determinant(), expected)
    np.testing.assert_allclose(precision.min_eigenvalue(), np.linalg.eigvalsh(matrix)[0])
    np.testing.assert_allclose(precision.covariance(), np.linalg.inv(matrix), atol=1e-12)
    rows = precision.color(np.eye(sum(sizes))).numpy()
    np.testing.assert_allclose(rows.T @ rows, np.linalg.inv(matrix), atol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4)])
def test_derivatives_of_the_determinant_are_those_of_the_dense_matrix(sizes):
    weights = tf.stack([tf.constant(0.3 * oracles.random_machine(*sizes)[0]) for _ in range(2)])
    weights *= tf.constant([1.0, 0.5], tf.float64)[:, tf.newaxis, tf.newaxis]
    delta = tf.constant([2.3, 1.7], tf.float64)
    direction = tf.random.stateless_normal(weights.shape, (0, 1), dtype=tf.float64)

    def dense(weights, delta):
        first, second = (delta[:, None, None] * tf.eye(size, dtype=tf.float64) for size in sizes)
        upper = tf.concat([first, weights], axis=2)
        lower = tf.concat([tf.linalg.matrix_transpose(weights), second], axis=2)
        return tf.linalg.slogdet(tf.concat([upper, lower], axis=1))[1]

    def derivatives(log_det):
        with tf.GradientTape() as outer:
            outer.watch((weights, delta))
            with tf.GradientTape() as inner:
                inner.watch((weights, delta))
                value = tf.reduce_sum([1.0, -3.0] * log_det(weights, delta))
            first = inner.gradient(value, (weights, delta))
            along = tf.reduce_sum(first[0] * direction) + tf.reduce_sum(first[1])
        return [*first, *outer.gradient(along, (weights, delta))]

    ours = derivatives(lambda *given: BipartitePrecision(*given).log_abs_determinant())
    for own, expected in zip(ours, derivatives(dense), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.slow
def test_a_large_determinant_has_the_gradient_of_its_formula():
    weights = np.random.default_rng(0).normal(size=[1024, 1024]) / 200
    variable, delta = tf.Variable(weights), 2.0
    with tf.GradientTape() as tape:
        log_det = BipartitePrecision(variable, tf.constant(delta, tf.float64)).log_abs_determinant()
    np.testing.assert_allclose(log_det, np.linalg.slogdet(oracles.precision(weights, delta))[1])
    schur = delta**2 * np.eye(1024) - weights @ weights.T
    np.testing.assert_allclose(
        tape.gradient(log_det, variable), -2 * np.linalg.solve(schur, weights), atol=1e-12
    )


def test_the_constraint_scales_down_what_is_too_large_and_nothing_else():
    weights, _ = oracles.random_machine(6, 4)
    weights /= np.linalg.norm(weights, 2)
    constrain = SpectralNormConstraint(3.0)
    np.testing.assert_array_equal(constrain(tf.constant(0.5 * weights)), 0.5 * weights)
    for times in (40.0, 4.0):
        scaled = constrain(tf.constant(times * weights)).numpy()
        norm = np.linalg.norm(scaled, 2)
        # The bound is at most 4^(1 / 64) above the norm, and not below it but for rounding.
        assert 0.99 * 3 / 4 ** (1 / 64) <= norm <= 0.99 * 3 * (1 + 1e-12)
        np.testing.assert_allclose(scaled / norm, weights)


def test_delta_at_the_largest_singular_value_is_refused():
    weights = np.diag([2.0, 0.5])
    check_positive_definite(weights, np.float64(2 + 1e-9))
    for delta in (2.0, 1.9):
        with pytest.raises(ValueError, match="must exceed the largest singular value"):
            check_positive_definite(weights, np.float64(delta))


@pytest.mark.parametrize("use", ["log_prob", "sample"])
def test_weights_by_hand_that_reach_delta_are_refused_when_they_are_used(use):
    base = BipartiteNormal(tf.Variable([[0.5, 0.2]]), 1.0)
    call = {"log_prob": lambda: base.log_prob([0.1, 0.2, 0.3]), "sample": lambda: base.sample(2)}
    call[use]()
    base.weights.assign([[1.5, 0.2]])
    with pytest.raises(ValueError, match="must exceed the largest singular value"):
        call[use]()
    base.weights.assign([[np.nan, 0.2]])
    with pytest.raises(ValueError, match="`weights`"):
        call[use]()


def test_rounding_that_reaches_delta_is_said(monkeypatch):
    # Which matrices round so depends on the machine.
    monkeypatch.setattr(bipartite_precision, "_log_det_schur", lambda relative: float("-inf"))
    precision = BipartitePrecision(tf.constant([[0.5]]), tf.constant(1.0))
    with pytest.raises(ValueError, match="by too little for float32"):
        precision.log_abs_determinant()


def test_a_variable_that_reaches_delta_is_refused_when_it_is_used():
    weights = tf.Variable([[0.5]], dtype=tf.float64)
    base = BipartiteNormal(weights, 1.0, validate_args=True)
    for value, is_refused in ((0.999, False), (1.0, True), (1.1, True)):
        weights.assign([[value]])
        if is_refused:
            with pytest.raises(tf.errors.InvalidArgumentError, match="must exceed the largest"):
                base.log_prob([0.0, 0.0])
        else:
            assert np.isfinite(base.log_prob([0.0, 0.0]))


def adversary(kind, shape, num_steps, rng):
    """Gradients of every step, `[num_steps, *shape]`."""
    if kind == "signs":
        return rng.choice([-1.0, 1.0], size=[num_steps, *shape])
    # Beyond 1e19 the second moment of Adam itself overflows in float32.
    size = np.minimum(1.05 ** np.arange(num_steps), 1e18) if kind == "growing" else 1.0
    return -np.ones([num_steps, *shape]) * np.reshape(size, [-1, *[1] * len(shape)])


def smallest_eigenvalues(base, kind, optimizer_name, num_steps=1000):
    """The smallest eigenvalue of J~ after every update, NaN included."""
    rng = np.random.default_rng(0)
    optimizer = getattr(keras.optimizers, optimizer_name)(0.1)
    variables = base.trainable_variables
    optimizer.build(variables)

    @tf.function(autograph=False)
    def train(*gradients):
        def update(_, gradients):
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return tf.convert_to_tensor(base.weights), tf.convert_to_tensor(base.delta)

        return tf.scan(update, gradients, (tf.zeros_like(base.weights), tf.zeros([])))

    gradients = [adversary(kind, v.shape, num_steps, rng).astype(np.float32) for v in variables]
    weights, delta = (part.numpy().astype(np.float64) for part in train(*gradients))
    return delta - np.linalg.svd(weights, compute_uv=False)[:, 0]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("kind", ["ones", "signs", "growing"])
@pytest.mark.parametrize("machine", ["rbm", "normal", "rbm learned", "normal learned"])
def test_adversarial_gradients(machine, kind, optimizer):
    options = {"learn_delta": machine.endswith("learned")}
    if machine.startswith("rbm"):
        base = SmoothedRBM.create(12, 9, num_chains=2, **options)
    else:
        base = BipartiteNormal.create(12, 9, **options)
    smallest = smallest_eigenvalues(base, kind, optimizer)
    assert np.all(smallest > 0)
    assert np.all(np.isfinite(base.precision().log_abs_determinant()))
    assert float(base.min_eigenvalue()) == pytest.approx(smallest[-1], rel=1e-2, abs=1e-4)


@pytest.mark.parametrize("kind", ["ones", "growing"])
def test_without_the_constraint_the_same_gradients_leave_the_set(kind):
    base = SmoothedRBM.create(12, 9, num_chains=2, constrained=False)
    assert np.any(~(smallest_eigenvalues(base, kind, "SGD") > 0))


def test_min_eigenvalue_is_that_of_the_dense_matrix():
    base = BipartiteNormal(np.array([[0.5, 0.1], [0.2, -0.7], [0.0, 0.3]]), 1.3)
    dense = np.linalg.inv(base.covariance())
    assert float(base.min_eigenvalue()) == pytest.approx(np.linalg.eigvalsh(dense)[0], rel=1e-9)


def test_a_delta_that_is_learned_moves_with_the_weights():
    base = SmoothedRBM.create(3, 2, delta=1.5, learn_delta=True, num_chains=2)
    assert float(tf.convert_to_tensor(base.delta)) == pytest.approx(1.5)
    assert len(base.trainable_variables) == 3
    coupling = next(v for v in base.trainable_variables if "coupling" in v.name)
    coupling.assign(np.full([3, 2], 0.3, np.float32))
    np.testing.assert_allclose(base.weights, np.full([3, 2], 0.45), rtol=1e-6)
    base.estimate_log_partition()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(base.log_prob(tf.ones([2, 5])))
    assert all(np.any(g != 0) for g in tape.gradient(loss, base.trainable_variables))
    with pytest.raises(ValueError, match=r"`delta` must start above 0\.1 to be learned"):
        SmoothedRBM.create(3, 2, delta=0.1, learn_delta=True)
