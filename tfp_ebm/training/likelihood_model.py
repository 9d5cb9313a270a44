"""The Keras model that trains any distribution by maximum likelihood."""

import contextlib
import functools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.datasets import num_batches, training_batches
from tfp_ebm.distributions import EnergyBased
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.replicas import num_replicas, replica_seed
from tfp_ebm.internal.seeds import seed_scope
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.metrics import BitsPerDimension
from tfp_ebm.training.data import check_data, evaluation_batches, events
from tfp_ebm.training.gradients import all_finite, build_slots, zero_unless
from tfp_ebm.training.moving_average import MovingAverage
from tfp_ebm.training.parameter_groups import GROUPS, parameter_groups
from tfp_ebm.training.trained_variables import (
    make_variables,
    require_all_trained,
    trained_variables,
)

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

    Every draw of an update, from the order of the data to dropout and the chains, is a function of
    `seed` and of the number of the update. So training that is interrupted and taken up again
    (`Checkpoints`) gives the same digits as training that was not. An update whose loss or gradient
    is not finite changes no weight by its gradient and shows as a loss of NaN;
    `TerminateOnNonFinite` stops there and says where it came from.

    Under a `tf.distribute` strategy (make the model, the trainer and the optimizer in its scope)
    the gradient is that of the whole batch, and each replica moves chains of its own.

    >>> import numpy as np, tfp_ebm
    >>> import tensorflow_probability as tfp
    >>> density = tfp.distributions.MultivariateNormalDiag(loc=tf.Variable([8.0, 8.0]))
    >>> trainer = LikelihoodModel(tfp_ebm.distributions.Dequantized(density, num_levels=17))
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
        frozen: Iterable[tf.Variable] = (),
        seed: Any = None,
        name: str | None = None,
    ) -> None:
        """Constructs the trainer.

        Args:
          model: a distribution with `log_prob` and `sample`.
          gibbs_steps: sweeps of the persistent chains after each update.
          ema_momentum: momentum of the moving average of the weights, such as 0.999; None: no
            average.
          base_weight_penalty: factor of the sum of squared `couplings` of the energy-based
            distributions, added to the loss; the L2 penalty of the RBM-Flow paper.
          frozen: variables that are not to be trained, such as `base.trainable_variables`; neither
            are those of Keras layers with `layer.trainable = False`.
          seed: seed of everything random in training; a pair of integers repeats exactly.
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
        make_variables(model)
        self._frozen = checks.variables("frozen", frozen)
        self._moving_average = None
        if ema_momentum is not None:
            momentum = checks.fraction("ema_momentum", ema_momentum)
            averaged, _ = trained_variables(model, self._frozen)
            self._moving_average = MovingAverage(averaged, momentum)
        self._penalty = checks.nonnegative_number("base_weight_penalty", base_weight_penalty)
        self._energy_based = energy_based_parts(model)
        # `LogPartitionCallback` takes over while it is in use.
        self.renews_log_partition = True
        self._seed = tf.Variable(samplers.sanitize_seed(seed), trainable=False, name="seed")
        self._resume_at = None
        self._batches_from = None
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

    @property
    def num_updates(self) -> tf.Variable:
        """The number of updates so far, in every `fit` together."""
        return self.optimizer.iterations

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        """As `tf_keras.Model.compile`; takes an optimizer or one for each group, and no loss.

        Args:
          optimizer: an optimizer, or a dictionary of them for the groups of `parameter_groups`,
            `"flow"`, `"base"` and `"noise"`, each with its own learning rate and clipping.
          **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly`.

        Raises:
          ValueError: if the dictionary lacks a group that has parameters, or names another one.
        """
        groups = parameter_groups(self.distribution, self._frozen)
        groups = {name: part for name, part in groups.items() if part}
        if isinstance(optimizer, dict):
            for name in optimizer:
                checks.choice("optimizer", name, GROUPS)
            if missing := [name for name in groups if name not in optimizer]:
                raise ValueError(
                    f"`optimizer` must have an optimizer for every group with parameters, got none "
                    f"for {', '.join(missing)}."
                )
            optimizers = {name: optimizer[name] for name in groups}
            main = next(iter(optimizers.values()), "sgd")
        else:
            main = keras.optimizers.get(optimizer)
            optimizers = {"all": main}
            groups = {"all": trained_variables(self.distribution, self._frozen)[0]}
        super().compile(optimizer=main, **kwargs)
        with self.distribute_strategy.scope():
            for name, part in optimizers.items():
                build_slots(part, groups[name])
        self._group_optimizers, self._groups = optimizers, list(groups.values())
        self._not_trained = trained_variables(self.distribution, self._frozen)[1]

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """Returns `log_prob(x)`, nats an event; dropout is on while training."""
        del training  # It reaches the networks by Keras's call context.
        return self.distribution.log_prob(x)

    def _inputs(self, data):
        """Returns what `call` takes of a batch."""
        return events(data)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Updates the weights, their average, and the chains."""
        x = self._inputs(data)
        seed = replica_seed(samplers.fold_in(self._seed, tf.cast(self.num_updates, tf.int32)))
        variables = [variable for group in self._groups for variable in group]
        with seed_scope(seed), tf.GradientTape() as tape:
            log_prob = self(x, training=True)
            loss = self._share_of_loss(log_prob) + self._base_penalty() / num_replicas()
        require_all_trained(variables, tape, self._not_trained)
        gradients = tape.gradient(loss, variables)
        is_finite = all_finite(loss, gradients)
        self._apply(zero_unless(is_finite, gradients))
        if self._moving_average is not None:
            self._moving_average.update(self.num_updates)
        for index, part in enumerate(self._energy_based):
            part.update_chains(self.gibbs_steps, seed=samplers.fold_in(seed, -1 - index))
        return self._update_metrics(tf.where(is_finite, log_prob, math.nan))

    def _share_of_loss(self, log_prob):
        """Returns this replica's part of the mean over the whole batch."""
        count = tf.cast(tf.size(log_prob), log_prob.dtype)
        if num_replicas() > 1:
            context = tf.distribute.get_replica_context()
            count = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
        return -tf.reduce_sum(log_prob) / count

    def _apply(self, gradients):
        for optimizer, group in zip(self._group_optimizers.values(), self._groups, strict=True):
            own, gradients = gradients[: len(group)], gradients[len(group) :]
            optimizer.apply_gradients(zip(own, group, strict=True))

    def _base_penalty(self):
        if not self._penalty:
            return 0.0
        couplings = [coupling for part in self._energy_based for coupling in part.couplings]
        return self._penalty * sum(tf.reduce_sum(coupling**2) for coupling in couplings)

    def _evaluate_batch(self, data, counter):
        """Returns log-probabilities, with draws that are the same in every evaluation."""
        seed = samplers.fold_in(samplers.fold_in(self._seed, -1), tf.cast(counter, tf.int32))
        with seed_scope(replica_seed(seed)):
            return self(self._inputs(data), training=False)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Adds a batch to the metrics."""
        return self._update_metrics(self._evaluate_batch(data, self._test_counter))

    def predict_step(self, data: Any) -> tf.Tensor:
        """Returns the log-probabilities of a batch."""
        return self._evaluate_batch(data, self._predict_counter)

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

    def fit(
        self,
        x: Any = None,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        horizontal_flips: bool = False,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `tf_keras.Model.fit`, after a look at the data.

        Args:
          x: array `[N, *event_shape]` of events, or a `tf.data.Dataset` of batches of them:
            tensors, tuples whose first part they are, or dictionaries with a key `"image"`.
          batch_size: events in an update, over all replicas; for arrays.
          shuffle: whether an array is put in another order in every epoch.
          horizontal_flips: whether half of the images of an array are mirrored.
          validation_data: as `x`.
          **kwargs: passed on.

        Raises:
          ValueError: if the data are empty, have another event shape than the model, or hold values
            that the model cannot have.
        """
        check_data(self.distribution, "x", x)
        check_data(self.distribution, "validation_data", validation_data)
        validation_data = evaluation_batches(validation_data, batch_size)
        if isinstance(x, np.ndarray):
            steps = num_batches(len(x), checks.positive_integer("batch_size", batch_size))
            kwargs = {"steps_per_epoch": steps} | kwargs
            options = {"shuffle": shuffle, "horizontal_flips": horizontal_flips}
            self._batches_from = functools.partial(
                training_batches, x, batch_size, self._seed.numpy(), **options
            )
            x = self._batches_from(start=int(self.num_updates.numpy()))
        return super().fit(x, validation_data=validation_data, **kwargs)

    def training_batch(self, update: int) -> tf.Tensor | None:
        """Returns the batch of an update of the last `fit`; None if it was not fitted to an array.

        Args:
          update: number of the update, from 0.
        """
        if self._batches_from is None:
            return None
        return next(iter(self._batches_from(start=update)))

    def resume_at(self, epoch: int, step: int) -> None:
        """Makes the next `fit` start at a step of an epoch, both from 0; `Checkpoints` calls it."""
        self._resume_at = (epoch, step)

    def _maybe_load_initial_counters_from_ckpt(self, steps_per_epoch, initial_epoch):
        # The one place where Keras asks whether to start within an epoch.
        if self._resume_at is None:
            return super()._maybe_load_initial_counters_from_ckpt(steps_per_epoch, initial_epoch)
        position, self._resume_at = self._resume_at, None
        return position

    def evaluate(
        self, x: Any = None, *args: Any, batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """As `tf_keras.Model.evaluate`, with the averaged weights if there are any.

        Estimates of log Z that belong to other parameters are renewed first, so that the metrics
        are those of one normalised model.

        Args:
          x: as for `fit`.
          *args: passed on.
          batch_size: events at a time, for arrays.
          **kwargs: passed on.

        Raises:
          ValueError: as `fit`.
        """
        check_data(self.distribution, "x", x)
        x = evaluation_batches(x, batch_size or 32)
        with self.averaged_weights(), self.distribute_strategy.scope():
            if self.renews_log_partition:
                for index, part in enumerate(self._energy_based):
                    if bool(part.is_log_partition_stale()):
                        part.estimate_log_partition(seed=samplers.fold_in(self._seed, -2 - index))
            return super().evaluate(x, *args, **kwargs)
