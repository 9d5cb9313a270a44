"""A model given a condition."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.flows.condition_paths import condition_kwargs, context_size
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import parameter_properties, ps, tensor_util
from tfp_ebm.internal.types import Distribution, Seed, TensorLike, Unpack
from tfp_ebm.models.parts import parts
from tfp_ebm.wrappers.bound_options import BoundOptions
from tfp_ebm.wrappers.stochastic_bound import StochasticBound, bound_log_prob

__all__ = ["Conditioned"]

tfd = tfp.distributions


class Conditioned(StochasticBound):
    """p(x | c): a model whose flow depends on condition vectors, given some of them.

    `Conditional` makes it. `log_prob(x, seed)` is exact or a bound as that of the model, and
    `importance_log_prob` tightens a bound. Mean and mode are not defined.

    >>> from tfp_ebm.models import DataSpec, ModelSpec, build
    >>> options = {"num_steps": 1, "hidden_units": [4]}
    >>> model = build(ModelSpec(DataSpec((2,), num_context=3), flow=("vector_glow", options)))
    >>> given = Conditioned(model, tf.eye(3))
    >>> given.sample(4, seed=(0, 1)).shape, given[:2].log_prob([0.0, 1.0]).shape
    (TensorShape([4, 3, 2]), TensorShape([2]))
    """

    def __init__(
        self,
        distribution: Distribution,
        condition: TensorLike,
        **options: Unpack[BoundOptions],
    ) -> None:
        """Constructs the distribution.

        Args:
          distribution: a model without batch axes whose flow has conditional couplings, or a
            wrapper of one.
          condition: `[..., num_context]` in the dtype of the flow; its leading axes are the batch
            shape. A `tf.Variable` is read when it is needed.
          **options: `BoundOptions`.

        Raises:
          ValueError: if the model takes no condition or has batch axes, or the condition has
            another size or is not finite.
        """
        parameters = dict(locals())
        found = parts(distribution)
        self._flow = found.flow
        size = 0 if found.flow is None else context_size(found.flow)
        if not size:
            raise ValueError(
                "`distribution` must have a flow that takes a condition: build it with "
                "`num_context` in its `DataSpec`, or make its couplings with `num_context`."
            )
        if distribution.batch_shape.rank != 0:
            raise ValueError(
                f"`distribution` must have no batch axes, got {distribution.batch_shape}; the "
                "condition gives a batch."
            )
        with tf.name_scope(options.get("name") or "Conditioned") as name:
            self._distribution = distribution
            self._condition = tensor_util.convert_nonref_to_tensor(
                condition, dtype=found.density.dtype, name="condition"
            )
            checks.vector("condition", self._condition, size)
            if not tensor_util.is_ref(self._condition):
                checks.finite("condition", self._condition)
            super().__init__(
                distribution.dtype, parameters, name, distribution.reparameterization_type
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        # The model has no batch axes, so that slices of the batch leave it alone.
        return {"condition": parameter_properties.ParameterProperties(event_ndims=1)}

    distribution = Given[Distribution]("The model.")
    condition = Given[tf.Tensor | tf.Variable]("The condition vectors, `[..., num_context]`.")

    def bijector_kwargs(self) -> dict[str, Any]:
        """Returns the keywords by which the flow gets the condition, as it is now."""
        condition = tf.convert_to_tensor(self._condition)
        message = f"`condition` of `{self.name}` must be finite, got NaN or infinite entries."
        condition = checks.valid(condition, tf.math.is_finite(condition), message)
        return condition_kwargs(self._flow, condition)

    def for_every_condition(self, value: TensorLike) -> tf.Tensor:
        """Returns events of which each condition has its own, as `log_prob` sees them.

        Args:
          value: `[..., *event_shape]`, whose leading axes broadcast against `batch_shape`.
        """
        return self._for_every_model(self._as_tensor(value))

    def _event_shape(self):
        return self._distribution.event_shape

    def _event_shape_tensor(self):
        return self._distribution.event_shape_tensor()

    def _batch_shape(self):
        return self._condition.shape[:-1]

    def _batch_shape_tensor(self):
        return ps.shape(self._condition)[:-1]

    def _call_log_prob(self, value, name, **kwargs):
        return super()._call_log_prob(self._as_tensor(value), name, **kwargs)

    def _as_tensor(self, value):
        if isinstance(self._distribution, StochasticBound):
            return self._distribution._as_tensor(value)
        return tf.convert_to_tensor(value, dtype_hint=self.dtype)

    def _log_prob(self, value, seed=None, **kwargs):
        kwargs = {**kwargs, "bijector_kwargs": self.bijector_kwargs()}
        # With the seed as it came, so that draws are those of the model.
        return bound_log_prob(self._distribution, self._for_every_model(value), seed, **kwargs)

    def importance_log_prob(
        self, value: TensorLike, num_samples: int = 64, seed: Seed = None, **kwargs: Any
    ) -> tf.Tensor:
        """Returns a tighter lower bound on log p(x | c), see that of the model.

        Args:
          value: `[..., *event_shape]`, whose leading axes broadcast against `batch_shape`.
          num_samples: number of draws of the hidden variables.
          seed: seed; a pair of integers repeats exactly.
          **kwargs: passed on.

        Returns:
          `[...]` float64 of the broadcast shape, nats an event.

        Raises:
          TypeError: if the log-probability of the model is exact, so that nothing is to tighten.
          ValueError: as that of the model.
        """
        if not isinstance(self._distribution, StochasticBound):
            raise TypeError(
                "`importance_log_prob` tightens a bound, but the log-probability of this model is "
                "exact; call `log_prob`."
            )
        # Of the model, whose trace serves every condition.
        return self._distribution.importance_log_prob(
            self.for_every_condition(value),
            num_samples,
            seed,
            **{**kwargs, "bijector_kwargs": self.bijector_kwargs()},
        )

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        shape = ps.concat([ps.reshape(sample_shape, [-1]), self.batch_shape_tensor()], axis=0)
        kwargs = {**kwargs, "bijector_kwargs": self.bijector_kwargs()}
        return self._distribution.sample(shape, seed=seed, **kwargs)

    def _default_event_space_bijector(self):
        return None
