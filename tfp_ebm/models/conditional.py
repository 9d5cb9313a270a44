"""Conditional models: from a condition to a distribution."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.flows.condition_paths import context_size
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import tensor_util
from tfp_ebm.internal.types import Distribution, Seed, TensorLike
from tfp_ebm.models.conditioned import Conditioned
from tfp_ebm.models.parts import parts

__all__ = ["Conditional"]

tfd = tfp.distributions


class Conditional(tf.Module):
    """A model of events given a condition, p(x | c): call it on c, and it returns a distribution.

        z ~ base,   x = flow(z; c)

    The condition is a vector of numbers, which every coupling of the flow sees beside its own
    input, or with `num_classes` the label of a class. The base does not depend on it.
    `training.ConditionalLikelihoodModel` trains it on pairs of events and conditions, and
    `tfp_ebm.save` and `load` take it.

    #### Example: vectors given vectors

    >>> from tfp_ebm.models import DataSpec, ModelSpec, build
    >>> spec = ModelSpec(DataSpec((2,), num_context=3), flow=("vector_glow", {"num_steps": 2}))
    >>> conditional = Conditional(build(spec))
    >>> given = conditional([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    >>> given.batch_shape, given.sample(5).shape, given.log_prob([0.1, 0.2]).shape
    (TensorShape([2]), TensorShape([5, 2, 2]), TensorShape([2]))

    #### Example: digits of a class

    >>> data = DataSpec((8, 8, 1), num_levels=17, num_context=10)
    >>> model = build(ModelSpec(data, flow=("nice", {"hidden_units": [8]}), base="spins"))
    >>> digits = Conditional(model, num_classes=10)
    >>> digits(3).sample(4).shape, digits([0, 1, 2]).sample().shape
    (TensorShape([4, 8, 8, 1]), TensorShape([3, 8, 8, 1]))

    Source: Winkler et al., "Learning Likelihoods with Conditional Normalizing Flows" (2019).
    """

    def __init__(
        self, model: Distribution, num_classes: int | None = None, name: str = "conditional"
    ) -> None:
        """Constructs the conditional model.

        Args:
          model: a model that was built with `num_context`, or any flow with couplings that take a
            `condition`, bare or in wrappers such as `Dequantized`.
          num_classes: number of the classes whose labels are the conditions; the size of the
            one-hot vectors that the couplings take. None: conditions are vectors.
          name: name of the module.

        Raises:
          TypeError: if `model` is not a distribution.
          ValueError: if no part of it takes a condition, or one of another size than the number of
            classes.
        """
        super().__init__(name=name)
        if not isinstance(model, tfd.Distribution):
            raise TypeError(
                f"`model` must be a tfp.distributions.Distribution, got {type(model).__name__}."
            )
        flow = parts(model).flow
        self._num_context = 0 if flow is None else context_size(flow)
        if not self._num_context:
            raise ValueError(
                "`model` must have couplings that take a condition: build it with `num_context` in "
                "its `DataSpec`, or make its couplings with `num_context`."
            )
        if num_classes is not None:
            num_classes = checks.positive_integer("num_classes", num_classes, minimum=2)
            if num_classes != self._num_context:
                raise ValueError(
                    f"`num_classes` must be {self._num_context}, the `num_context` of `model`, got "
                    f"{num_classes}; build the model with `num_context={num_classes}`."
                )
        self._model, self._num_classes = model, num_classes

    model = Given[Distribution]("The model inside, whose methods need the condition as a keyword.")
    num_classes = Given[int | None](
        "Number of the classes whose labels are the conditions; None: conditions are vectors."
    )
    num_context = Given[int]("The size of the vectors that the couplings take.")

    @property
    def event_shape(self) -> tf.TensorShape:
        """Shape of an event."""
        return self._model.event_shape

    @property
    def dtype(self) -> tf.DType:
        """Dtype of events."""
        return self._model.dtype

    @property
    def condition_dtype(self) -> tf.DType:
        """Dtype of condition vectors, that of the flow."""
        return parts(self._model).density.dtype

    def sample(self, num_samples: int, seed: Seed = None) -> tf.Tensor:
        """Returns events of the classes in turn: of 0, 1, ..., num_classes - 1, 0, ...

        Args:
          num_samples: number of events.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          `[num_samples, *event_shape]`.

        Raises:
          ValueError: if conditions are vectors, of which no one is as good as another.
        """
        if self._num_classes is None:
            raise ValueError(
                "`sample` draws from classes in turn, but the conditions of this model are "
                "vectors: give them, as `conditional(condition).sample(num_samples)`."
            )
        num_samples = checks.positive_integer("num_samples", num_samples)
        return self(tf.range(num_samples) % self._num_classes).sample(seed=seed)

    def __call__(self, condition: TensorLike) -> Distribution:
        """Returns the distribution of events given a condition.

        Args:
          condition: `[..., num_context]`, in the dtype of the flow, or `[...]` integer labels from
            0 to num_classes - 1. In a graph what is out of range makes every result NaN where
            errors cannot be raised, under XLA.

        Returns:
          A `tfd.Distribution` with batch shape `[...]` and the event shape of the model, which
          reads the variables of the model when it is used.

        Raises:
          ValueError: if a condition has another size, is not finite, or no label of a class.
        """
        return Conditioned(self._model, self._vectors(condition), name=f"{self.name}_given")

    def _vectors(self, condition):
        """Returns what the couplings take."""
        if condition is None:
            raise ValueError("`condition` is needed, got None; this model is of events given one.")
        dtype = self.condition_dtype
        if self._num_classes is None:
            if tensor_util.is_ref(condition):
                return condition
            return tf.convert_to_tensor(condition, dtype_hint=dtype)
        labels = checks.labels(condition, self._num_classes)
        vectors = tf.one_hot(labels, self._num_classes, dtype=dtype)
        # Under XLA a wrong label is negative, and its vector would be that of no class.
        unknown = tf.constant(float("nan"), dtype)
        return tf.where(labels[..., tf.newaxis] < 0, unknown, vectors)
