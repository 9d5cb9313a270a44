"""What distributions share whose log-probability is a bound with random draws."""

import math
import warnings
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, distribution_arguments
from tfp_ebm.internal.seeds import sanitize_seed, seed_scope
from tfp_ebm.internal.spelled_options import arguments_of
from tfp_ebm.internal.tfp_private import ps, samplers
from tfp_ebm.internal.types import Distribution, Seed, TensorLike
from tfp_ebm.wrappers.bound_options import DEFAULTS, with_bound_options

__all__ = ["StochasticBound", "bound_log_prob"]

_BLOCK = 16


class StochasticBound(tfp.distributions.Distribution):
    """A distribution whose `log_prob(x, seed)` is a lower bound from one draw of hidden variables.

        log p(x) >= log p(x, h) - log q(h | x),   h ~ q(h | x)

    Hidden variables are drawn for every value and every member of the batch: the value is first
    broadcast against `batch_shape`. Subclasses keep the distribution inside as `_distribution` and
    give `_log_weight(value, seed)`, the bound of one draw for every entry of a value of any leading
    shape that ends in the batch shape; `_checked(value)` may refuse values. Further keywords, such
    as `distribution_kwargs`, are passed on to the distribution inside.

    >>> from tfp_ebm import distributions
    >>> uniform = tfp.distributions.Independent(tfp.distributions.Uniform([0.0, 0.0], 4.0), 1)
    >>> model = distributions.Dequantized(uniform, num_levels=4)
    >>> isinstance(model, distributions.StochasticBound)
    True
    >>> round(float(model.importance_log_prob([1, 3], num_samples=5, seed=(0, 1))), 3)
    -2.773
    """

    def __init_subclass__(cls) -> None:
        """Spells options out in the signature and the docstring of a constructor."""
        super().__init_subclass__()
        if "__init__" in vars(cls):
            with_bound_options(cls.__init__)

    def __init__(
        self,
        dtype: tf.DType,
        parameters: dict[str, Any],
        name: str,
        reparameterization_type: object = tfp.distributions.NOT_REPARAMETERIZED,
    ) -> None:
        """Starts what the subclass with these arguments is as a distribution.

        Args:
          dtype: dtype of its events.
          parameters: the arguments of the subclass's constructor, its `dict(locals())`, in which
            `options` are `BoundOptions`.
          name: name of the scope.
          reparameterization_type: whether samples have gradients with respect to the parameters.
        """
        parameters = arguments_of(type(self).__name__, parameters, DEFAULTS)
        super().__init__(**distribution_arguments(dtype, parameters, name, reparameterization_type))

    _distribution: Distribution
    distribution = Given[Distribution]("The distribution inside.")

    def _batch_shape(self):
        return self._distribution.batch_shape

    def _batch_shape_tensor(self):
        return self._distribution.batch_shape_tensor()

    def _checked(self, value: tf.Tensor) -> tf.Tensor:
        """Returns the value in the dtype of the distribution inside, refused if it is none."""
        return value

    def _log_weight(self, value: tf.Tensor, seed: Seed, **kwargs: Any) -> tf.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement `_log_weight`.")

    def _for_every_model(self, value):
        """Returns the value, checked, of shape `[..., *batch_shape, *event_shape]`."""
        leading_rank = self._leading_rank(value)
        leading, event = value.shape[:leading_rank], value.shape[leading_rank:]
        try:
            static_shape = tf.broadcast_static_shape(leading, self.batch_shape)
        except ValueError:
            raise ValueError(
                f"`value` has leading axes {leading}, which do not broadcast with the batch shape "
                f"{self.batch_shape}; add an axis of length 1 where every model is to see all."
            ) from None
        value = self._checked(value)
        if self.batch_shape.rank == 0:
            return value
        shape = ps.broadcast_shape(ps.shape(value)[:leading_rank], self.batch_shape_tensor())
        value = tf.broadcast_to(value, ps.concat([shape, self.event_shape_tensor()], axis=0))
        return tf.ensure_shape(value, static_shape.concatenate(event))

    def _leading_rank(self, value):
        """Returns how many axes of a value come before its event, whose shape is checked."""
        event_shape, shape = self.event_shape, value.shape
        rank = -1 if shape.rank is None else shape.rank - event_shape.rank
        if rank < 0 or not event_shape.is_compatible_with(shape[rank:]):
            raise ValueError(
                f"`value` must have shape [..., {', '.join(map(str, event_shape))}], got {shape}."
            )
        return rank

    def _draw(self, name, value, event_shape, seed, detail=""):
        """Draws from the distribution that the argument `name` makes of a value, with log q."""
        made = getattr(self, f"_{name}")(value)
        if not isinstance(made, tfp.distributions.Distribution):
            raise TypeError(f"`{name}(x)` must be a distribution, got {type(made).__name__}.")
        if not made.event_shape.is_compatible_with(event_shape):
            raise ValueError(
                f"`{name}(x)` must have event shape {event_shape}, that of x{detail}, got "
                f"{made.event_shape}."
            )
        batch_shape = value.shape[: self._leading_rank(value)]
        if not made.batch_shape.is_compatible_with(batch_shape):
            raise ValueError(
                f"`{name}(x)` must have batch shape {batch_shape}, so that every x has a draw of "
                f"its own, got {made.batch_shape}; make its parameters from x, for instance by "
                "`tf.zeros_like`."
            )
        return made.experimental_sample_and_log_prob(seed=seed)

    def _inner_log_prob(self, point, seed, **kwargs):
        """Returns the log-probability of a point inside, NaN where an entry of it is NaN."""
        log_prob = bound_log_prob(self._distribution, point, seed, **kwargs)
        axes = ps.range(-self.event_shape.rank, 0)
        unknown = tf.reduce_any(tf.math.is_nan(point), axis=axes)
        return tf.where(unknown, tf.constant(math.nan, log_prob.dtype), log_prob)

    def _drawn_inside(self, sample_shape, seed, refused, replaced, **kwargs):
        """Returns a sample from inside, and where it is a number; tells of what is none.

        Args:
          sample_shape: shape of the sample.
          seed: seed.
          refused: what to say of NaN under `validate_args`.
          replaced: what else stands in the sample instead.
          **kwargs: passed on to the distribution inside.
        """
        sample = self._distribution.sample(sample_shape, seed=seed, **kwargs)
        is_number = ~tf.math.is_nan(sample)
        drew = f"`distribution` of `{self.name}` drew NaN"
        if self.validate_args:
            sample = checks.valid(sample, is_number, f"{drew}, {refused}.")
        elif tf.executing_eagerly() and not bool(tf.reduce_all(is_number)):
            warnings.warn(f"{drew}; there the sample is {replaced}.", RuntimeWarning, stacklevel=2)
        return sample, is_number

    def _log_prob(self, value, seed=None, **kwargs):
        seed = sanitize_seed(seed, salt="stochastic_bound")
        return self._log_weight(self._for_every_model(value), seed, **kwargs)

    def _sample_and_log_prob(self, sample_shape, seed, **kwargs):
        sample_seed, bound_seed = samplers.split_seed(seed, n=2, salt="sample_and_bound")
        value = self.sample(sample_shape, seed=sample_seed, **kwargs)
        return value, self.log_prob(value, seed=bound_seed, **kwargs)

    def importance_log_prob(
        self,
        value: TensorLike,
        num_samples: int = 64,
        seed: Seed = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> tf.Tensor:
        """Returns a tighter lower bound on log p(x), from many draws of the hidden variables.

            log p(x) >= E[log (1 / S) sum_s p(x, h_s) / q(h_s | x)],   rising with S

        Draws run in blocks of 16 at most, so that memory does not grow with S; sums in float64.

        Args:
          value: `[..., *event_shape]`, whose leading axes broadcast against `batch_shape`.
          num_samples: S.
          seed: seed; a pair of integers repeats exactly.
          name: name of the operation.
          **kwargs: passed on to the distribution inside.

        Returns:
          `[...]` float64 of the broadcast shape, nats an event.

        Raises:
          ValueError: if `num_samples` is not a positive integer, or the value does not fit.

        Source: Burda et al., "Importance weighted autoencoders" (2016); "VFlow: More Expressive
        Generative Flows with Variational Data Augmentation", equation 5.
        """
        num_samples = checks.positive_integer("num_samples", num_samples)
        with self._name_and_control_scope(name or "importance_log_prob"):
            value = self._for_every_model(self._as_tensor(value))
            seed = sanitize_seed(seed, salt="importance_log_prob")
            num_blocks = -(-num_samples // _BLOCK)
            block = -(-num_samples // num_blocks)
            return self._importance_bound(value, tf.constant(num_samples), block, seed, kwargs)

    def _as_tensor(self, value):
        return tf.convert_to_tensor(value, dtype_hint=self.dtype)

    @tf.function(autograph=False)
    def _importance_bound(self, value, num_samples, block, seed, kwargs):
        # Labels, say, may have leading axes of their own; what is traced here is pruned.
        if kwargs:
            shape = ps.shape(self._log_weight(value, seed, **kwargs))
            value = tf.broadcast_to(value, ps.concat([shape, self.event_shape_tensor()], axis=0))
        leading_rank = self._leading_rank(value)

        def add(total, index):
            shape = ps.concat([[block], ps.shape(value)], axis=0)
            repeated = tf.broadcast_to(value, shape)
            log_weights = self._log_weight(repeated, samplers.fold_in(seed, index), **kwargs)
            # Of one size, blocks are traced once; the last one may hold draws too many.
            counts = tf.reshape(
                index * block + tf.range(block) < num_samples, [block] + leading_rank * [1]
            )
            log_weights = tf.where(counts, tf.cast(log_weights, tf.float64), -math.inf)
            added = tf.reduce_logsumexp(log_weights, axis=0)
            total = tf.reduce_logsumexp(tf.stack([total, added]), axis=0)
            return tf.ensure_shape(total, value.shape[:leading_rank])

        total = tf.fill(ps.shape(value)[:leading_rank], tf.constant(-math.inf, tf.float64))
        _, total = tf.while_loop(
            lambda index, _: index * block < num_samples,
            lambda index, total: (index + 1, add(total, index)),
            (0, total),
            parallel_iterations=1,
        )
        return total - tf.math.log(tf.cast(num_samples, tf.float64))


def bound_log_prob(
    distribution: Distribution, value: tf.Tensor, seed: Seed, **kwargs: Any
) -> tf.Tensor:
    """Returns `log_prob(value)` as a function of the seed, whatever draws of its own it takes.

    A bound takes the seed itself; flows that estimate log-determinants get it from its scope.
    """
    if isinstance(distribution, StochasticBound):
        return distribution.log_prob(value, seed=seed, **kwargs)
    if seed is None:
        return distribution.log_prob(value, **kwargs)
    # Bijectors keep what they drew beside a tensor that they know; another seed draws anew.
    value = tf.identity(tf.convert_to_tensor(value, dtype_hint=distribution.dtype))
    with seed_scope(samplers.sanitize_seed(seed, salt="log_prob")):
        return distribution.log_prob(value, **kwargs)
