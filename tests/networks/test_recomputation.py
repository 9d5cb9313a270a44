import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks.recomputation import recomputed
from tfp_ebm.testing.derivatives import check_derivatives

modes = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "XLA": lambda function: tf.function(function, autograph=False, jit_compile=True),
}


def setting():
    rng = np.random.default_rng(0)
    variables = [tf.Variable(rng.normal(size=shape)) for shape in ([3, 3], [4, 3])]

    def function(x, shift):
        return tf.tanh(tf.matmul(x, variables[0]) + shift) * (x + variables[1] ** 2)

    points = [tf.constant(np.random.default_rng(1).normal(size=shape)) for shape in ([4, 3], [3])]
    return variables, function, points


@pytest.mark.parametrize("mode", modes)
def test_derivatives_of_both_orders(mode):
    variables, function, points = setting()
    # A function of the result, so that what comes back from it depends on the point.
    wrapped = modes[mode](lambda *points: tf.sin(recomputed(function, *points)))
    np.testing.assert_allclose(wrapped(*points), tf.sin(function(*points)), rtol=1e-12)
    check_derivatives(wrapped, points, variables, "recomputation")


def test_the_function_runs_again_for_its_gradient_only():
    runs = []

    def function(x):
        runs.append(None)
        return x**2

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = recomputed(function, x)
    assert len(runs) == 1
    assert float(tape.gradient(y, x)) == 6.0 and len(runs) == 2


def test_a_tape_keeps_nothing_of_the_inside():
    inside = []

    def function(x):
        inside.append(x**2)
        return tf.sin(inside[-1])

    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = recomputed(function, x)
    assert tape.gradient(inside[0], x) is None
    np.testing.assert_allclose(tape.gradient(y, x), 6 * np.cos(9.0), rtol=1e-6)


def test_integers_pass_and_get_no_gradient():
    x, index = tf.constant([1.0, 2.0]), tf.constant([1, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(recomputed(lambda x, index: tf.gather(x, index) ** 2, x, index))
    np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(y, x)), [0.0, 8.0])


def test_the_second_computation_is_not_merged_with_the_first():
    x = tf.ones([8])

    @tf.function(autograph=False)
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = recomputed(tf.math.erfinv, 0.1 * x)
        return tape.gradient(y, x)

    slope(x)
    graph = slope.get_concrete_function(x).graph
    assert sum(op.type == "Erfinv" for op in graph.get_operations()) == 2
    later = [op for op in graph.get_operations() if op.type == "Erfinv"][1]
    assert later.inputs[0].op.type == "AddV2"  # What no optimiser sees to be the first's input.
