"""The Keras model that trains any distribution by maximum likelihood."""

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions import EnergyBased
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.observed import observed_values
from tfp_ebm.internal.replicas import num_replicas, replica_seed
from tfp_ebm.internal.seeds import seed_scope
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Data, Distribution, Seed, TensorLike
from tfp_ebm.metrics import BitsPerDimension
from tfp_ebm.training.epoch_loss import (
    UNNORMALIZED_LOSS,
    Annealing,
    annealing_of_an_epoch,
    chain_figures,
    confirm,
    epoch_logs,
    estimated_parts,
    log_partition_record,
    renew,
    sample_batches,
)
from tfp_ebm.training.event_trainer import EventTrainer
from tfp_ebm.training.gradients import all_finite, build_slots, zero_unless
from tfp_ebm.training.moving_average import MovingAverage
from tfp_ebm.training.parameter_groups import GROUPS, parameter_groups
from tfp_ebm.training.saving.replica_states import move_stale_chains
from tfp_ebm.training.trained_variables import (
    make_variables,
    require_all_trained,
    trained_variables,
)

__all__ = ["LikelihoodModel", "energy_based_parts"]


def energy_based_parts(model: tf.Module) -> list[EnergyBased]:
    """Returns the energy-based distributions inside a model, itself included.

    >>> from tfp_ebm import distributions, training
    >>> len(training.energy_based_parts(distributions.SmoothedRBM.create(2, 2)))
    1
    """
    return [part for part in (model, *model.submodules) if isinstance(part, EnergyBased)]


