"""The Keras model that trains on events some of which have labels."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm.distributions import LabeledRBM
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Distribution, TensorLike
from tfp_ebm.training.likelihood_model import LikelihoodModel, energy_based_parts

__all__ = ["SemiSupervisedModel"]


class SemiSupervisedModel(LikelihoodModel):
    """Trains a model whose base is a `LabeledRBM` on events with and without labels.

        sum over unlabelled x of log sum_y p(x, y) + lambda sum over labelled (x, y) of log p(x, y)

    `fit(x, labels)` maximises it; a label of -1 is unknown. Metrics of epochs are those of the
    terms of the objective, labelled ones times lambda; `evaluate` and validation leave labels aside
    and report log p(x), as `LikelihoodModel` does.

    >>> import numpy as np
    >>> from tfp_ebm import models
    >>> model = models.eb_and_flow((2, 2, 1), 17, num_hidden=4, num_classes=3, hidden_units=[8])
    >>> trainer = SemiSupervisedModel(model, label_weight=5.0)
    >>> trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    >>> images, labels = np.full([6, 2, 2, 1], 3, np.uint8), np.array([0, 2, 1, -1, -1, -1])
    >>> history = trainer.fit(images, labels, epochs=1, verbose=0)
    >>> v = model.distribution.bijector.inverse(images + np.float32(0.5))
    >>> models.parts(model).base.label_posterior(v).mode().shape
    TensorShape([6])

    Source: "EB-and-Flow", equation 9.
    """

    def __init__(self, model: Distribution, label_weight: float = 1.0, **kwargs: Any) -> None:
        """Constructs the trainer.

        Args:
          model: a distribution with one `LabeledRBM` inside.
          label_weight: lambda, the weight of a labelled event against an unlabelled one.
          **kwargs: as for `LikelihoodModel`.

        Raises:
          ValueError: if the model has no `LabeledRBM`, or lambda is negative.
        """
        super().__init__(model, **kwargs)
        bases = [part for part in energy_based_parts(model) if isinstance(part, LabeledRBM)]
        if len(bases) != 1:
            raise ValueError(
                f"`model` must have one LabeledRBM inside, got {len(bases)}; make it by "
                "`models.eb_and_flow(..., num_classes=...)`."
            )
        self._num_classes = bases[0].num_classes
        self._label_weight = checks.nonnegative_number("label_weight", label_weight)
        self._is_bare = bases[0] is model

    def _inputs(self, data):
        # Keras hands on tuples; batches without labels are refused by `call`.
        if isinstance(data, tuple | list) and len(data) > 1:
            return self._reader.cast(data[0]), data[1]
        return super()._inputs(data)

    def call(self, x: TensorLike, training: bool | None = None) -> tf.Tensor:
        """Returns the terms of the objective of events and labels, log p(x) of events alone."""
        if not isinstance(x, tuple):
            if training:
                raise ValueError(
                    "Training needs batches of events and labels, got events alone; give -1 where "
                    "a label is unknown."
                )
            return super().call(x)
        events, labels = x
        kwargs = {"labels": labels}
        if not self._is_bare:
            kwargs = {"distribution_kwargs": kwargs}
        log_prob = self.distribution.log_prob(events, **kwargs)
        weight = tf.constant(self._label_weight, log_prob.dtype)
        return tf.where(labels < 0, log_prob, weight * log_prob)

    def fit(
        self, x: TensorLike | None = None, labels: TensorLike | None = None, **kwargs: Any
    ) -> keras.callbacks.History:
        """As `LikelihoodModel.fit`, with labels.

        Args:
          x: events as for `LikelihoodModel.fit`, or a `tf.data.Dataset` or generator of pairs of
            batches.
          labels: for an array, `[N]` integers from 0 to num_classes - 1, or -1 where unknown.
          **kwargs: as for `LikelihoodModel.fit`.

        Raises:
          ValueError: if the labels are missing, too few, or out of range, and as
            `LikelihoodModel.fit`.
        """
        if labels is None and isinstance(x, tuple) and len(x) > 1:
            x, labels = x[:2]
        self._labels = labels
        return super().fit(x, **kwargs)

    def _fit(self, x, batch_size, options, validation, kwargs):
        if not isinstance(x, np.ndarray):
            return super()._fit(x, batch_size, options, validation, kwargs)
        if self._labels is None:
            raise ValueError("`labels` are needed with an array; give -1 where one is unknown.")
        labels = checks.labels(self._labels, self._num_classes, lowest=-1).numpy()
        if labels.shape != (len(x),):
            raise ValueError(
                f"`labels` must have shape [{len(x)}], one for each event (-1 where unknown), got "
                f"{labels.shape}."
            )
        return super()._fit((x, labels), batch_size, options, validation, kwargs)
