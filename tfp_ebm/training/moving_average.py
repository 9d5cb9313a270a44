"""An exponential moving average of weights."""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

__all__ = ["MovingAverage"]


class MovingAverage(tf.Module):
    """Keeps the exponential moving average of variables, and can put it in their place.

    While young it forgets faster, `momentum_t = min(momentum, (1 + t) / (10 + t))`, so that the
    starting point does not linger.
    """

    def __init__(self, variables: Sequence[tf.Variable], momentum: float) -> None:
        """Starts the average at the current values.

        Args:
          variables: what to average.
          momentum: weight of the past, such as 0.999.
        """
        super().__init__(name="moving_average")
        self._variables = list(variables)
        self._momentum = momentum
        self._averages = [
            tf.Variable(
                tf.convert_to_tensor(variable),
                trainable=False,
                name="average",
                # Equal on all replicas of a distribution strategy, as the weights are.
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for variable in variables
        ]

    def update(self, step: tf.Tensor) -> None:
        """Moves the average towards the variables, after the update number `step`."""
        step = tf.cast(step, tf.float32)
        momentum = tf.minimum(self._momentum, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self._averages, self._variables, strict=True):
            rest = tf.cast(1.0 - momentum, average.dtype)
            average.assign_add(rest * (variable - average))

    def restart(self) -> None:
        """Sets the average to the current values."""
        for average, variable in zip(self._averages, self._variables, strict=True):
            average.assign(variable)

    def _exchange(self):
        for average, variable in zip(self._averages, self._variables, strict=True):
            value = variable.read_value()
            variable.assign(average)
            average.assign(value)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Exchanges variables and averages while the context lasts."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()
