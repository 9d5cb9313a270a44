"""The safeguarded fixed-point iteration, on maps whose roots are known."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.bijectors.contraction_root import Solver
from tfp_ebm.testing.derivatives import check_derivatives


def contraction(size, coefficient, seed=0):
    """Returns a matrix of this norm, far from symmetric."""
    matrix = np.random.default_rng(seed).normal(size=[size, size])
    return tf.constant(coefficient * matrix / np.linalg.norm(matrix, 2))


def linear(x, matrix):
    return tf.linalg.matvec(matrix, x)


def bent(x, matrix, shift):
    return tf.linalg.matvec(matrix, tf.tanh(x + shift))


@pytest.mark.parametrize("num_kept", [0, 5])
@pytest.mark.parametrize("coefficient", [0.3, 0.9, 0.99])
def test_linear_maps_have_the_roots_of_linear_algebra(coefficient, num_kept):
    matrix = contraction(6, coefficient)
    y = np.random.default_rng(1).normal(size=[3, 4, 6])
    solver = Solver(1, coefficient, "test", num_kept=num_kept, max_evaluations=5_000)
    expected = np.linalg.solve(np.eye(6) + matrix, y[..., np.newaxis])[..., 0]
    np.testing.assert_allclose(solver.solve(linear, tf.constant(y), [matrix]), expected, atol=1e-10)
    found = solver.iterate(lambda x: linear(x, matrix), tf.constant(y))
    residual = np.abs(found.x + linear(found.x, matrix) - y).max(axis=-1)
    np.testing.assert_allclose(found.residual, residual, atol=1e-15)
    assert np.all(residual <= found.allowed) and found.residual.shape == (3, 4)


def test_kept_differences_save_evaluations_where_the_contraction_is_weak():
    # Minus a rotation by a right angle, scaled: plain steps need log(1e-13) / log(0.98).
    matrix = tf.constant([[0.0, -0.98], [0.98, 0.0]], tf.float64)
    y = tf.constant(np.random.default_rng(2).normal(size=[20, 2]))
    counts = []
    for num_kept in (0, 5):
        solver = Solver(1, 0.98, "test", num_kept=num_kept, max_evaluations=5_000)
        iterate = tf.function(lambda y, s=solver: s.iterate(lambda x: linear(x, matrix), y))
        counts.append(int(iterate(y).num_evaluations))
    assert abs(counts[0] - math.log(1e-13) / math.log(0.98)) < 50
    assert counts[1] < counts[0] / 20


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,)])
def test_events_of_any_rank_and_number(shape):
    matrix = contraction(3, 0.5)
    y = tf.constant(np.random.default_rng(3).normal(size=[*shape, 2, 3]))
    solver = Solver(2, 0.5, "test")
    x = solver.solve(linear, y, [matrix])
    assert x.shape == y.shape
    np.testing.assert_allclose(x + linear(x, matrix), y, atol=1e-12)


def test_each_event_ends_by_itself():
    matrix = contraction(4, 0.9)
    y = np.random.default_rng(4).normal(size=[5, 4]) * np.logspace(-6, 6, 5)[:, np.newaxis]
    together = Solver(1, 0.9, "test").solve(linear, tf.constant(y), [matrix])
    for index in range(5):
        alone = Solver(1, 0.9, "test").solve(linear, tf.constant(y[index]), [matrix])
        np.testing.assert_array_equal(together[index], alone)


def test_small_events_may_have_the_rounding_of_a_map_that_is_not_small():
    y = tf.constant(np.random.default_rng(9).normal(size=[200, 2]) / 100, tf.float32)

    def through(offset):
        solver = Solver(1, 0.5, "layer")
        return solver.solve(lambda x: 0.5 * tf.cos(x + offset) - 0.5 * tf.cos(offset), y, [])

    def largest(x, offset):
        x, y64 = tf.cast(x, tf.float64), tf.cast(y, tf.float64)
        value = 0.5 * tf.cos(x + offset) - 0.5 * np.cos(offset)
        return np.max(np.abs(x + value - y64))

    found = Solver(1, 0.5, "layer").iterate(lambda x: 0.5 * tf.cos(x + 1.5), y)
    assert np.max(found.residual / found.allowed) <= 1
    # What rounding leaves of these is above a share of 5e-7 of the event, and below 5e-7.
    assert 5e-7 * np.abs(y).max(axis=1).min() < largest(through(1.5), 1.5) < 1e-6
    with pytest.raises(ValueError, match="`layer` did not converge"):
        through(1e3)


def test_large_sums_may_leave_ten_times_the_tolerance_unless_it_was_given():
    y = tf.constant(np.random.default_rng(9).normal(size=[200, 2]), tf.float32)

    def rounded(x):
        # As the sums of wide networks are, which hold terms much larger than themselves.
        return 0.5 * tf.round(tf.cos(x) * 2**19) / 2**19

    residual = Solver(1, 0.5, "layer").iterate(rounded, y).residual
    assert np.any(residual > 5e-7 * np.abs(y).max(axis=1)) and np.max(residual) < 5e-6
    x = Solver(1, 0.5, "layer").solve(rounded, y, [])
    np.testing.assert_allclose(x + rounded(x), y, atol=5e-6)
    with pytest.raises(ValueError, match="`layer` did not converge"):
        Solver(1, 0.5, "layer", tolerance=5e-7).solve(rounded, y, [])


def test_float32_reaches_its_rounding():
    matrix = tf.cast(contraction(64, 0.98), tf.float32)
    y = tf.constant(np.random.default_rng(5).normal(size=[100, 64]), tf.float32)
    solver = Solver(1, 0.98, "test")
    found = solver.iterate(lambda x: linear(x, matrix), y)
    assert np.max(found.residual) < 1e-5 and found.num_evaluations < 60


def test_solutions_that_leave_nothing_of_y_in_float32_are_an_error():
    y, matrix = tf.ones([2, 3]), tf.cast(contraction(3, 0.5), tf.float32)
    solver = Solver(1, 0.5, "layer")
    for shift, is_lost in ((50.0, False), (1e8, True)):

        def far(x, matrix, shift=shift):
            return linear(x, matrix) + shift

        if is_lost:
            with pytest.raises(ValueError, match=r"`layer` did not converge.* float64"):
                solver.solve(far, y, [matrix])
        else:
            x = solver.solve(far, y, [matrix])
            np.testing.assert_allclose(x + far(x, matrix), y, atol=1e-4)


@pytest.mark.slow
def test_derivatives_are_those_of_the_implicit_function():
    matrix, shift = contraction(3, 0.8), tf.constant([0.3, -0.2, 0.5], tf.float64)
    y = tf.constant(np.random.default_rng(6).normal(size=[4, 3]))
    solver = Solver(1, 0.8, "test")

    def function(y, matrix, shift):
        return solver.solve(bent, y, [matrix, shift])

    check_derivatives(function, [y, matrix, shift], [], "root")
    with tf.GradientTape() as tape:
        tape.watch(y)
        x = function(y, matrix, shift)
    inverse = tape.batch_jacobian(x, y)
    slopes = matrix * (1 - tf.tanh(x + shift) ** 2)[:, tf.newaxis, :]
    np.testing.assert_allclose(inverse, np.linalg.inv(np.eye(3) + slopes), rtol=1e-9)


@pytest.mark.parametrize("num_kept", [0, pytest.param(5, marks=pytest.mark.slow)])
def test_what_does_not_converge_is_an_error_with_the_residual(num_kept):
    solver = Solver(1, 0.9, "layer", max_evaluations=3, num_kept=num_kept)
    y = tf.constant([[1.0, -2.0]], tf.float64)
    matrix = contraction(2, 0.9)
    message = r"`layer` did not converge; .* residual of [\d.e-]+ after 3 evaluations, allowed"
    with pytest.raises(ValueError, match=message):
        solver.solve(bent, y, [matrix, tf.zeros([], tf.float64)])
    # No contraction: its residual never shrinks.
    with pytest.raises(ValueError, match="did not converge"):
        Solver(1, 0.9, "layer", num_kept=num_kept).solve(linear, y, [3 * matrix / 0.9])
    graph = tf.function(lambda y: solver.solve(linear, y, [matrix]), autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not converge"):
        graph(y)
    compiled = tf.function(graph.python_function, autograph=False, jit_compile=True)
    assert np.all(np.isnan(compiled(y)))