class LikelihoodModel(EventTrainer):
    """Trains a distribution by minimising `-mean(log_prob(x))`, with Keras `fit`.

    After each update the persistent chains of every energy-based distribution in the model move
    by `gibbs_steps` sweeps at the new parameters, which is persistent contrastive divergence;
    weighted chains weigh and jump as well (`tfp_ebm.mcmc.WeightedChains`).
    Metrics: `loss` in nats an event and `bits_per_dimension`; both are those of `log_prob`, so for
    `Dequantized` one-draw bounds. `evaluate`, so also validation, and `predict` renew an estimate
    of log Z that belongs to other parameters first.

    Where log Z is an estimate, it belongs to the parameters of one moment, and a mean over the
    updates of an epoch is the loss of no model. So while an epoch runs its progress bar shows
    `unnormalized_loss`, the running mean of minus the unnormalised log-probability, whose level
    means nothing. At its end log Z is that which weighted chains follow, while they know it to a
    tenth of a nat, or it is renewed by annealing both ways, which costs about a twentieth of the
    epoch's sweeps (`LogPartitionCallback` sets another). The epoch's `loss` and
    `bits_per_dimension`, for callbacks and the history, are those of the model as `evaluate` would
    judge it, on a twentieth of the training events, at least 256 (a machine alone: all, up to
    10,000). `loss_error` is one standard
    deviation of `loss`, from the sample and from log Z; `log_partition_gap` says by how many nats
    ways to estimate log Z disagree, 0 where they agree. After the last epoch annealing confirms
    what the chains followed, or warns.

    With `ema_momentum` an exponential moving average of the weights is kept, and `evaluate` (so
    also validation inside `fit`), `predict` and `averaged_weights()` use it.

    Every draw of an update, from the order of the data to dropout and the chains, is a function of
    `seed` and of the number of the update. So training that is interrupted and taken up again
    (`Checkpoints`) gives the same digits as training that was not. An update whose loss or gradient
    is not finite changes no weight by its gradient and shows as a loss of NaN;
    `TerminateOnNonFinite` stops there and says where it came from.

    Under a `tf.distribute` strategy (make the model, the trainer and the optimizer in its scope)
    the gradient is that of the whole batch, and each replica moves chains of its own.

    >>> import numpy as np, tensorflow_probability as tfp, tfp_ebm
    >>> density = tfp.distributions.MultivariateNormalDiag(loc=tf.Variable([8.0, 8.0]))
    >>> trainer = LikelihoodModel(tfp_ebm.distributions.Dequantized(density, num_levels=17))
    >>> trainer.compile(optimizer=keras.optimizers.Adam(0.1))
    >>> sorted(trainer.fit(np.full([64, 2], 3, np.uint8), epochs=2, verbose=0).history)
    ['bits_per_dimension', 'loss']
    """

    def __init__(
        self,
        model: Distribution,
        gibbs_steps: int | None = None,
        ema_momentum: float | None = None,
        base_weight_penalty: float = 0.0,
        frozen: Iterable[tf.Variable] = (),
        seed: Seed = None,
        name: str | None = None,
    ) -> None:
        """Constructs the trainer.

        Args:
          model: a distribution with `log_prob` and `sample`.
          gibbs_steps: sweeps of the chains after each update; None: as many as they need, 2 or 6
            of weighted ones, depending on whether their jumps are accepted, and 25 of others.
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
        super().__init__(model, seed, name)
        make_variables(model)
        self._frozen = checks.variables("frozen", frozen)
        self._moving_average = None
        if ema_momentum is not None:
            momentum = checks.fraction("ema_momentum", ema_momentum)
            averaged, _ = trained_variables(model, self._frozen)
            self._moving_average = MovingAverage(averaged, momentum)
        self._energy_based = energy_based_parts(model)
        self.gibbs_steps = gibbs_steps
        if gibbs_steps is not None:
            self.gibbs_steps = checks.positive_integer("gibbs_steps", gibbs_steps, minimum=0)
        self._penalty = checks.nonnegative_number("base_weight_penalty", base_weight_penalty)
        if self._penalty and not any(part.couplings for part in self._energy_based):
            raise ValueError(
                "`base_weight_penalty` has nothing to shrink: no energy-based distribution of the "
                "model has couplings; leave it out."
            )
        self._estimated = estimated_parts(self._energy_based)
        self.annealing = Annealing()
        self._sample = []
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
        self._score = self._score_sample
        if not self.run_eagerly:
            self._score = tf.function(self._score_sample, autograph=False, reduce_retracing=True)

    def call(self, x: TensorLike, training: bool | None = None) -> tf.Tensor:
        """Returns `log_prob(x)`, nats an event; dropout is on while training."""
        del training  # It reaches the networks by Keras's call context.
        return self.distribution.log_prob(x)

    def train_step(self, data: Data) -> dict[str, tf.Tensor]:
        """Updates the weights, their average, and the chains."""
        x = self._inputs(data)
        seed = replica_seed(samplers.fold_in(self._seed, tf.cast(self.num_updates, tf.int32)))
        variables = [variable for group in self._groups for variable in group]
        with seed_scope(seed), observed_values() as latents, tf.GradientTape() as tape:
            log_prob = self(x, training=True)
            loss = self._share_of_loss(log_prob) + self._base_penalty() / num_replicas()
        require_all_trained(variables, tape, self._not_trained)
        gradients = tape.gradient(loss, variables)
        is_finite = all_finite(loss, gradients)
        self._apply(zero_unless(is_finite, gradients))
        if self._moving_average is not None:
            self._moving_average.update(self.num_updates)
        for index, part in enumerate(self._energy_based):
            part.update_chains(
                self.gibbs_steps, samplers.fold_in(seed, -1 - index), latents.get(id(part))
            )
        return self._add_update(tf.where(is_finite, log_prob, math.nan))

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

    def _evaluate_batch(self, inputs, counter):
        """Returns what `call` gives, with draws that are the same in every evaluation."""
        seed = samplers.fold_in(samplers.fold_in(self._seed, -1), tf.cast(counter, tf.int32))
        with seed_scope(replica_seed(seed)):
            return self(inputs, training=False)

    def test_step(self, data: Data) -> dict[str, tf.Tensor]:
        """Adds a batch to the metrics."""
        x = self._inputs_to_judge(data)
        self._update_metrics(self._evaluate_batch(x, self._test_counter))
        return self.get_metrics_result()

    def predict_step(self, data: Data) -> tf.Tensor:
        """Returns the log-probabilities of a batch."""
        x = self._inputs_to_judge(data)
        return self._evaluate_batch(x, self._predict_counter)

    def _update_metrics(self, log_prob):
        self._loss_metric.update_state(-log_prob)
        self._bits_metric.update_state(log_prob)

    def _add_update(self, log_prob):
        """Returns the running logs of an epoch, with an update added to them."""
        if not self._estimated:
            self._update_metrics(log_prob)
            return self.get_metrics_result()
        estimates = [part.stored_log_partition.value for part in self._estimated]
        level = sum(tf.cast(estimate, log_prob.dtype) for estimate in estimates)
        self._loss_metric.update_state(-(log_prob + level))
        return {UNNORMALIZED_LOSS: self._loss_metric.result()}

    def _validate_and_get_metrics_result(self, logs):
        # Where Keras ends an epoch, before validation and callbacks.
        if UNNORMALIZED_LOSS not in logs or not self._sample:
            return super()._validate_and_get_metrics_result(logs)
        self.reset_metrics()
        with self.as_evaluated():
            for index, batch in enumerate(self._sample.take()):
                self._score(batch, tf.constant(index))
        records = [log_partition_record(part) for part in self._estimated]
        error = self._bits_metric.standard_error() * self._bits_metric.num_dimensions * math.log(2)
        own = epoch_logs(logs, self.get_metrics_result(), error, records)
        return {**own, **chain_figures(self._estimated)}

    def _score_sample(self, batch, index):
        """Adds a batch that all replicas know to the metrics; each takes its share."""

        def add_share(batch, index):
            context = tf.distribute.get_replica_context()
            first, step = context.replica_id_in_sync_group, num_replicas()
            share = tf.nest.map_structure(lambda part: part[first::step], batch)
            self._update_metrics(self._evaluate_batch(self._inputs(share), index))

        self.distribute_strategy.run(add_share, args=(batch, index))

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

    def renew_log_partition(self) -> None:
        """Estimates log Z wherever the stored estimate belongs to other parameters, or is lost."""
        for index, part in enumerate(self._estimated):
            renew(part, self.annealing, samplers.fold_in(self._annealing_seed(), -2 - index))

    def _annealing_seed(self):
        seed = self.annealing.seed
        return self._seed if seed is None else samplers.sanitize_seed(seed)

    @contextlib.contextmanager
    def as_evaluated(self) -> Iterator[None]:
        """Puts the moving average in place, with a log Z that belongs to it."""
        with self.averaged_weights():
            self.renew_log_partition()
            yield

    def _fit(self, x, batch_size, options, validation, kwargs):
        with self.distribute_strategy.scope():
            move_stale_chains(self._energy_based, self.gibbs_steps, self._seed)
        try:
            history = super()._fit(x, batch_size, options, validation, kwargs)
            for index, part in enumerate(self._estimated):
                seed = samplers.fold_in(self._annealing_seed(), -2 - index)
                confirm(part, self.annealing, samplers.fold_in(seed, 1))
            return history
        finally:
            self._sample, self.annealing = [], Annealing()

    def _look_ahead(self, x, batch_size, num_updates):
        if self._estimated:
            is_cheap = any(part is self.distribution for part in self._energy_based)
            self._sample, x = sample_batches(x, batch_size, num_updates, is_cheap)
            self.annealing = annealing_of_an_epoch(self._estimated, num_updates, self.gibbs_steps)
        return x
