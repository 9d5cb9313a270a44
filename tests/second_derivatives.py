"""Second derivatives against differences of first derivatives."""

import numpy as np
import tensorflow as tf


def first(function, inputs):
    """Returns the gradients of the sum of the results."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.add_n([tf.reduce_sum(part) for part in tf.nest.flatten(function(*inputs))])
    return tape.gradient(total, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def second(function, inputs, direction):
    """Returns the product of the Hessian and a direction, by a tape around a tape."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        products = zip(first(function, inputs), direction, strict=True)
        total = tf.add_n([tf.reduce_sum(gradient * part) for gradient, part in products])
    return tape.gradient(total, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def along_a_direction(function, inputs, step=1e-5, seed=0, wrap=tf.function):
    """Returns two lists: Hessian times a random direction, and differences along the direction.

    Args:
      function: takes the inputs, float64, and returns tensors, of whose sum it is the Hessian.
      inputs: tensors or variables; variables are moved in place and back again.
      step: half the distance of the differences.
      seed: of the direction.
      wrap: what compiles both; `lambda f: f` for neither.
    """
    rng = np.random.default_rng(seed)
    direction = [tf.constant(rng.normal(size=part.shape), part.dtype) for part in inputs]
    tensors = [part for part in inputs if not isinstance(part, tf.Variable)]
    variables = [part for part in inputs if isinstance(part, tf.Variable)]

    def given(tensors):
        left = list(tensors)
        return [part if isinstance(part, tf.Variable) else left.pop(0) for part in inputs]

    gradients = wrap(lambda *tensors: first(function, given(tensors)))
    hessian = wrap(lambda *tensors: second(function, given(tensors), direction))
    exact = hessian(*tensors)
    by_id = {id(part): move for part, move in zip(inputs, direction, strict=True)}
    ends = []
    for sign in (1, -1):
        for variable in variables:
            variable.assign_add(sign * step * by_id[id(variable)])
        ends.append(gradients(*(part + sign * step * by_id[id(part)] for part in tensors)))
        for variable in variables:
            variable.assign_sub(sign * step * by_id[id(variable)])
    differences = [(one - other) / (2 * step) for one, other in zip(*ends, strict=True)]
    return exact, differences


def check(function, inputs, tolerance=1e-6, **options):
    """Raises if the two differ by more than the tolerance, relative to the largest entry."""
    exact, differences = along_a_direction(function, inputs, **options)
    for index, (one, other) in enumerate(zip(exact, differences, strict=True)):
        scale = 1 + np.max(np.abs(other))
        np.testing.assert_allclose(one / scale, other / scale, atol=tolerance, err_msg=str(index))
