"""First and second derivatives against differences, along one random direction."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.testing.conformance import assert_close, require

__all__ = ["check_derivatives"]

# Central differences: the step, and the relative error allowed.
_STEP = {tf.float32: 3e-3, tf.float64: 1e-5}
_ALLOWED = {tf.float32: 2e-2, tf.float64: 1e-5}


def check_derivatives(
    function: Callable[..., Any],
    points: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
    check: str,
    *,
    order: int = 2,
    names: Sequence[str] = (),
) -> None:
    """Raises unless automatic derivatives of a function equal central differences.

    The outputs are added up with random weights, and the sum is differentiated along one random
    direction in all inputs together: two evaluations whatever the number of inputs, and a wrong
    derivative anywhere shows. Second derivatives are differences of first ones, entry by entry.

    Args:
      function: takes `points`, reads `variables`, and returns a structure of tensors.
      points: what the function takes.
      variables: what the function reads, of the dtype of the points.
      check: the name of the check, for the error.
      order: 1, or 2 to check second derivatives too.
      names: of the last of `points`, for the error, where they are parameters.

    Raises:
      ConformanceError: naming the check, and the input whose derivative is wrong.
    """
    probe = _Probe(function, points, variables, names)
    gradients = probe.gradients()
    for name, gradient in zip(probe.names, gradients, strict=True):
        require(np.all(np.isfinite(gradient)), check, f"{name} gets a non-finite gradient.")
    if not probe.agrees(gradients, probe.direction):
        for index, name in enumerate(probe.names):
            alone = [part * (index == other) for other, part in enumerate(probe.direction)]
            require(probe.agrees(gradients, alone), check, f"the gradient in {name} is wrong.")
        require(False, check, "the gradient is wrong.")
    if order == 2:
        differences = probe.difference(probe.gradients, probe.direction)
        second = probe.second_derivatives()
        for name, one, other in zip(probe.names, second, differences, strict=True):
            message = f"second derivatives in {name} against differences of the first"
            assert_close(one, other, probe.allowed, f"second {check}", message)


class _Probe:
    """A random weighted sum of the outputs of a function, and its derivatives."""

    def __init__(self, function, points, variables, names):
        self._function = function
        self._points = list(points)
        self._variables = list(variables)
        inputs = [*points, *variables]
        self.names = [f"point {index}" for index in range(len(points) - len(names))]
        self.names += [f"`{name}`" for name in names]
        self.names += [f"`{variable.name}`" for variable in variables]
        self.direction = [_noise(part, 100 + index) for index, part in enumerate(inputs)]
        dtype = tf.as_dtype(inputs[0].dtype)
        self._step, self.allowed = _STEP[dtype], _ALLOWED[dtype]

    def value(self):
        outputs = tf.nest.flatten(self._function(*self._points))
        return tf.add_n([tf.reduce_sum(_noise(part, i) * part) for i, part in enumerate(outputs)])

    def _gradients(self):
        inputs = [*self._points, *self._variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            value = self.value()
        return _dense(tape.gradient(value, inputs), inputs)

    def gradients(self):
        return [gradient.numpy() for gradient in self._gradients()]

    def second_derivatives(self):
        """Returns the derivatives of the slope along the direction."""
        inputs = [*self._points, *self._variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            pairs = zip(self._gradients(), self.direction, strict=True)
            slope = tf.add_n([tf.reduce_sum(gradient * change) for gradient, change in pairs])
        return _dense(tape.gradient(slope, inputs), inputs)

    def difference(self, function, direction):
        """Returns the central difference of a function that returns a list of arrays."""
        points = self._points
        originals = [variable.numpy() for variable in self._variables]
        ends = []
        for step in (self._step, -self._step):
            moves = [step * change for change in direction]
            self._points = [p + move for p, move in zip(points, moves, strict=False)]
            for variable, original, move in zip(
                self._variables, originals, moves[len(points) :], strict=True
            ):
                variable.assign(original + move)
            ends.append([np.asarray(part, np.float64) for part in function()])
        self._points = points
        for variable, original in zip(self._variables, originals, strict=True):
            variable.assign(original)
        return [(up - down) / (2 * self._step) for up, down in zip(*ends, strict=True)]

    def agrees(self, gradients, direction):
        """Whether the gradients give the slope along a direction that differences give."""
        expected = self.difference(lambda: [self.value()], direction)[0]
        pairs = zip(gradients, direction, strict=True)
        actual = sum(np.vdot(gradient, change) for gradient, change in pairs)
        return abs(actual - expected) <= self.allowed * (1 + abs(expected))


def _noise(like, seed):
    return tf.random.stateless_normal(tf.shape(like), (seed, 7), dtype=like.dtype)


def _dense(gradients, inputs):
    """Returns gradients as tensors, zeros where there is none."""
    return [
        tf.zeros_like(part) if gradient is None else tf.convert_to_tensor(gradient)
        for gradient, part in zip(gradients, inputs, strict=True)
    ]
