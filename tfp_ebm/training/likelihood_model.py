"""The Keras model that trains any distribution by maximum likelihood."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions import Dequantized, EnergyBased
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.metrics import BitsPerDimension
from tfp_ebm.training.moving_average import MovingAverage

__all__ = ["LikelihoodModel", "energy_based_parts"]


def energy_based_parts(model: tf.Module) -> list[EnergyBased]:
    """Returns the energy-based distributions inside a model, itself included."""
    return [part for part in (model, *model.submodules) if isinstance(part, EnergyBased)]


class LikelihoodModel(keras.Model):
    """Trains a distribution by minimising `-mean(log_prob(x))`, with Keras `fit`.

    After each update the persistent chains of every energy-based distribution in the model move
    by `gibbs_steps` sweeps at the new parameters, which is persistent contrastive divergence.
    Metrics: `loss` in nats an event and `bits_per_dimension`; both are those of `log_prob`, so for
    `Dequantized` one-draw bounds. During training they rest on the last estimate of log Z;
    `evaluate`, so also validation, renews a stale one first (`LogPartitionCallback` sets how).

    With `ema_momentum` an exponential moving average of the weights is kept, and `evaluate` (so
    also validation inside `fit`) and `averaged_weights()` use it.

    >>> import numpy as np
    >>> import tensorflow_probability as tfp
    >>> density = tfp.distributions.MultivariateNormalDiag(loc=tf.Variable([8.0, 8.0]))
    >>> trainer = LikelihoodModel(Dequantized(density, num_levels=17))
    >>> trainer.compile(optimizer=keras.optimizers.Adam(0.1))
    >>> history = trainer.fit(np.full([64, 2], 3, np.uint8), epochs=2, verbose=0)
    >>> sorted(history.history)
    ['bits_per_dimension', 'loss']
    """

    def __init__(
        self,
        model: tfp.distributions.Distribution,
        gibbs_steps: int = 25,
        ema_momentum: float | None = None,
        base_weight_penalty: float = 0.0,
        name: str | None = None,
    ) -> None:
        """Constructs the trainer.

        Args:
          model: a distribution with `log_prob` and `sample`.
          gibbs_steps: sweeps of the persistent chains after each update.
          ema_momentum: momentum of the moving average of the weights, such as 0.999; None: no
            average.
          base_weight_penalty: factor of the sum of squared weights of the energy-based
            distributions, added to the loss; the L2 penalty of the RBM-Flow paper.
          name: name of the Keras model.

        Raises:
          TypeError: if `model` is not a distribution.
          ValueError: if `gibbs_steps` or the penalty is negative, or `ema_momentum` not in [0, 1).
        """
        super().__init__(name=name)
        if not isinstance(model, tfp.distributions.Distribution):
            raise TypeError(
                f"`model` must be a tfp.distributions.Distribution, got {type(model).__name__}."
            )
        self.distribution = model
        self.gibbs_steps = checks.positive_integer("gibbs_steps", gibbs_steps, minimum=0)
        self._moving_average = None
        if ema_momentum is not None:
            momentum = checks.fraction("ema_momentum", ema_momentum)
            self._moving_average = MovingAverage(model.trainable_variables, momentum)
        self._penalty = checks.nonnegative_number("base_weight_penalty", base_weight_penalty)
        self._energy_based = energy_based_parts(model)
        # `LogPartitionCallback` takes over while it is in use.
        self.renews_log_partition = True
        self._loss_metric = keras.metrics.Mean(name="loss")
        self._bits_metric = BitsPerDimension(math.prod(model.event_shape.as_list()))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The loss in nats an event, and bits per dimension."""
        return [self._loss_metric, self._bits_metric]

    @property
    def bits_per_dimension(self) -> BitsPerDimension:
        """The metric, which also knows the standard error of the last evaluation."""
        return self._bits_metric

    @property
    def energy_based(self) -> list[EnergyBased]:
        """The energy-based distributions inside the model."""
        return list(self._energy_based)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As `tf_keras.Model.compile`; takes an optimizer, and no loss."""
        super().compile(*args, **kwargs)
        if hasattr(self.optimizer, "build"):
            # Slots made inside the first step would make TensorFlow trace it twice.
            self.optimizer.build(self.distribution.trainable_variables)

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """Returns `log_prob(x)`, nats an event; dropout is on while training."""
        del training  # It reaches the networks by Keras's call context.
        return self.distribution.log_prob(x)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Updates the weights, their average, and the chains."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.distribution.trainable_variables
        with tf.GradientTape() as tape:
            log_prob = self(x, training=True)
            loss = -tf.reduce_mean(log_prob) + self._base_penalty()
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        if self._moving_average is not None:
            self._moving_average.update(self.optimizer.iterations)
        for part in self._energy_based:
            part.update_chains(self.gibbs_steps)
        return self._update_metrics(log_prob)

    def _base_penalty(self):
        if not self._penalty:
            return 0.0
        parts = [part.weights for part in self._energy_based if hasattr(part, "weights")]
        return self._penalty * sum(tf.reduce_sum(tf.convert_to_tensor(w) ** 2) for w in parts)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Adds a batch to the metrics."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self._update_metrics(self(x, training=False))

    def predict_step(self, data: Any) -> tf.Tensor:
        """Returns the log-probabilities of a batch."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _update_metrics(self, log_prob):
        self._loss_metric.update_state(-log_prob)
        self._bits_metric.update_state(log_prob)
        return {metric.name: metric.result() for metric in self.metrics}

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Puts the moving average in place of the weights while the context lasts."""
        if self._moving_average is None:
            yield
        else:
            with self._moving_average.in_place():
                yield

    def restart_average(self) -> None:
        """Sets the moving average, if there is one, to the weights in place."""
        if self._moving_average is not None:
            self._moving_average.restart()

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """As `tf_keras.Model.fit`, after a look at the data.

        Args:
          x: array `[N, *event_shape]` of events, or a `tf.data.Dataset` of batches of them.
          *args: passed on.
          **kwargs: passed on.

        Raises:
          ValueError: if an array is empty, has another event shape than the model, or holds values
            that the model cannot have.
        """
        self._check_data("x", x)
        validation = kwargs.get("validation_data")
        if isinstance(validation, np.ndarray):
            self._check_data("validation_data", validation)
            kwargs["validation_data"] = (validation,)  # Keras wants a tuple.
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `tf_keras.Model.evaluate`, with the averaged weights if there are any.

        Estimates of log Z that belong to other parameters are renewed first, so that the metrics
        are those of one normalised model.

        Args:
          x: array `[N, *event_shape]` of events, or a `tf.data.Dataset` of batches of them.
          *args: passed on.
          **kwargs: passed on.

        Raises:
          ValueError: as `fit`.
        """
        self._check_data("x", x)
        with self.averaged_weights():
            if self.renews_log_partition:
                for part in self._energy_based:
                    if bool(part.is_log_partition_stale()):
                        part.estimate_log_partition()
            return super().evaluate(x, *args, **kwargs)

    def _check_data(self, name, data):
        """Raises for arrays that cannot be events of the model; graphs check values again."""
        if not isinstance(data, np.ndarray):
            return
        event_shape = tuple(self.distribution.event_shape.as_list())
        if data.shape[1:] != event_shape:
            raise ValueError(
                f"`{name}` must have shape [N, {', '.join(map(str, event_shape))}] like the events "
                f"of the model, got {data.shape}."
            )
        if len(data) == 0:
            raise ValueError(f"`{name}` is empty; there is nothing to learn from.")
        if not np.issubdtype(data.dtype, np.integer) and not np.isfinite(data).all():
            raise ValueError(f"`{name}` must be finite, got NaN or infinite values.")
        if isinstance(self.distribution, Dequantized):
            highest = self.distribution.num_levels - 1
            if data.min() < 0 or data.max() > highest or np.any(data % 1):
                raise ValueError(
                    f"`{name}` must hold integers from 0 to {highest}, got values from "
                    f"{data.min()} to {data.max()} of type {data.dtype}; rescale the data to "
                    "levels, or change `num_levels`."
                )
