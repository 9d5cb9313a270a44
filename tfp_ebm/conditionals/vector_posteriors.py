"""What vectors are augmented with: q(e | x) of three kinds, for `Augmented`."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import networks
from tfp_ebm.conditionals.conditional_flow import ConditionalFlow
from tfp_ebm.flows.affine_maps import affine
from tfp_ebm.flows.vector_steps import VectorSteps, coupling_sizes
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Distribution

__all__ = ["FlowPosterior", "GaussianPosterior", "NormalPosterior"]

tfd = tfp.distributions


def _standard_normal(x, num_augmented):
    """Returns a standard normal over `[num_augmented]` for every x, `[..., num_dims]`."""
    shape = tf.concat([tf.shape(x)[:-1], [num_augmented]], axis=0)
    loc = tf.ensure_shape(tf.zeros(shape, x.dtype), [*x.shape[:-1], num_augmented])
    return _normal(loc, tf.ones([], x.dtype))


def _normal(loc, scale):
    # The multivariate normal of TensorFlow Probability cannot draw an empty batch in a graph.
    return tfd.Independent(tfd.Normal(loc, scale), 1)


class NormalPosterior:
    """q(e | x) = Normal(0, I), whatever x is.

    >>> import tensorflow as tf
    >>> q = NormalPosterior(3)(tf.zeros([5, 2]))
    >>> q.batch_shape, q.event_shape
    (TensorShape([5]), TensorShape([3]))

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", equation
    6, with which VFlow is already no worse than a plain flow.
    """

    def __init__(self, num_augmented: int) -> None:
        """Takes the size of e.

        Args:
          num_augmented: size of e.

        Raises:
          ValueError: if it is not positive.
        """
        self._num_augmented = checks.positive_integer("num_augmented", num_augmented)

    def __call__(self, x: tf.Tensor) -> Distribution:
        """Returns q(e | x) for x of shape `[..., num_dims]`, event shape `[num_augmented]`."""
        return _standard_normal(tf.convert_to_tensor(x), self._num_augmented)


class GaussianPosterior(tf.Module):
    """q(e | x) = Normal(m(x), diag(s(x)^2)), with s between exp(-3) and exp(3).

    It starts with means that depend on x. Where q(e | x) = q(e) the flow gains nothing from e, so
    that point is stationary, and training leaves it slowly.

    >>> from tfp_ebm import conditionals
    >>> posterior = conditionals.GaussianPosterior(num_dims=2, num_augmented=3, hidden_units=(8,))
    >>> posterior(tf.zeros([5, 2])).sample(seed=(0, 1)).shape
    TensorShape([5, 3])
    """

    def __init__(
        self,
        num_dims: int,
        num_augmented: int,
        hidden_units: Sequence[int] = (50, 50),
        dtype: tf.DType = tf.float32,
    ) -> None:
        """Constructs the network.

        Args:
          num_dims: size of x.
          num_augmented: size of e.
          hidden_units: sizes of the hidden layers; empty: an affine layer.
          dtype: dtype of the variables.

        Raises:
          ValueError: if a size is not positive.
        """
        super().__init__(name="gaussian_posterior")
        num_augmented = checks.positive_integer("num_augmented", num_augmented)
        self._network = networks.MLP(num_dims, 2 * num_augmented, hidden_units, dtype=dtype)

    def __call__(self, x: tf.Tensor) -> Distribution:
        """Returns q(e | x) for x of shape `[..., num_dims]`, event shape `[num_augmented]`."""
        loc, log_scale = tf.split(self._network(x), 2, axis=-1)
        return _normal(loc, tf.exp(3 * tf.tanh(log_scale / 3)))


class FlowPosterior(tf.Module):
    """q(e | x) of e = f(eps; x), eps ~ Normal(0, I): steps of Glow whose couplings see x.

    Like `GaussianPosterior` it starts with a dependence on x. A coupling leaves half of its input
    as it is, so with one step half of e's directions do not depend on x; a single one does.

    >>> from tfp_ebm import conditionals
    >>> posterior = conditionals.FlowPosterior(num_dims=2, num_augmented=3, hidden_units=(8,))
    >>> posterior(tf.zeros([5, 2])).sample(seed=(0, 1)).shape
    TensorShape([5, 3])

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", sections
    3.1 and 5.
    """

    def __init__(
        self,
        num_dims: int,
        num_augmented: int,
        num_steps: int = 1,
        hidden_units: Sequence[int] = (50, 50),
        dtype: tf.DType = tf.float32,
    ) -> None:
        """Constructs the networks.

        Args:
          num_dims: size of x.
          num_augmented: size of e.
          num_steps: number of steps.
          hidden_units: sizes of the networks' hidden layers.
          dtype: dtype of all variables.

        Raises:
          ValueError: if a size is not positive.
        """
        super().__init__(name="flow_posterior")
        num_steps = checks.positive_integer("num_steps", num_steps)
        self._num_augmented = checks.positive_integer("num_augmented", num_augmented)
        self._steps = VectorSteps(num_augmented, num_steps, dtype=dtype)
        sizes = [coupling_sizes(num_augmented, step) for step in range(num_steps)]
        self._networks = [
            networks.MLP(given + num_dims, 2 * moved, hidden_units, dtype=dtype)
            for given, moved in sizes
        ]

    def __call__(self, x: tf.Tensor) -> Distribution:
        """Returns q(e | x) for x of shape `[..., num_dims]`, event shape `[num_augmented]`."""
        x = tf.convert_to_tensor(x)
        informed = [_Informed(network, x) for network in self._networks]
        normal = _standard_normal(x, self._num_augmented)
        return ConditionalFlow(normal, self._steps.coupled(affine, informed))


class _Informed(tf.Module):
    """A conditioner that also sees x."""

    def __init__(self, network, x):
        super().__init__(name="informed")
        self._network, self._x = network, x

    def __call__(self, part):
        shape = tf.concat([tf.shape(part)[:-1], [self._x.shape[-1]]], axis=0)
        return self._network(tf.concat([part, tf.broadcast_to(self._x, shape)], axis=-1))
