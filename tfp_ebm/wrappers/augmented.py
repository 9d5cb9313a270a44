"""A density of x from a density of x and extra coordinates: variational data augmentation."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import parameter_properties, samplers
from tfp_ebm.internal.types import Distribution, Unpack
from tfp_ebm.wrappers.bound_options import BoundOptions
from tfp_ebm.wrappers.stochastic_bound import StochasticBound

__all__ = ["Augmented"]


class Augmented(StochasticBound):
    """Events x, modelled by a density of (x, e) with e summed out.

        p(x) = integral p(x, e) de
        log p(x) >= log p(x, e) - log q(e | x),   e ~ q(e | x)

    The extra coordinates e follow x along the last axis: extra entries of a vector, or extra
    channels of an image. `log_prob(x)` is that lower bound with one draw of e: a *bound*, in nats
    an event, deterministic given `seed`; `importance_log_prob` tightens it. `sample` draws (x, e)
    and drops e. `Dequantized(Augmented(...))` models integers, in the order of equation 7. It is no
    composite tensor, since the density and the posterior may own networks: a `tf.function` can use
    it, but not return it.

    #### Example

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> tfd = tfp.distributions
    >>> joint = tfd.MultivariateNormalFullCovariance(
    ...     covariance_matrix=[[1.0, 0.5], [0.5, 1.0]])
    >>> exact = lambda x: tfd.Independent(tfd.Normal(0.5 * x, 0.75**0.5), 1)
    >>> model = Augmented(joint, exact, num_augmented=1)
    >>> error = model.log_prob([[0.3]]) - tfd.Normal(0.0, 1.0).log_prob(0.3)
    >>> bool(abs(error) < 1e-6)
    True

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", equations
    3 to 7.
    """

    def __init__(
        self,
        distribution: Distribution,
        posterior: Callable[[tf.Tensor], Distribution],
        num_augmented: int,
        **options: Unpack[BoundOptions],
    ) -> None:
        """Constructs the distribution.

        Args:
          distribution: a density over (x, e), event shape `[..., num_dims + num_augmented]`.
          posterior: `posterior(x)`, for x of shape `[..., *event_shape]`, returns q(e | x) with
            batch shape `[...]` and x's event shape but for `num_augmented` along the last axis. A
            `tf.Module` or Keras model is tracked and trains.
          num_augmented: number of extra coordinates or channels.
          **options: `BoundOptions`.

        Raises:
          ValueError: if `num_augmented` is not positive or leaves nothing of the event.
          TypeError: if `distribution` is not a distribution or `posterior` not callable.
        """
        parameters = dict(locals())
        num_augmented = checks.positive_integer("num_augmented", num_augmented)
        if not isinstance(distribution, tfp.distributions.Distribution):
            raise TypeError(
                "`distribution` must be a tfp.distributions.Distribution over (x, e), got "
                f"{type(distribution).__name__}."
            )
        if not callable(posterior):
            raise TypeError(
                "`posterior` must be a callable `posterior(x)` that returns a distribution of the "
                f"extra coordinates, got {type(posterior).__name__}: augmentation needs one."
            )
        joint_shape = distribution.event_shape
        if joint_shape.rank < 1 or joint_shape[-1] <= num_augmented:
            raise ValueError(
                "`distribution` must have an event whose last axis is longer than `num_augmented`, "
                f"got event shape {joint_shape} and {num_augmented} extra coordinates."
            )
        with tf.name_scope(options.get("name") or "Augmented") as name:
            self._distribution = distribution
            self._posterior = posterior
            self._num_augmented = num_augmented
            super().__init__(
                distribution.dtype, parameters, name, distribution.reparameterization_type
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"distribution": parameter_properties.BatchedComponentProperties()}

    posterior = Given[Callable]("What makes q(e | x).")
    num_augmented = Given[int]("The number of extra coordinates.")

    def _event_shape(self):
        shape = self._distribution.event_shape
        return shape[:-1].concatenate([shape[-1] - self._num_augmented])

    def _event_shape_tensor(self):
        shape = self._distribution.event_shape_tensor()
        return tf.concat([shape[:-1], [shape[-1] - self._num_augmented]], axis=0)

    def _log_weight(self, value, seed, **kwargs):
        draw_seed, joint_seed = samplers.split_seed(seed, n=2, salt="augmented")
        event_shape = self.event_shape[:-1].concatenate([self._num_augmented])
        detail = f" with {self._num_augmented} along the last axis"
        extra, extra_log_prob = self._draw("posterior", value, event_shape, draw_seed, detail)
        joint = tf.concat([value, extra], axis=-1)
        return self._inner_log_prob(joint, joint_seed, **kwargs) - extra_log_prob

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        sample = self._distribution.sample(sample_shape, seed=seed, **kwargs)
        return sample[..., : sample.shape[-1] - self._num_augmented]

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)
