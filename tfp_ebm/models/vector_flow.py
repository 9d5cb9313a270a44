"""Glow for vectors: the flow of the toy study of VFlow."""

from collections.abc import Iterable, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.internal import checks

__all__ = ["GlowSteps", "check_even", "vector_flow"]

tfb = tfp.bijectors


def check_even(name: str, size: int) -> int:
    """Returns the size.

    Raises:
      ValueError: if it is odd, so that no coupling can split it in half.
    """
    if checks.positive_integer(name, size, minimum=2) % 2:
        raise ValueError(
            f"`{name}` must be even to be split in half by couplings, got {size}; add one "
            "dimension, for instance by `num_augmented`."
        )
    return size


class GlowSteps(tf.Module):
    """The variables of steps of Glow for vectors but for the conditioners, and their chain."""

    def __init__(
        self,
        num_dims: int,
        num_steps: int = 4,
        init: str = "identity",
        dtype: tf.DType = tf.float32,
    ) -> None:
        """Makes an `ActNorm` and a matrix in LU form for every step.

        Args:
          num_dims: D, even.
          num_steps: number of steps.
          init: where matrices start, see `Invertible1x1Conv.create`.
          dtype: dtype of the variables.
        """
        super().__init__(name="glow_steps")
        self._num_dims = num_dims
        self._norms = [bijectors.ActNorm.create([num_dims], dtype=dtype) for _ in range(num_steps)]
        self._matrices = [
            bijectors.Invertible1x1Conv.create(
                num_dims, parametrization="lu", init=init, dtype=dtype
            )
            for _ in range(num_steps)
        ]

    def chain(self, conditioners: Iterable[tf.Module]) -> tfb.Bijector:
        """Returns norm, matrix and affine coupling, step by step, on `[..., D]`."""
        as_image = tfb.Reshape(event_shape_in=[self._num_dims], event_shape_out=[1, 1, -1])
        steps = [as_image]
        parts = zip(self._norms, self._matrices, conditioners, strict=True)
        for index, (norm, matrix, conditioner) in enumerate(parts):
            split = bijectors.ChannelSplit(swap=bool(index % 2))
            steps += [norm, matrix, bijectors.Coupling(split, _affine, conditioner)]
        steps.append(tfb.Invert(as_image))
        return tfb.Chain(steps[::-1])


def _affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=2 * tf.tanh(log_scale / 2)))


def vector_flow(
    num_dims: int,
    num_steps: int = 4,
    hidden_units: Sequence[int] = (50, 50),
    init: str = "identity",
    dtype: tf.DType = tf.float32,
) -> tfb.Bijector:
    """Returns steps of Glow for vectors, latent to data.

    A step is an `ActNorm`, a matrix in LU form and an affine coupling whose network starts at 0.

    >>> vector_flow(4, num_steps=2).forward_event_shape([4])
    TensorShape([4])

    Args:
      num_dims: D, even, so that a coupling can split it.
      num_steps: number of steps.
      hidden_units: sizes of the networks' hidden layers.
      init: where matrices start: near the `"identity"`, which keeps the extra coordinates of
        VFlow apart from x at first, or at a random `"rotation"`.
      dtype: dtype of all variables.

    Raises:
      ValueError: if `num_dims` is odd or a size not positive.

    Source: "VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 5.
    """
    check_even("num_dims", num_dims)
    steps = GlowSteps(num_dims, checks.positive_integer("num_steps", num_steps), init, dtype)
    conditioners = [
        networks.MLP(num_dims // 2, num_dims, hidden_units, zero_output=True, dtype=dtype)
        for _ in range(num_steps)
    ]
    return tfb.Invert(steps.chain(conditioners))
