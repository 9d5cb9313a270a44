"""A block of events to and from decisions, with the same arithmetic both ways."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.coding.container import CodingError
from tfp_ebm.coding.decisions import first_numbers, num_decisions, upper_half
from tfp_ebm.coding.entropy import DecisionReader, DecisionWriter
from tfp_ebm.distributions import ConditionalParts, IntegerEvents
from tfp_ebm.models.parts import parts

__all__ = ["BlockCoder"]


class BlockCoder:
    """Codes blocks of events, all of one size, by a model.

    What the two ways must agree on to the last bit runs in the same compiled functions: the
    parameters of a part given those before it, and the probabilities of decisions. The flow, whose
    two directions are different functions, runs operation by operation, so that no optimisation of
    a graph rounds a network otherwise in one of them.
    """

    def __init__(self, model: tfp.distributions.Distribution) -> None:
        """Takes the model apart.

        Args:
          model: a model of whole numbers.

        Raises:
          CodingError: if it is none, or its base gives no probabilities of intervals.
        """
        base = parts(model).base
        if not isinstance(model, IntegerEvents) or not isinstance(base, ConditionalParts):
            raise CodingError(
                "`model` must be one of whole numbers with exact probabilities, such as "
                "`models.create('integer_flow', ...)`; continuous flows need bits-back coding, "
                f"which is not there. Got {type(model).__name__} with the base "
                f"{type(base).__name__}."
            )
        self._model, self._flow, self._base = model, parts(model).flow, base
        self._compiled = {}

    def write(self, writer: DecisionWriter, block: np.ndarray, count: int) -> None:
        """Writes the first events of a block.

        Args:
          writer: where the decisions go.
          block: `[block_size, *event_shape]`.
          count: how many of them to write.

        Raises:
          ValueError: if a latent number is beyond the range of the coder.
        """
        z = tf.cast(block, self._base.dtype)
        z = (z if self._flow is None else self._flow.inverse(z)).numpy()
        start = 0
        for index, size in enumerate(self._base.part_sizes):
            part = z[:, start : start + size]
            self._search(index, z[:, :start], part, writer, count)
            start += size

    def read(self, reader: DecisionReader, block_size: int, count: int) -> np.ndarray:
        """Returns the next events, `[count, *event_shape]`.

        Args:
          reader: where the decisions come from.
          block_size: size of the blocks that were written.
          count: how many events were written of this one.
        """
        z = np.zeros([block_size, 0], self._base.dtype.as_numpy_dtype)
        for index in range(len(self._base.part_sizes)):
            z = np.concatenate([z, self._search(index, z, None, reader, count)], axis=1)
        # Rows that are no events must not make others round otherwise, but may be anything.
        z = tf.constant(z)
        x = z if self._flow is None else self._flow.forward(z)
        return tf.cast(x, self._model.dtype).numpy()[:count]

    def _search(
        self,
        index: int,
        before: np.ndarray,
        part: np.ndarray | None,
        stream: DecisionWriter | DecisionReader,
        count: int,
    ) -> np.ndarray:
        """Returns the numbers of a part, found by decisions that are written or read."""
        made = self._distribution(index, tf.constant(before))
        low, high = made.distribution.low.numpy(), made.distribution.high.numpy()
        size = self._base.part_sizes[index]
        first = np.broadcast_to(first_numbers(low), [size]).astype(before.dtype)
        start = np.repeat(first[np.newaxis], len(before), axis=0)
        num_bits = num_decisions(low, high)
        if part is not None:
            _check_range(part, first, num_bits)
        for bit in reversed(range(num_bits)):
            width = before.dtype.type(2**bit)
            numerators = self._upper_half(index, made, tf.constant(start), tf.constant(width))
            if part is None:
                decisions = np.zeros(start.shape, bool)
                decisions[:count] = stream.read(numerators[:count])
            else:
                decisions = part >= start + width
                stream.write(decisions[:count], numerators[:count])
            start = start + width * decisions
        return start

    def _distribution(self, index, before):
        """Returns the distribution of a part, whose networks are compiled once for either way."""

        def make(before):
            return self._base.part_distribution(index, before)

        return self._run(("distribution", index), make, before)

    def _upper_half(self, index, made, start, width):
        def probability(made, start, width):
            return upper_half(made.distribution, start, width)

        return self._run(("decision", index), probability, made, start, width).numpy()

    def _run(self, key, function, *arguments):
        """Calls a function, compiled when it is first called; shapes never change."""
        if key not in self._compiled:
            traced = tf.function(function, autograph=False)
            self._compiled[key] = traced.get_concrete_function(*arguments)
        return self._compiled[key](*arguments)


def _check_range(part, first, num_bits):
    last = first + 2.0**num_bits - 1
    if np.any(part < first) or np.any(part > last):
        raise ValueError(
            "`events` lead to a whole number beyond those that are coded, from "
            f"{first.min():.0f} to {last.max():.0f}: from {part.min():.0f} to {part.max():.0f}; "
            "leave these events out, or subtract an offset."
        )
