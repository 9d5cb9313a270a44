"""Keras's loops over the events of a distribution."""

import contextlib
import functools
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.datasets import num_batches, training_batches
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Data, Distribution, Seed, TensorLike
from tfp_ebm.models.conditional import Conditional
from tfp_ebm.training.data import EventReader, evaluation_batches, events

__all__ = ["EventTrainer"]

_BATCH_SIZE = 32
_OF_CONDITIONAL = "`tfp_ebm.training.ConditionalLikelihoodModel` trains conditional models."
_LOSS = (
    "loses what a distribution owns: write the model by `tfp_ebm.save(trainer.distribution, "
    "folder)`, or by `tfp_ebm.training.saving.checkpoint.save`, and training by "
    "`tfp_ebm.training.Checkpoints`."
)


class EventTrainer(keras.Model):
    """A Keras model around a distribution: `fit`, `evaluate` and `predict` take its events.

    Subclasses give `train_step`, `test_step` and `predict_step`, and may give `as_evaluated`, a
    context in which the model is as it is to be judged.
    """

    def __init__(self, model: Distribution, seed: Seed = None, name: str | None = None) -> None:
        """Constructs the trainer.

        Args:
          model: a distribution with `log_prob` and `sample`.
          seed: seed of everything random in training; a pair of integers repeats exactly.
          name: name of the Keras model.

        Raises:
          TypeError: if `model` is not a distribution.
        """
        super().__init__(name=name, autocast=False)  # Events keep the dtype of the model.
        if not isinstance(model, tfp.distributions.Distribution):
            raise TypeError(
                f"`model` must be a tfp.distributions.Distribution, got {type(model).__name__}."
                + (f" {_OF_CONDITIONAL}" if isinstance(model, Conditional) else "")
            )
        self.distribution = model
        self._seed = tf.Variable(samplers.sanitize_seed(seed), trainable=False, name="seed")
        self._reader = EventReader(model)
        self._resume_at = None
        self._batches_from = None

    def __reduce__(self):
        raise TypeError(
            "A trainer is neither copied nor pickled, since tf_keras would make it anew from a "
            "configuration, which cannot hold a distribution: copy or pickle "
            "`trainer.distribution`, and keep training with `tfp_ebm.training.Checkpoints`."
        )

    def __deepcopy__(self, memo):
        self.__reduce__()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises: Keras's formats lose what a distribution owns.

        Raises:
          TypeError: always, with what to call instead.
        """
        raise TypeError(f"A trainer is not saved as a Keras model, which {_LOSS}")

    def save_weights(self, filepath: str | pathlib.Path, *args: Any, **kwargs: Any) -> None:
        """As `tf_keras.Model.save_weights` in TensorFlow's format.

        Args:
          filepath: prefix of the files.
          *args: passed on.
          **kwargs: passed on.

        Raises:
          TypeError: if the file would be HDF5 or Keras's own.
        """
        is_tf = not str(filepath).endswith((".h5", ".hdf5", ".keras"))
        if not is_tf or kwargs.get("save_format", "tf") not in (None, "tf"):
            raise TypeError(f"Weights are not saved to {filepath}, a format that {_LOSS}")
        super().save_weights(filepath, *args, **kwargs)

    @property
    def num_updates(self) -> tf.Variable:
        """The number of updates so far, in every `fit` together."""
        return self.optimizer.iterations

    def reseed(self, seed: Seed) -> None:
        """Makes everything random from the next update on a function of another seed.

        Args:
          seed: a pair of integers, or an integer.
        """
        self._seed.assign(samplers.sanitize_seed(seed))

    def as_evaluated(self) -> contextlib.AbstractContextManager:
        """Returns a context in which the model is as it is to be judged; here as it is."""
        return contextlib.nullcontext()

    def _inputs(self, data):
        """Returns what `call` takes of a batch while training."""
        return self._reader.cast(events(data))

    def _inputs_to_judge(self, data):
        """Returns what `call` takes of a batch in `evaluate` and `predict`."""
        return self._reader.cast(events(data))

    def _last_part(self, x):
        """Returns what validation needs of the last part of arrays."""
        return events(x)

    @property
    def sample_source(self) -> Any:
        """What callbacks sample."""
        return self.distribution

    def fit(
        self,
        x: TensorLike | None = None,
        y: Data | None = None,
        *,
        batch_size: int = _BATCH_SIZE,
        shuffle: bool = True,
        horizontal_flips: bool = False,
        validation_data: Data | None = None,
        validation_split: float = 0.0,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `tf_keras.Model.fit`, after a look at the data.

        Args:
          x: events `[N, *event_shape]`: an array, a tensor, a list, or a table such as a pandas
            DataFrame; or batches of them: a `tf.data.Dataset`, a generator or a Keras sequence.
            Of tuples, such as events and labels, the first part counts, and of dictionaries
            `"image"`.
          y: must be None: a likelihood has no targets.
          batch_size: events in an update, over all replicas; for arrays.
          shuffle: whether an array is put in another order in every epoch.
          horizontal_flips: whether half of the images of an array are mirrored.
          validation_data: as `x`.
          validation_split: the share of an array, its last events, that is kept for validation.
          **kwargs: passed on.

        Raises:
          ValueError: if the data are empty, have another event shape than the model, or hold values
            that the model cannot have; or if an argument does not fit.
        """
        _check_no_targets(y, kwargs)
        options = {"shuffle": shuffle, "horizontal_flips": horizontal_flips}
        validation = (validation_data, validation_split)
        x = self._reader.read("x", _required(x))
        return self._fit(x, batch_size, options, validation, kwargs)

    def _fit(self, x, batch_size, options, validation, kwargs):
        """Fits to what the reader returned, or to a tuple of arrays that belong together."""
        batch_size = checks.positive_integer("batch_size", batch_size)
        validation_size = kwargs.pop("validation_batch_size", None) or batch_size
        x, validation_data = self._validation(x, *validation)
        if isinstance(x, np.ndarray | tuple):
            steps = num_batches(len(tf.nest.flatten(x)[0]), batch_size)
            kwargs = {"steps_per_epoch": steps} | kwargs
        x = self._look_ahead(x, batch_size, kwargs.get("steps_per_epoch") or _length(x))
        if isinstance(x, np.ndarray | tuple):
            self._batches_from = functools.partial(
                training_batches, x, batch_size, self._seed.numpy(), **options
            )
            x = self._batches_from(start=int(self.num_updates.numpy()))
        elif options["horizontal_flips"]:
            raise ValueError(
                "`horizontal_flips` needs an array of images; mirror the images of a data set by "
                "`.map(tf.image.random_flip_left_right)`."
            )
        else:
            kwargs["shuffle"] = options["shuffle"]  # Which Keras heeds for its sequences.
        validation_data = evaluation_batches(validation_data, validation_size)
        return super().fit(x, validation_data=validation_data, **kwargs)

    def _look_ahead(self, x, batch_size, num_updates):
        """Looks at what will be trained on, in epochs of some updates (or None); returns it."""
        del batch_size, num_updates
        return x

    def _validation(self, x, data, split):
        """Returns the training part and the validation part."""
        split = checks.fraction("validation_split", split)
        if not split or data is not None:
            return x, self._reader.read("validation_data", data)
        if not isinstance(x, np.ndarray | tuple):
            raise ValueError(
                "`validation_split` needs an array; of a data set give parts: `x=data.skip(n)` and "
                "`validation_data=data.take(n)`."
            )
        size = len(tf.nest.flatten(x)[0])
        kept = int(size * (1 - split))
        if not kept:
            raise ValueError(f"`validation_split` leaves none of {size} events to train on.")
        last = tf.nest.map_structure(lambda part: part[kept:], x)
        return tf.nest.map_structure(lambda part: part[:kept], x), self._last_part(last)

    def training_batch(self, update: int) -> tf.Tensor | None:
        """Returns the events of an update of the last `fit`; None if not fitted to an array.

        Args:
          update: number of the update, from 0.
        """
        batch = self._training_batch(update)
        return None if batch is None else events(batch)

    def _training_batch(self, update):
        return self._batches_from and next(iter(self._batches_from(start=update)))

    def training_case(self, update: int) -> tuple[Any, Any]:
        """Returns the distribution and the events of an update of the last `fit`, or no events."""
        return self.distribution, self.training_batch(update)

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
        self,
        x: TensorLike | None = None,
        y: Data | None = None,
        *,
        batch_size: int = _BATCH_SIZE,
        **kwargs: Any,
    ) -> Any:
        """As `tf_keras.Model.evaluate`, with the model as it is to be judged.

        Args:
          x: as for `fit`.
          y: must be None.
          batch_size: events at a time, for arrays.
          **kwargs: passed on.

        Raises:
          ValueError: as `fit`.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # Within `fit`, which has read the data.
            x = self._read_to_judge(x, y, batch_size, kwargs)
        with self.distribute_strategy.scope(), self.as_evaluated():
            return super().evaluate(x, **kwargs)

    def predict(
        self, x: TensorLike | None = None, *, batch_size: int = _BATCH_SIZE, **kwargs: Any
    ) -> Any:
        """As `tf_keras.Model.predict`, with the model as it is to be judged.

        Args:
          x: as for `fit`.
          batch_size: events at a time, for arrays.
          **kwargs: passed on.

        Returns:
          `log_prob` of every event, an array `[N]`, nats.

        Raises:
          ValueError: as `fit`.
        """
        x = self._read_to_judge(x, None, batch_size, kwargs)
        with self.distribute_strategy.scope(), self.as_evaluated():
            return super().predict(x, **kwargs)

    def _read_to_judge(self, x, y, batch_size, kwargs):
        _check_no_targets(y, kwargs)
        batch_size = checks.positive_integer("batch_size", batch_size)
        return evaluation_batches(self._reader.read("x", _required(x)), batch_size)


def _length(batches):
    """Returns the number of batches of an epoch, or None where it is not known."""
    if isinstance(batches, tf.data.Dataset):
        return max(0, int(batches.cardinality())) or None
    return len(batches) if hasattr(batches, "__len__") else None


def _required(x):
    if x is None:
        raise ValueError("`x` must hold events of the model, got None.")
    return x


def _check_no_targets(y, kwargs):
    given = {"y": y, **{name: kwargs.pop(name, None) for name in ("sample_weight", "class_weight")}}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"`{name}` means nothing to the likelihood of events; leave it out.")
