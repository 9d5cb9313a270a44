"""The steps that flows of vectors are made of."""

from collections.abc import Callable, Iterable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector

__all__ = ["VectorSteps", "check_context", "coupling_sizes"]

tfb = tfp.bijectors


def coupling_sizes(num_dims: int, step: int) -> tuple[int, int]:
    """Returns how many entries the coupling of a step conditions on, and how many it transforms.

    The first ceil(D / 2) entries and the last floor(D / 2) take turns; of one entry alone, it is
    the one that is transformed.
    """
    last = num_dims // 2
    if num_dims == 1:
        return 0, 1
    return (last, num_dims - last) if step % 2 else (num_dims - last, last)


def check_context(num_dims: int, num_context: int) -> int:
    """Returns the size of condition vectors, or raises if no coupling would see them.

    Raises:
      ValueError: if it is negative, or positive where vectors have a single entry.
    """
    num_context = checks.positive_integer("num_context", num_context, minimum=0)
    if num_context and num_dims == 1:
        raise ValueError(
            f"`num_context` {num_context} needs couplings, which vectors of one entry have not; "
            "give the model an extra dimension (`num_augmented=1`), or no condition."
        )
    return num_context


class VectorSteps(tf.Module):
    """The variables of steps of a flow of vectors but for the couplings', and their chain."""

    def __init__(
        self,
        num_dims: int,
        num_steps: int,
        init: str = "identity",
        dtype: tf.DType = tf.float32,
    ) -> None:
        """Makes an `ActNorm` for every step, and a matrix in LU form unless there is one entry.

        Args:
          num_dims: D.
          num_steps: number of steps.
          init: where matrices start, see `Invertible1x1Conv.create`.
          dtype: dtype of the variables.
        """
        super().__init__(name="vector_steps")
        self._num_dims = num_dims
        self._norms = [
            bijectors.ActNorm.create([num_dims], dtype=dtype, event_rank=1)
            for _ in range(num_steps)
        ]
        self._matrices = [
            bijectors.Invertible1x1Conv.create(
                num_dims, parametrization="lu", init=init, dtype=dtype, event_rank=1
            )
            for _ in range(num_steps if num_dims > 1 else 0)
        ]

    def coupled(
        self, bijector_fn: Callable, conditioners: Iterable[tf.Module], num_context: int = 0
    ) -> Bijector:
        """Returns norm, matrix and coupling, step by step, on `[..., D]`.

        Args:
          bijector_fn: makes the bijector of what a coupling transforms, see `Coupling`.
          conditioners: network of every step, from and to what `coupling_sizes` says.
          num_context: size of the condition vectors that they see too.
        """
        couplings = [
            bijectors.Coupling(self._split(step), bijector_fn, conditioner, num_context)
            for step, conditioner in enumerate(conditioners)
        ]
        return self.chain(couplings)

    def chain(self, maps: Iterable[Bijector]) -> Bijector:
        """Returns norm, matrix and another map, step by step, on `[..., D]`."""
        steps = []
        for step, (norm, last) in enumerate(zip(self._norms, maps, strict=True)):
            steps += [norm, *self._matrices[step : step + 1], last]
        return tfb.Chain(steps[::-1])

    def _split(self, step):
        if self._num_dims == 1:
            return tfb.Split([0, 1])
        return bijectors.ChannelSplit(swap=bool(step % 2), event_rank=1)
