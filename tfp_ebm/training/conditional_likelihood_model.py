"""The Keras model that trains conditional models by maximum likelihood."""

from typing import Any

import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.models.conditional import Conditional
from tfp_ebm.training.data import events
from tfp_ebm.training.likelihood_model import LikelihoodModel
from tfp_ebm.training.pairs import PairReader, condition_of, pair

__all__ = ["ConditionalLikelihoodModel"]


class ConditionalLikelihoodModel(LikelihoodModel):
    """Trains a `models.Conditional` by minimising `-mean(log_prob(x | c))`, with Keras `fit`.

    As `LikelihoodModel`, on pairs of events and conditions: arrays as `fit(x, condition)` or
    `fit((x, condition))`, or data sets, generators and Keras sequences of pairs of batches;
    `validation_data`, `evaluate` and `predict` take pairs too. Losses are those of x given c.

    >>> import numpy as np
    >>> from tfp_ebm.models import DataSpec, ModelSpec, build
    >>> data = DataSpec((2, 2, 1), num_levels=17, num_context=3)
    >>> model = build(ModelSpec(data, flow=("nice", {"hidden_units": [8]}), base="spins"))
    >>> trainer = ConditionalLikelihoodModel(Conditional(model, num_classes=3))
    >>> trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    >>> images, labels = np.full([6, 2, 2, 1], 3, np.uint8), np.array([0, 2, 1, 0, 1, 2])
    >>> history = trainer.fit(images, labels, epochs=1, verbose=0)
    >>> trainer.conditional(2).sample(5).shape, trainer.predict((images, labels), verbose=0).shape
    (TensorShape([5, 2, 2, 1]), (6,))
    """

    def __init__(self, model: Conditional, **kwargs: Any) -> None:
        """Constructs the trainer.

        Args:
          model: the conditional model.
          **kwargs: as for `LikelihoodModel`.

        Raises:
          TypeError: if `model` is not a `Conditional`.
        """
        if not isinstance(model, Conditional):
            raise TypeError(
                "`model` must be a tfp_ebm.models.Conditional, got "
                f"{type(model).__name__}; make one by `Conditional(model)`."
            )
        super().__init__(model.model, **kwargs)
        self._reader = PairReader(model)

    @property
    def conditional(self) -> Conditional:
        """The conditional model; `distribution` is the model inside."""
        return self._reader.conditional

    @property
    def sample_source(self) -> Conditional:
        """What callbacks sample: events of the classes in turn."""
        return self.conditional

    def _inputs(self, data):
        return self._reader.pair(data)

    def _inputs_to_judge(self, data):
        return self._reader.pair(data)

    def _last_part(self, x):
        return x

    def call(self, x: TensorLike, training: bool | None = None) -> tf.Tensor:
        """Returns `log_prob(x | c)` of a pair, nats an event; dropout is on while training."""
        del training  # It reaches the networks by Keras's call context.
        x, condition = x
        return self.conditional(condition).log_prob(x)

    def training_case(self, update: int) -> tuple[Any, Any]:
        """Returns the distribution and the events of an update of the last `fit`, or no events."""
        batch = self._training_batch(update)
        if batch is None:
            return self.distribution, None
        return self.conditional(condition_of(batch)), events(batch)

    def fit(
        self, x: TensorLike | None = None, condition: TensorLike | None = None, **kwargs: Any
    ) -> keras.callbacks.History:
        """As `LikelihoodModel.fit`, with conditions.

        Args:
          x: events as for `LikelihoodModel.fit`, or pairs of events and conditions: a tuple of
            arrays, or a `tf.data.Dataset`, generator or Keras sequence of pairs of batches. Of
            dictionaries `"image"` and `"label"` count.
          condition: for arrays, `[N, num_context]`, or `[N]` labels.
          **kwargs: as for `LikelihoodModel.fit`.

        Raises:
          ValueError: if conditions are missing, of another number than the events, of another size
            than the model takes, not finite, or no labels of a class; and as `LikelihoodModel.fit`.
        """
        return super().fit(pair(x, condition), **kwargs)

    def evaluate(
        self, x: TensorLike | None = None, condition: TensorLike | None = None, **kwargs: Any
    ) -> Any:
        """As `LikelihoodModel.evaluate`, of events given their conditions, as for `fit`."""
        return super().evaluate(pair(x, condition), **kwargs)

    def predict(
        self, x: TensorLike | None = None, condition: TensorLike | None = None, **kwargs: Any
    ) -> Any:
        """As `LikelihoodModel.predict`: `log_prob` of events given their conditions, `[N]` nats."""
        return super().predict(pair(x, condition), **kwargs)
